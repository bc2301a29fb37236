"""Who of a server's workers has made which change, and who of them leads.

A worker that has died is told by its lock, which the kernel takes back.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple

_LINE: Final = "%020d %d"


class Said(NamedTuple):
    """Hold what a worker said: up to which turn it has come, and whether it could do all of it."""

    turn: int
    is_done: bool


class RollCall:
    """Tell the other workers, and hear them; in this process alone when there is no folder.

    Args:
        folder: Made if absent. It belongs to one running server.

    >>> call = RollCall()
    >>> call.say(2, is_done=True)
    >>> call.heard(), call.leads()
    ([Said(turn=2, is_done=True)], True)
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._own: Path | None = None
        self._descriptor = self._lead = -1
        self._said: Said | None = None
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def say(self, turn: int, *, is_done: bool) -> None:
        """Tell how far this worker has come; from the first time on it is heard."""
        self._said = Said(turn, is_done)
        if self._folder is None:
            return
        line = (_LINE % self._said).encode()
        if self._own is None:
            self._join(line)
        os.pwrite(self._descriptor, line, 0)

    def heard(self) -> list[Said]:
        """Return what each living worker said last, this one included."""
        if self._folder is None:
            return [] if self._said is None else [self._said]
        said = [_heard(file, is_own=file == self._own) for file in self._folder.glob("worker-*")]
        return [one for one in said if one is not None]

    def leads(self) -> bool:
        """Return whether this worker is the one that decides for all; once it is, it stays so until it ends."""
        if self._folder is None or self._lead >= 0:
            return True
        descriptor = os.open(self._folder / "leader", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _is_free(descriptor):
            os.close(descriptor)
            return False
        self._lead = descriptor
        return True

    def close(self) -> None:
        """Leave; another worker may lead."""
        for descriptor in (self._descriptor, self._lead):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._lead = -1
        self._own = self._folder = None

    def _join(self, line: bytes) -> None:
        """Make a file that appears under its name only when it is whole and locked."""
        assert self._folder is not None
        token = secrets.token_hex(8)
        draft = self._folder / f".draft-worker-{token}"
        self._descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.write(self._descriptor, line)
        self._own = draft.rename(self._folder / f"worker-{token}")


def _heard(file: Path, *, is_own: bool) -> Said | None:
    """Return what a worker said; None if it has died, and its file goes."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not is_own and _is_free(descriptor):
            file.unlink(missing_ok=True)
            return None
        turn, is_done = os.read(descriptor, 64).split()
        return Said(int(turn), is_done == b"1")
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    """Take the lock of a file, if nobody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
