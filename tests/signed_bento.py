"""Small signed bentos for the tests of trust: a few files of code around a model, in stores of the test's own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from deploy.keys import SigningKey, make_key
from deploy.signing import sign
from deploy.verifying import Verification, verification_of
from trust.envelope import MANIFEST_FILE
from trust.manifest import Manifest

CODE = {"service.py": "import runners\n", "runners/__init__.py": '"""Runs."""\n'}


@dataclass(frozen=True)
class Signed:
    """Where a signed bento, its model and the keys lie. Each test has copies of its own, to be tampered with."""

    home: Path
    bentoml_home: Path
    tag: str
    model_tag: str
    manifest: Manifest

    @property
    def bento(self) -> Path:
        return self.bentoml_home / "bentos" / self.tag.replace(":", "/")

    @property
    def model(self) -> Path:
        return self.bentoml_home / "models" / self.model_tag.replace(":", "/")

    @property
    def file(self) -> Path:
        return self.bento / MANIFEST_FILE

    def verification(self, *, floor: int = 0) -> Verification:
        return verification_of(self.tag, self.home, floor=floor, bentoml_home=self.bentoml_home)

    def reasons(self, *, floor: int = 0) -> str:
        """Why it is not trusted; empty if it is."""
        return "; ".join(reason for check in self.verification(floor=floor).checks for reason in check.reasons)


def signed_bento(
    folder: Path,
    model: Path,
    model_tag: str,
    *,
    tag: str = "football:one",
    key: SigningKey | None = None,
    sequence: int = 100,
) -> Signed:
    """Make a bento around a copy of a saved model, and sign it; with a new key that is trusted unless one is given."""
    key = key or make_key(folder / "keys")
    bentoml_home = folder / "bentoml"
    bento, pinned = (
        bentoml_home / "bentos" / tag.replace(":", "/"),
        bentoml_home / "models" / model_tag.replace(":", "/"),
    )
    shutil.copytree(model, pinned, dirs_exist_ok=True)
    for path, text in CODE.items():
        (bento / "src" / path).parent.mkdir(parents=True, exist_ok=True)
        (bento / "src" / path).write_text(text)
    (bento / "bento.yaml").write_text(f"name: {tag}\n")
    manifest = sign(bento, tag, {model_tag: pinned}, key, sequence=sequence)
    return Signed(folder, bentoml_home, tag, model_tag, manifest)
