"""Releases that can be served: copies of bentos with their models, which no training, deletion or download touches."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import bentoml
import yaml
from bentoml.exceptions import BentoMLException

from deploy.build import BENTO_NAME
from deploy.durable import sync_folder
from deploy.errors import NotKept
from deploy.place import Place
from deploy.slot import PAST

_FACTS: Final = "bento.yaml"


def folder_of(place: Place, tag: str) -> Path:
    """Return where the copy of a bento is, or would be."""
    return place.kept / tag.partition(":")[2]


def is_kept(place: Place, tag: str) -> bool:
    """Return whether there is a copy of a bento."""
    return folder_of(place, tag).is_dir()


def kept_tags(place: Place) -> list[str]:
    """Return the bentos there are copies of, the one copied last first."""
    folders = [folder for folder in place.kept.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    return [f"{BENTO_NAME}:{one.name}" for one in sorted(folders, key=lambda f: f.stat().st_mtime, reverse=True)]


def keep(place: Place, tag: str) -> Path:
    """Copy a bento and the models it pins, whole or not at all, and return the copy. Raises NotKept."""
    folder = folder_of(place, tag)
    if folder.is_dir():
        return folder
    aside = place.kept / f".{folder.name}.new"
    shutil.rmtree(aside, ignore_errors=True)
    copy_to(aside, tag)
    aside.rename(folder)
    sync_folder(place.kept)
    return folder


def copy_to(aside: Path, tag: str) -> None:
    """Copy a bento and the models it pins into a new folder; leaves none behind where that fails. Raises NotKept."""
    try:
        bento = Path(bentoml.get(tag).path)
        _copy(bento, bento_in(aside, tag))
        for model in models_of(bento):
            own, _, number = model.partition(":")
            _copy(Path(bentoml.models.get(model).path), aside / "models" / own / number)
    except (BentoMLException, OSError, ValueError) as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise NotKept(f"No copy of {tag} could be made: {error}. The bentos there are: football build") from error


def sweep(place: Place) -> None:
    """Remove halves of copies that a process left when it was cut off. To be called by the one who holds the lock."""
    for half in place.kept.glob(".*"):
        shutil.rmtree(half, ignore_errors=True)


def lend_past(lender: Path, borrower: Path) -> None:
    """Give a copy what the servers of another have noted of old matches, unless its own have noted something.

    What is noted is named after the code of the features and after the matches, so servers that would note
    something else pass over it. It is copied: what the borrower's servers do with it the lender's never read.
    """
    if (borrower / PAST).exists() or not (lender / PAST).is_dir():
        return
    aside = borrower / f".{PAST}.new"
    with suppress(OSError):  # such as a full disk: they note it themselves, or say so
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(lender / PAST, aside)
        aside.rename(borrower / PAST)


def bento_in(folder: Path, tag: str) -> Path:
    """Return where the bento itself is in a copy."""
    name, _, version = tag.partition(":")
    return folder / "bentos" / name / version


def models_in(place: Place, tag: str) -> list[str]:
    """Return the full tags of the models of a kept bento. Raises OSError, ValueError."""
    name, _, version = tag.partition(":")
    return models_of(folder_of(place, tag) / "bentos" / name / version)


def models_of(bento: Path) -> list[str]:
    """Return the full tags of the models that a bento pins. Raises ValueError if it does not say."""
    told: Any = yaml.safe_load((bento / _FACTS).read_text(encoding="utf-8"))
    tags = [str(model["tag"]) for model in told.get("models") or []]
    if not tags:
        raise ValueError(f"{bento / _FACTS} names no model")
    return tags


def forget_old(place: Place, count: int, needed: Collection[str]) -> list[str]:
    """Remove the copies that are neither needed nor among the newest, and return their tags."""
    spared = set(needed) | set(kept_tags(place)[:count])
    gone = [tag for tag in kept_tags(place) if tag not in spared]
    for tag in gone:
        # Renamed first: half a copy must not pass for a whole one.
        dead = place.kept / f".{folder_of(place, tag).name}.gone"
        folder_of(place, tag).rename(dead)
        shutil.rmtree(dead, ignore_errors=True)
    return gone


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, symlinks=False)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        sync_folder(folder)
