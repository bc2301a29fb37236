"""What is no longer needed: old bentos and models in BentoML's stores, and what work that was cut off left behind.

A release needs neither store, for it has a copy of its own. So what is spared in the stores is spared for
building, for `football serve` and for looking back.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bentoml
import psutil

from deploy import kept
from deploy.build import BENTO_NAME
from deploy.lock import held
from deploy.place import Place

_DEAD: Final = ".gone-"


@dataclass(frozen=True, slots=True)
class Garbage:
    """Hold what may go, oldest first.

    Attributes:
        bentos, models: Full tags.
        leftovers: Half copies in the folder of the releases.
        size_bytes: Of all of it.
    """

    bentos: tuple[str, ...]
    models: tuple[str, ...]
    leftovers: tuple[Path, ...]
    size_bytes: int

    @property
    def is_none(self) -> bool:
        """Return whether there is nothing."""
        return not (self.bentos or self.models or self.leftovers)


def find(place: Place, model_names: Collection[str], *, spare: int) -> Garbage:
    """Return what may go: all but the newest of each, what serves just now, what is kept, and what a spared bento pins.

    Args:
        model_names: Whose versions may go; models of other names in the same store are somebody else's.
        spare: The newest so many bentos, and versions of each model, stay.
    """
    bentos = _oldest_first(bento for bento in bentoml.list() if bento.tag.name == BENTO_NAME)
    spared = {str(bento.tag) for bento in bentos[-spare:]} | set(kept.kept_tags(place)) | _served()
    gone = [bento for bento in bentos if str(bento.tag) not in spared]
    needed = {str(model.tag) for bento in bentos if str(bento.tag) in spared for model in bento.info.all_models}
    old = [model for name in sorted(set(model_names)) for model in _versions(name)[:-spare]]
    dead = [model for model in old if str(model.tag) not in needed]
    leftovers = sorted(path for path in place.kept.iterdir() if path.name.startswith("."))
    size = sum(_size(Path(one.path)) for one in (*gone, *dead)) + sum(map(_size, leftovers))
    return Garbage(tuple(str(one.tag) for one in gone), tuple(str(one.tag) for one in dead), tuple(leftovers), size)


def remove(place: Place, garbage: Garbage) -> None:
    """Remove it. Raises AnotherIsAtIt while something is released, for that may be the copying of what goes."""
    with held(place.lock):
        folders = [Path(bentoml.get(tag).path) for tag in garbage.bentos]
        folders += [Path(bentoml.models.get(tag).path) for tag in garbage.models]
        for folder in folders:
            _remove(folder)
        for path in garbage.leftovers:
            shutil.rmtree(path, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Take a folder out of its store at once, then delete it: half a model must not be listed."""
    store = folder.parents[1]
    dead = store.parent / f"{_DEAD}{folder.name}"
    shutil.rmtree(dead, ignore_errors=True)
    folder.rename(dead)
    shutil.rmtree(dead, ignore_errors=True)


def _versions(name: str) -> list[Any]:
    return _oldest_first(model for model in bentoml.models.list() if model.tag.name == name)


def _oldest_first(things: Iterable[Any]) -> list[Any]:
    return sorted(things, key=lambda thing: thing.info.creation_time)


def _served() -> set[str]:
    """Return the tags that stand in the commands of running servers, whoever started them."""
    tags: set[str] = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command: Sequence[str] = process.cmdline()
            if "serve" in command or "bentoml" in " ".join(command[:3]):
                tags |= {word for word in command if word.startswith(f"{BENTO_NAME}:")}
    return tags


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
