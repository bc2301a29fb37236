"""A manifest for the tests that read one."""

from __future__ import annotations

from trust.manifest import Manifest, SignedFile, SignedModel

DIGEST = "0" * 64
MODEL = "football:20261124t101500"
PATHS = ["bento/bento.yaml", "bento/src/service.py", f"models/{MODEL.replace(':', '/')}/model.yaml"]


def manifest(paths=PATHS, **changes) -> Manifest:
    model = SignedModel(MODEL, "f" * 32, DIGEST, {"numpy": "2.3.0"}, "2026-11-24T00:00:00+00:00")
    told = {
        "bento": "football:one",
        "created": "2026-11-26T08:00:00+00:00",
        "files": [SignedFile(path, DIGEST, 1) for path in paths],
        "models": [model],
        "sequence": 7,
    }
    return Manifest(**(told | changes))
