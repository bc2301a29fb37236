"""What the workers of one server agree on about reloads, and what became of them.

One small file, changed under a lock and replaced whole, in a folder that ends
with the server: a server that is started again serves what its bento pins.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

MOST_ATTEMPTS: Final = 100

_encode: Final = msgspec.json.Encoder().encode


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Show one reload: when it ended, how long it took, and what went wrong if it failed."""

    at: dt.datetime
    model_name: str
    model_version: str
    seconds: float
    error: str | None = None


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """Show the newest version of a model that was served or tried; nothing older is taken without being asked for.

    Attributes:
        refused_mark: Of its files when they were refused; None if they were not.
    """

    version: str
    created_at: dt.datetime
    refused_mark: str | None = None


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """Show what is agreed on.

    Attributes:
        is_begun: Whether a first worker has set what is agreed on at the start.
        turn: Raised by each change of a served version.
        wanted: The version to serve by model name, where it is not the one that a worker starts with.
        watched_since: Since when newer versions are taken as they come; None while they are not.
        attempts: The latest ones, oldest first.
        settled: By model name.
    """

    is_begun: bool = False
    turn: int = 0
    wanted: dict[str, str] = {}
    watched_since: dt.datetime | None = None
    successful: int = 0
    failed: int = 0
    rollbacks: int = 0
    attempts: tuple[Attempt, ...] = ()
    settled: dict[str, Settled] = {}

    def begun(self, *, watched_since: dt.datetime | None) -> Agreed:
        """Return what is agreed once a worker has begun: only the first one of a server says whether newer versions are taken."""
        return self if self.is_begun else replace(self, is_begun=True, watched_since=watched_since)

    def watched(self, since: dt.datetime | None) -> Agreed:
        """Return what is agreed once newer versions are to be taken, or no longer; where they are, since when stays."""
        is_same = (self.watched_since is None) == (since is None)
        return self if is_same else replace(self, watched_since=since)

    def moved(self, attempt: Attempt, newest: Settled, *, is_rollback: bool) -> Agreed:
        """Return what is agreed once a model is to serve another version."""
        return replace(
            self._noted(attempt),
            turn=self.turn + 1,
            wanted={**self.wanted, attempt.model_name: attempt.model_version},
            successful=self.successful + 1,
            rollbacks=self.rollbacks + is_rollback,
            settled=self._settled(attempt.model_name, newest),
        )

    def refused(self, attempt: Attempt, tried: Settled | None) -> Agreed:
        """Return what is agreed once a reload has failed: nothing else is served."""
        settled = self.settled if tried is None else self._settled(attempt.model_name, tried)
        return replace(self._noted(attempt), failed=self.failed + 1, settled=settled)

    def _noted(self, attempt: Attempt) -> Agreed:
        return replace(self, attempts=(*self.attempts, attempt)[-MOST_ATTEMPTS:])

    def _settled(self, name: str, newest: Settled) -> dict[str, Settled]:
        before = self.settled.get(name)
        is_later = before is not None and before.created_at > newest.created_at
        return self.settled if is_later else {**self.settled, name: newest}


class Ledger:
    """Keep what is agreed; in this process alone when there is no folder.

    Args:
        folder: Made if absent. It belongs to one running server.

    >>> ledger = Ledger()
    >>> ledger.change(lambda agreed: replace(agreed, turn=3)).turn, ledger.read().turn
    (3, 3)
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = None if folder is None else folder / "reloads.json"
        self._kept = Agreed()
        self._read_at: tuple[int, int] | None = None
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def is_news(self) -> bool:
        """Return whether anything was written since the last ``read``; costs one look at the file's date."""
        return self._file is not None and self._date() != self._read_at

    def read(self) -> Agreed:
        """Return what is agreed now."""
        if self._file is not None:
            self._read_at = self._date()
        return self.peek()

    def peek(self) -> Agreed:
        """Return what is agreed now; what is news remains so."""
        return self._kept if self._file is None else self._written()

    def change(self, change: Callable[[Agreed], Agreed]) -> Agreed:
        """Change what is agreed, for all workers, and return it. What others wrote is still news to this one."""
        if self._file is None:
            self._kept = change(self._kept)
            return self._kept
        # Another server that starts with the same BENTOML_HOME empties it.
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            agreed = change(self._written())
            draft = self._file.with_suffix(".draft")
            draft.write_bytes(_encode(agreed))
            draft.replace(self._file)
        return agreed

    def _date(self) -> tuple[int, int] | None:
        assert self._file is not None
        try:
            told = os.stat(self._file)  # noqa: PTH116 - half the time of Path.stat, twice a second for ever
        except FileNotFoundError:
            return None
        return told.st_ino, told.st_mtime_ns

    def _written(self) -> Agreed:
        assert self._file is not None
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Agreed)
        except FileNotFoundError:
            return Agreed()
