"""Whether a bento, code and models, is to the byte what somebody trusted has signed. Reads files and runs none."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bentoml._internal.configuration.containers import BentoMLContainer

from trust.envelope import MANIFEST_FILE
from trust.errors import Untrusted
from trust.files import differences, read_file, read_folder
from trust.keyring import Keyring
from trust.manifest import MODELS, Manifest, SignedFile, is_tag
from trust.policy import Policy

HOW_TO_SIGN: Final = "make a key with `football keys init`, and build again"


@dataclass(frozen=True, slots=True)
class Check:
    """Hold one thing that was looked at.

    Attributes:
        reasons: Why it failed; empty if it did not.
        told: What was found where it did not fail.
    """

    name: str
    reasons: tuple[str, ...] = ()
    told: str = ""

    @property
    def is_passed(self) -> bool:
        """Return whether nothing was wrong."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Verification:
    """Hold what came out: the checks in order, and the manifest if its signature is believed."""

    bento: str
    checks: tuple[Check, ...]
    manifest: Manifest | None

    @property
    def is_trusted(self) -> bool:
        """Return whether every check was passed."""
        return all(check.is_passed for check in self.checks)


def verify_bento(tag: str, home: Path, *, floor: int = 0, bentoml_home: Path | None = None) -> Manifest:
    """Return the manifest of a bento that is to the byte what was signed; whether signing is required or not.

    Args:
        home: FOOTBALL_HOME, which holds the trusted keys.
        floor: Lowest sequence that is believed; the one in ``home`` may be higher.
        bentoml_home: Where bentos and models lie; by default where BentoML keeps those of this process.

    Raises:
        Untrusted: If it is not there, not signed, not by a trusted key, too old, or not what was signed; with all reasons.
    """
    done = verification_of(tag, home, floor=floor, bentoml_home=bentoml_home)
    if not done.is_trusted or done.manifest is None:
        raise Untrusted([reason for check in done.checks for reason in check.reasons])
    return done.manifest


def verification_of(tag: str, home: Path, *, floor: int = 0, bentoml_home: Path | None = None) -> Verification:
    """Check a bento with the models that it pins, as ``verify_bento`` does. Raises Untrusted if it is not there."""
    bento = bento_folder(tag, bentoml_home)
    policy = Policy(Keyring(home / "keys"), is_required=True, floor=floor)
    try:
        believed = policy.manifest_of(bento, tag)
    except Untrusted as error:
        return Verification(tag, (Check("signature", tuple(error.reasons)),), None)
    if believed is None:
        return Verification(tag, (Check("signature", (f"bento {tag} is not signed; {HOW_TO_SIGN}",)),), None)
    manifest, key_id = believed
    told = f"by key {key_id} at {manifest.created}, sequence {manifest.sequence}"
    checks = (Check("signature", told=told), *_file_checks(bento, manifest, _store("models", bentoml_home)))
    return Verification(tag, checks, manifest)


def is_signed(tag: str, bentoml_home: Path | None = None) -> bool:
    """Return whether a bento of the bento store has a manifest, believed or not; False of one that is not there."""
    try:
        return os.path.lexists(bento_folder(tag, bentoml_home) / MANIFEST_FILE)
    except Untrusted:
        return False


def full_tag(tag: str) -> str:
    """Return the full tag of the newest bento of a name, given the name or ``NAME:latest``; any other stays as it is.

    Reads no bento for it. Raises Untrusted if there is none of that name.
    """
    name, _, version = tag.partition(":")
    if version not in {"", "latest"} or not is_tag(f"{name}:latest"):
        return tag
    latest = read_file(_store("bentos") / name, "latest", most_bytes=256)
    if latest is None:
        raise Untrusted([f"no bento {name!r} is built; build one: football build"])
    return f"{name}:{latest.decode(errors='replace').strip()}"


def bento_folder(tag: str, bentoml_home: Path | None = None) -> Path:
    """Return where a bento lies, given its full tag. Raises Untrusted if it is not there."""
    name, _, version = tag.partition(":")
    folder = _store("bentos", bentoml_home) / name / version
    if not is_tag(tag) or not folder.is_dir():
        raise Untrusted([f"bento {tag!r} is not in the bento store; see `bentoml list`"])
    return folder


def _file_checks(bento: Path, manifest: Manifest, models: Path) -> Iterator[Check]:
    signed, places, notes = manifest.of_bento(), {}, set()
    for model in manifest.models:
        place, files = model.tag.replace(":", "/"), manifest.of_model(model.tag) or {}
        within = bento / MODELS / place  # where they lie in an image, and in what BentoML exports
        if within.is_dir():
            signed |= {f"{MODELS}/{place}/{path}": file for path, file in files.items()}
            notes.add(f"{MODELS}/{place.partition('/')[0]}/latest")  # written by BentoML's model store
        places[model.tag] = (within if within.is_dir() else models / place, files)
    yield _compared("bento", bento, signed, ignoring={MANIFEST_FILE} | notes)
    for tag, (folder, files) in places.items():
        yield _compared(f"model {tag}", folder, files)


def _compared(name: str, folder: Path, signed: Mapping[str, SignedFile], *, ignoring: Collection[str] = ()) -> Check:
    try:
        found = {path: file for path, file in read_folder(folder).items() if path not in ignoring}
        reasons = differences(found, signed)
    except Untrusted as error:
        reasons = error.reasons
    except OSError as error:
        reasons = [f"{folder} cannot be read: {error.strerror}"]
    size = sum(file.size for file in signed.values())
    return Check(name, tuple(f"{name}: {reason}" for reason in reasons), f"{len(signed)} files, {size:,} bytes")


def _store(kind: Literal["bentos", "models"], bentoml_home: Path | None = None) -> Path:
    if bentoml_home is not None:
        return bentoml_home / kind
    store = BentoMLContainer.bento_store.get() if kind == "bentos" else BentoMLContainer.model_store.get()
    return Path(store._path)  # noqa: SLF001 - BentoML has no public way to the folder
