"""Signing a built bento: a manifest of every byte of it and of the models that it pins."""

from __future__ import annotations

import compileall
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any, Final

import yaml

from deploy.keys import SigningKey
from trust.envelope import MANIFEST_FILE
from trust.files import HeldFile, read_folder
from trust.manifest import BENTO, MODELS, Manifest, SignedFile, SignedModel

SOURCE: Final = "src"
FACTS: Final = "model.yaml"


class CannotSign(Exception):
    """Say why a bento cannot be signed."""


def sign(bento: Path, tag: str, models: Mapping[str, Path], key: SigningKey, *, sequence: int) -> Manifest:
    """Write the signed manifest of a bento into its folder, and return what was signed.

    Args:
        models: The folder of each pinned model by its full tag.

    Raises:
        CannotSign: If a model does not say what it was made from.
        Untrusted: If a folder holds links or other things that cannot be signed.
    """
    compile_source(bento / SOURCE)
    held = {model: read_folder(folder) for model, folder in sorted(models.items())}
    files = {f"{BENTO}/{path}": file for path, file in read_folder(bento, leaving_out={MANIFEST_FILE}).items()}
    for model, own in held.items():
        files |= {f"{MODELS}/{model.replace(':', '/')}/{path}": file for path, file in own.items()}
    manifest = Manifest(
        bento=tag,
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        files=[SignedFile(path, file.sha256, len(file.content)) for path, file in sorted(files.items())],
        models=[_signed_model(model, own) for model, own in held.items()],
        sequence=sequence,
    )
    spelled = manifest.encode()
    Manifest.decode(spelled)  # what could not be read again is not signed
    (bento / MANIFEST_FILE).write_bytes(key.seal(spelled))
    return manifest


def compile_source(source: Path) -> None:
    """Compile the code of a bento beside it, so that Python, which would do so when it is first served, adds no file.

    What is compiled holds for a source of the same digest, not of the same date: copies of the bento stay whole.
    """
    mode = PycInvalidationMode.CHECKED_HASH
    if not compileall.compile_dir(source, quiet=2, force=True, invalidation_mode=mode, stripdir=source):
        raise CannotSign(f"the code in {source} cannot be compiled")


def _signed_model(tag: str, files: Mapping[str, HeldFile]) -> SignedModel:
    try:
        told: dict[str, Any] = yaml.load(files[FACTS].content, Loader=yaml.CSafeLoader)["metadata"]
        return SignedModel(
            tag=tag,
            feature_schema_digest=told["feature_schema_digest"],
            goldens_sha256=hashlib.sha256(_canonical(told["golden"])).hexdigest(),
            libraries=dict(told["libraries"]),
            trained_until=told["trained_until"],
        )
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise CannotSign(f"model {tag} does not say what it was made from ({error!r}); train it again") from error


def _canonical(plain: Any) -> bytes:
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
