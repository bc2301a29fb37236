"""A saved model as it lies in BentoML's model store: where it is, and what it says of itself.

BentoML itself reads what a model says of itself in a tenth of a second of pure
Python, all the while taking turns with the event loop; here it is a seventh.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from bentoml._internal.configuration.containers import BentoMLContainer
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

_VERSION: Final = re.compile(r"[a-z0-9](?:[-._a-z0-9]{0,61}[a-z0-9])?")  # as BentoML writes the versions of its tags
_NO_VERSION: Final = "latest"  # which BentoML reads as whatever is newest
FACTS: Final = "model.yaml"
OBJECTS: Final = "custom_objects.pkl"
BOOSTER: Final = "saved_model.ubj"


class NotSaved(LookupError):
    """Say that the model store does not hold a model."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Show what a saved model says of itself, and where it is.

    Attributes:
        metadata: As it was given when the model was saved.
    """

    tag: str
    folder: Path
    created_at: dt.datetime
    metadata: Mapping[str, Any]

    @classmethod
    def find(cls, tag: str) -> Saved:
        """Find a model by its full tag, such as ``"football:20261124t101500"``.

        Raises:
            NotSaved: If the model store does not hold exactly that one.
            ValueError, KeyError: If it does not say what a model of BentoML says.
        """
        folder = folder_of(tag)
        return cls.read(tag, folder, (folder / FACTS).read_bytes())

    @classmethod
    def read(cls, tag: str, folder: Path, facts: bytes) -> Saved:
        """Read what a model says of itself out of bytes at hand. Raises ValueError, KeyError as ``find`` does."""
        try:
            told = _InSteps(facts.decode()).get_single_data()
        except yaml.YAMLError as error:
            raise ValueError(f"{FACTS} is no YAML: {error}") from error
        if f"{told['name']}:{told['version']}" != tag:
            raise ValueError(f"{FACTS} is of {told['name']}:{told['version']}")
        return cls(tag, folder, dt.datetime.fromisoformat(told["creation_time"]), told["metadata"])


class _InSteps(Composer, CParser, SafeConstructor, Resolver):
    """Read YAML event by event: scanned in C, put together in Python, so that other threads get a turn in between."""

    def __init__(self, stream: str) -> None:
        CParser.__init__(self, stream)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)


def folder_of(tag: str) -> Path:
    """Return where the model store keeps a model, given its full tag. Raises NotSaved if it does not hold exactly that one."""
    name, _, version = tag.partition(":")
    if not (_VERSION.fullmatch(name) and is_saved(name, version)):
        raise NotSaved(f"no model {tag!r} is in {_store()}")
    return place_of(name, version)


def place_of(name: str, version: str) -> Path:
    """Return where a version lies, or would."""
    return _store() / name / version


def is_saved(name: str, version: str) -> bool:
    """Return whether the model store holds exactly that version; a word such as ``latest`` is none.

    Reads no file, so that the event loop may ask. ``name`` must be one that is served.
    """
    if version == _NO_VERSION or not _VERSION.fullmatch(version):
        return False
    try:
        return (_store() / name / version / FACTS).is_file()
    except OSError:
        return False


def versions_of(name: str) -> list[str]:
    """Return the versions of a name that the model store holds, in no order; none of a name never saved."""
    folder = _store() / name
    return [one.name for one in folder.iterdir() if is_saved(name, one.name)] if folder.is_dir() else []


def bento_store() -> Path:
    """Return where BentoML keeps its bentos."""
    return Path(BentoMLContainer.bento_store.get()._path)  # noqa: SLF001 - BentoML has no public way to the folder


def size_of(folder: Path) -> int:
    """Return the bytes that a saved model takes on disk."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _store() -> Path:
    return Path(BentoMLContainer.model_store.get()._path)  # noqa: SLF001 - BentoML has no public way to the folder
