"""Manifests for Kubernetes: valid by its own schemas, locked down, and naming nothing that is not there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kustomized import Document, containers_of, rendered

from configs.settings import Settings
from deploy.build import CHECKOUT
from deploy.proxy import haproxy
from service import PROBES

FOLDER = CHECKOUT / "deploy" / "kubernetes"
KUSTOMIZATIONS = sorted(file.parent.relative_to(FOLDER) for file in FOLDER.rglob("kustomization.yaml"))
OF_PROMETHEUS = "monitoring.coreos.com/v1"  # its schemas come with the operator, not with Kubernetes
DOCKERFILE = (CHECKOUT / "deploy" / "container" / "Dockerfile").read_text()


@pytest.fixture(scope="module", params=KUSTOMIZATIONS, ids=str)
def documents(request) -> list[Document]:
    return rendered(FOLDER / request.param)


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}


def pods(documents: list[Document]) -> dict[str, Document]:
    return {name: made["spec"]["template"] for name, made in of_kind(documents, "Deployment").items()}


def test_every_folder_is_tested():
    """
    The base and its overlays.
    """
    assert set(map(str, KUSTOMIZATIONS)) == {"base", "overlays/small", "overlays/monitored", "overlays/canary"}


def test_every_document_is_valid(documents):
    """
    By the schemas of Kubernetes, unknown fields included; no two documents have one name.
    """
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(names) == len(set(names))
    for document in documents:
        if document["apiVersion"] != OF_PROMETHEUS:
            kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_schemas_find_a_fault():
    """
    A misspelt field is not passed over.
    """
    document = rendered(FOLDER / "base")[2]
    document["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_every_pod_is_locked_down(documents):
    """
    Never root, nothing to write to but what is mounted, no capability, no token of the cluster, bounded memory.
    """
    for name, template in pods(documents).items():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["runAsUser"] == 65532, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert "memory" in container["resources"]["limits"], name
        assert re.fullmatch(r"[\w./-]+:[\w.-]+", container["image"]), container["image"]
        assert not container["image"].endswith(":latest")


def test_an_upgrade_takes_no_pod_away_before_its_successor_is_ready(documents):
    """
    Servers and proxies: none unavailable, time to finish, waiting before they close; what a node's drain may take is bounded.
    """
    for name, made in of_kind(documents, "Deployment").items():
        if name == "redis":
            continue
        assert made["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        spec = made["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        waits_s = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        graceful_s = int(re.search(r"GRACEFUL_S = (\d+)", (CHECKOUT / "deploy/container/start.py").read_text())[1])
        assert spec["terminationGracePeriodSeconds"] > waits_s + graceful_s
        assert waits_s > 2 * container["readinessProbe"]["periodSeconds"]
    assert all(budget["spec"]["maxUnavailable"] == 1 for budget in of_kind(documents, "PodDisruptionBudget").values())


def test_selectors_meet_the_pods_they_mean(documents):
    """
    Deployments, services, budgets, policies and the autoscaler name labels and objects that there are.
    """
    labels = {name: template["metadata"]["labels"] for name, template in pods(documents).items()}

    def met(selector: dict[str, str]) -> set[str]:
        return {name for name, own in labels.items() if selector.items() <= own.items()}

    for name, made in of_kind(documents, "Deployment").items():
        assert met(made["spec"]["selector"]["matchLabels"]) == {name}
    servers = {name for name in labels if name in {"football", "football-canary"}}
    expected = {"football-pods": servers, "football": {"football-proxy"}, "redis": {"redis"}}
    assert {name: met(one["spec"]["selector"]) for name, one in of_kind(documents, "Service").items()} == expected
    for budget in of_kind(documents, "PodDisruptionBudget").values():
        assert met(budget["spec"]["selector"]["matchLabels"])
    for name, policy in of_kind(documents, "NetworkPolicy").items():
        assert name in {"nothing-else", "names"} or met(policy["spec"]["podSelector"]["matchLabels"]), name
    (scaled,) = of_kind(documents, "HorizontalPodAutoscaler").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] in labels


def test_ports_and_probes_are_those_of_the_image_and_of_haproxy(documents):
    """
    Named ports exist; the servers' probes are paths that the service answers; the proxies' are in their configuration.
    """
    for name, template in pods(documents).items():
        (container,) = template["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.get(kind, {})
            assert probe.get("httpGet", probe.get("tcpSocket", {"port": next(iter(ports))}))["port"] in ports
            if name.startswith("football") and "httpGet" in probe and name != "football-proxy":
                assert probe["httpGet"]["path"] in PROBES
                assert f"EXPOSE {ports['http']}" in DOCKERFILE
    configuration = of_kind(documents, "ConfigMap")["football-proxy"]["data"]["haproxy.cfg"]
    (proxy,) = pods(documents)["football-proxy"]["spec"]["containers"]
    for port in proxy["ports"]:
        assert f"bind :{port['containerPort']}\n" in configuration
    for kind in ("readinessProbe", "livenessProbe"):
        assert f"path {proxy[kind]['httpGet']['path']} }}" in configuration
    for service in of_kind(documents, "Service").values():
        (port,) = service["spec"]["ports"]
        targets = [
            {one["name"] for one in template["spec"]["containers"][0]["ports"]}
            for template in pods(documents).values()
            if service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        ]
        assert all(port["targetPort"] in names for names in targets)


def test_haproxy_takes_its_configuration_and_asks_the_pods(documents, tmp_path):
    """
    HAProxy itself finds no fault with it, and the name that it looks up is that of the service of all pods.
    """
    text = of_kind(documents, "ConfigMap")["football-proxy"]["data"]["haproxy.cfg"]
    file = tmp_path / "haproxy.cfg"
    file.write_text(text)

    told = subprocess.run([haproxy(), "-c", "-f", file], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr
    service = of_kind(documents, "Service")["football-pods"]
    address = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    assert f"{address}:{service['spec']['ports'][0]['port']}" in text


def test_settings_are_settings_and_every_name_that_is_asked_for_exists(documents, monkeypatch):
    """
    Each variable is one that the settings read; config maps and mounted volumes are there.
    """
    maps = of_kind(documents, "ConfigMap")
    for name, template in pods(documents).items():
        (container,) = template["spec"]["containers"]
        volumes = {volume["name"] for volume in template["spec"].get("volumes", [])}
        assert {mount["name"] for mount in container.get("volumeMounts", [])} == volumes, name
        if name not in {"football", "football-canary"}:
            continue
        values = {one["name"]: "sqlite:////data/x.sqlite" for one in container["env"]}
        for source in container["envFrom"]:
            values |= maps[source["configMapRef"]["name"]]["data"]
        before = Settings.model_validate({})
        for variable, value in values.items():
            monkeypatch.setenv(variable, value + "7" if variable.endswith("_S") else value)
            assert Settings.model_validate({}) != before or variable.endswith("ACCESS_LOG"), variable
            monkeypatch.delenv(variable)
        assert {one["mountPath"] for one in container["volumeMounts"]} >= set(
            re.findall(r"^VOLUME (\S+)", DOCKERFILE, flags=re.MULTILINE)
        )


def test_a_second_version_differs_from_the_first_in_nothing_else():
    """
    The canary has another name, track, image and number, and the same service in front of it.
    """
    made = of_kind(rendered(FOLDER / "overlays" / "canary"), "Deployment")
    first, second = made["football"], made["football-canary"]
    assert (first["metadata"]["name"], second["spec"]["replicas"]) == ("football", 1)
    for one, track in ((first, "stable"), (second, "canary")):
        assert one["spec"]["template"]["metadata"]["labels"].pop("track") == track
        assert one["spec"]["selector"]["matchLabels"].pop("track") == track
        one["metadata"].pop("name")
        one["spec"].pop("replicas")
        assert containers_of(one)[0].pop("image") != "football"

    assert first == second


def test_prometheus_is_told_of_every_pod_and_given_the_same_alerts():
    """
    The monitor's port and labels are those of the service of all pods; the rules are those that compose loads.
    """
    documents = rendered(FOLDER / "overlays" / "monitored")
    monitor, rules = (of_kind(documents, kind)["football"] for kind in ("ServiceMonitor", "PrometheusRule"))
    service = of_kind(documents, "Service")["football-pods"]
    (endpoint,) = monitor["spec"]["endpoints"]

    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert f'scope["path"] == "{endpoint["path"]}"' in (CHECKOUT / "service.py").read_text()
    assert rules["spec"] == loaded(CHECKOUT / "deploy" / "compose" / "rules.yaml")
    jobs = set(re.findall(r'job="(\w+)"', str(rules["spec"])))
    assert jobs <= {service["metadata"]["labels"][monitor["spec"]["jobLabel"]]}


def loaded(file: Path) -> Any:
    return yaml.safe_load(file.read_text())
