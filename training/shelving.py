"""Putting a model into the BentoML model store whole or not at all.

BentoML makes the folder of a version first and fills it then: a process that is killed in between leaves a folder
that breaks every listing. Here a model is saved aside, on the store's own disk, and moved in when it is complete.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

LATEST = "latest"  # the file in which BentoML keeps the version that a name alone stands for


@contextmanager
def shelving(name: str) -> Iterator[str]:
    """Give a new tag to save under within the block; the model is in the store when the block has ended well.

    Two processes wait for each other here, so that their versions differ.
    """
    store = BentoMLContainer.model_store.get()
    models = Path(store._path)  # noqa: SLF001 - a store does not tell its folder otherwise
    aside = Path(BentoMLContainer.tmp_bento_store_dir.get()) / "training"
    with _alone(aside):
        version = _new_version(models / name)
        BentoMLContainer.model_store.set(ModelStore(aside))
        try:
            yield f"{name}:{version}"
        finally:
            BentoMLContainer.model_store.set(store)
        _move(aside / name / version, models / name)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is empty at the start and gone at the end; a killed holder lets go of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _move(complete: Path, models: Path) -> None:
    models.mkdir(parents=True, exist_ok=True)
    # One rename; only where BENTOML_HOME/tmp and /models are on different disks is it a copy that can be cut short.
    shutil.move(complete, models / complete.name)
    partial = models / f"{LATEST}.partial"
    partial.write_text(complete.name, encoding="utf-8")
    partial.replace(models / LATEST)


def _new_version(models: Path) -> str:
    """Return a version from the clock that is not taken: seconds first, counted on when two come within one."""
    now = dt.datetime.now(dt.UTC).strftime("%Y%m%dt%H%M%S")
    return next(v for v in (now, *(f"{now}-{i}" for i in range(2, 1000))) if not (models / v).exists())
