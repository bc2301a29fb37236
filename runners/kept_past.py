"""What a replay of old matches left behind, kept in files for the next process of the same release.

A server behind a proxy takes no request before it can answer for old matches
too. Their replay takes seconds, and says the same whoever does it: it rests on
the code of the features and on the matches alone. So the first process writes
down what came of it, and all others read it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from features.batch import Array
from features.transform import MatchFeatures
from runners.laid_down import LaidDown
from runners.replay import Replayed
from runners.state_arrays import AnyArray, arrays_of, filled

log = logging.getLogger("football.timeline")

_VALUES: Final = "values.npy"
_REST: Final = "rest.npz"
_CHECKSUM: Final = "checksum"
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptPast:
    """Write and read the replays of one arithmetic in a folder, each in a folder named after what it rests on.

    Only the last one written stays. A file that was cut off or altered is not believed.

    Attributes:
        root: Made when first written to.
        arithmetic: Digest of the code of the features.
    """

    root: Path
    arithmetic: str

    def read(self, digest: str, blank: Callable[[], MatchFeatures]) -> tuple[Replayed, LaidDown] | None:
        """Return the replay of a table from nothing, its features apart in their file; None if it is not there.

        Args:
            digest: Of the table, by ``store.reads.data_digest``.
            blank: Makes a state that knows nothing.
        """
        folder = self._folder(digest)
        try:
            with (folder / _REST).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                rest = {name: kept[name] for name in kept.files}
            _require_same(folder / _VALUES, rest[_CHECKSUM].item())
            return _replayed(rest, blank), LaidDown.of_file(folder / _VALUES)
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the file, the matches are still there
            log.warning(
                "a kept replay of old matches cannot be used", extra={"folder": str(folder), "reason": str(error)}
            )
            return None

    def write(self, digest: str, done: Replayed) -> LaidDown | None:
        """Keep a replay, in place of any other; return its features in their file, None if it cannot be kept."""
        folder = self._folder(digest)
        aside = folder.with_name(f".{folder.name}.{os.getpid()}")
        try:
            aside.mkdir(parents=True, exist_ok=True)
            _save(aside / _VALUES, lambda file: np.save(file, done.values))
            rest = _rest(done) | {_CHECKSUM: np.array(_checksum(aside / _VALUES))}
            _save(aside / _REST, lambda file: np.savez(file, allow_pickle=False, **rest))
            self._put(aside, folder)
            return LaidDown.of_file(folder / _VALUES)
        except (OSError, TypeError) as error:  # such as a full disk
            log.warning("a replay of old matches is not kept", extra={"folder": str(folder), "reason": str(error)})
            return None
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _put(self, aside: Path, folder: Path) -> None:
        """Give a whole folder its name, and remove what older data or code left. Another process may do the same."""
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
        for other in self.root.iterdir():
            if other != folder and not other.name.startswith("."):
                shutil.rmtree(other, ignore_errors=True)

    def _folder(self, digest: str) -> Path:
        text = f"{self.arithmetic} {digest}"
        return self.root / hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _rest(done: Replayed) -> dict[str, AnyArray]:
    known, row = np.unique(done.versions.astype(str), return_inverse=True)
    states = {
        f"{number} {path}": array
        for number, state in enumerate(done.checkpoints)
        for path, array in arrays_of(state).items()
    }
    return {"versions": known, "version": row, "checkpoints": np.array(len(done.checkpoints))} | states


def _replayed(rest: dict[str, AnyArray], blank: Callable[[], MatchFeatures]) -> Replayed:
    versions = np.array(rest["versions"].tolist(), dtype=object)[rest["version"]]
    states = tuple(
        filled(blank(), {path: rest[f"{number} {path}"] for path in _paths(rest, number)})
        for number in range(int(rest["checkpoints"]))
    )
    nothing: Array = np.empty((0, len(blank().names)))
    return Replayed(nothing, versions, states, blank())


def _paths(rest: dict[str, AnyArray], number: int) -> list[str]:
    return [name.partition(" ")[2] for name in rest if name.startswith(f"{number} ")]


def _save(file: Path, write: Callable[[Any], None]) -> None:
    with file.open("wb") as opened:
        write(opened)
        opened.flush()
        os.fsync(opened.fileno())


def _require_same(file: Path, checksum: str) -> None:
    if (now := _checksum(file)) != checksum:
        raise ValueError(f"{file} has the checksum {now}, expected {checksum}; it is made anew")


def _checksum(file: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
