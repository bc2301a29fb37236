"""What `kubectl apply -k` would send, for the few things that the kustomizations here use."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "replicas", "patches"}
CLUSTER_WIDE = {"Namespace"}

Document = dict[str, Any]


def rendered(folder: Path) -> list[Document]:
    """Return the documents of a kustomization. Raises AssertionError for what this does not know how to do."""
    told = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert told.keys() <= KNOWN, f"{folder} uses {told.keys() - KNOWN}, which the tests do not render"
    documents = [document for name in told["resources"] for document in _resource((folder / name).resolve())]
    for document in documents:
        if document["kind"] not in CLUSTER_WIDE:
            document["metadata"]["namespace"] = told["namespace"]
        for container in containers_of(document):
            container["image"] = _image(container["image"], told.get("images", []))
        for wanted in told.get("replicas", []):
            if document["kind"] == "Deployment" and document["metadata"]["name"] == wanted["name"]:
                document["spec"]["replicas"] = wanted["count"]
    for patch in told.get("patches", []):
        for document in _targets(documents, patch["target"]):
            for step in yaml.safe_load(patch["patch"]):
                _patch(document, step)
    return documents


def containers_of(document: Document) -> list[Document]:
    """Return the containers of a document that makes pods, none of any other."""
    template = document.get("spec", {}).get("template", {}) if document["kind"] == "Deployment" else {}
    return template.get("spec", {}).get("containers", [])


def _resource(path: Path) -> list[Document]:
    if path.is_dir():
        return rendered(path)
    return [copy.deepcopy(document) for document in yaml.safe_load_all(path.read_text()) if document]


def _image(name: str, images: list[Document]) -> str:
    for image in images:
        if image["name"] == name:
            return f"{image.get('newName', name)}:{image['newTag']}"
    return name


def _targets(documents: list[Document], target: Document) -> list[Document]:
    found = [one for one in documents if (one["kind"], one["metadata"]["name"]) == (target["kind"], target["name"])]
    assert found, f"a patch is meant for {target}, which is not there"
    return found


def _patch(document: Document, step: Document) -> None:
    assert step["op"] == "replace", f"the tests do not render {step}"
    *parents, last = step["path"].removeprefix("/").split("/")
    place: Any = document
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    assert last in place, f"there is no {step['path']} to replace"
    place[last] = step["value"]
