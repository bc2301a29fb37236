"""The manifest of a bento: every file of it and of the models that it pins, and what these were made from.

It has one spelling in bytes, and these bytes are signed: nothing is read out of
a manifest before its signature is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

FORMAT: Final = 1
BENTO: Final = "bento"
MODELS: Final = "models"

_NAME: Final = r"[a-z0-9](?:[-._a-z0-9]{0,61}[a-z0-9])?"  # as BentoML writes names and versions
_TAG: Final = re.compile(rf"{_NAME}:{_NAME}")

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Size = Annotated[int, Meta(ge=0)]
Sequence = Annotated[int, Meta(ge=1, lt=2**53)]


class SignedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one file: ``bento/...`` within the bento, ``models/NAME/VERSION/...`` within the model store."""

    path: str
    sha256: Digest
    size: Size


class SignedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what a pinned model was made from.

    Attributes:
        goldens_sha256: Of its golden pairs, as canonical JSON.
        trained_until: No match at or after this instant was learned from; ISO 8601.
    """

    tag: str
    feature_schema_digest: str
    goldens_sha256: Digest
    libraries: dict[str, str]
    trained_until: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what was signed.

    Attributes:
        sequence: Higher in every later manifest of the same signing machine.
        created: ISO 8601, for people; nothing is decided by it.
    """

    bento: str
    created: str
    files: list[SignedFile]
    models: list[SignedModel]
    sequence: Sequence
    format: int = FORMAT

    def encode(self) -> bytes:
        """Return the one spelling: JSON in UTF-8, keys sorted, no spaces."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def decode(cls, spelled: bytes) -> Self:
        """Read what ``encode`` wrote.

        Raises:
            ValueError: If it is anything else: another spelling, an unknown or repeated field, a path that leaves its folder.
        """
        try:
            manifest = msgspec.json.decode(spelled, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"the manifest cannot be read: {error}") from error
        if faults := list(manifest.faults()):
            raise ValueError(f"the manifest does not hold together: {'; '.join(faults[:3])}")
        if manifest.encode() != spelled:
            raise ValueError("the manifest is not in its one spelling: sorted keys, no spaces, nothing twice")
        return manifest

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with a manifest, in words."""
        if self.format != FORMAT:
            yield f"format {self.format}, expected {FORMAT}"
        tags = [model.tag for model in self.models]
        yield from (f"{tag!r} is no full tag" for tag in (self.bento, *tags) if not is_tag(tag))
        paths = [file.path for file in self.files]
        if paths != sorted(set(paths)) or tags != sorted(set(tags)):
            yield "files or models are not sorted, or there twice"
        places = (f"{BENTO}/", *map(_place, tags))
        yield from (
            f"{path!r} is no path within the bento or its models" for path in paths if not _is_within(path, places)
        )

    def of_bento(self) -> dict[str, SignedFile]:
        """Return the files of the bento by their path within it."""
        return self._under(f"{BENTO}/")

    def of_model(self, tag: str) -> dict[str, SignedFile] | None:
        """Return the files of a pinned model by their path within it; None if the bento does not pin it."""
        return self._under(_place(tag)) if any(model.tag == tag for model in self.models) else None

    def _under(self, place: str) -> dict[str, SignedFile]:
        return {file.path.removeprefix(place): file for file in self.files if file.path.startswith(place)}


def is_tag(text: str) -> bool:
    """Return whether a text is a full tag, name and version, as BentoML writes them."""
    return _TAG.fullmatch(text) is not None


def _place(tag: str) -> str:
    return f"{MODELS}/{tag.replace(':', '/')}/"


def _is_within(path: str, places: tuple[str, ...]) -> bool:
    parts = path.split("/")
    return path.startswith(places) and not {"", ".", ".."} & set(parts) and "\0" not in path and "\\" not in path
