"""Counters that all workers of a server share: each has a file of its own to add to, and reads everybody's.

A file is owned by whoever holds its lock, which the kernel takes back from a process however it dies. The next
worker takes the file over and counts on from there, so that counts never fall, nothing is counted twice, and the
number of files is that of the most workers at one time. Make one after the process has forked, not before.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

_SLOT_BYTES = 8
_HEADER_BYTES = 16


class Tallies:
    """Count under fixed names; in this process alone when there is no folder.

    Args:
        names: In an order that is the same in every worker; files with other names are left alone.
        folder: Made if absent. It belongs to one running server.

    Attributes:
        cells, slot_of: This worker's counts and their places, for whoever counts too often to call ``add``.

    >>> tallies = Tallies(["hits", "misses"])
    >>> tallies.add("hits"); tallies.add("hits", 2)
    >>> tallies.totals()
    {'hits': 3, 'misses': 0}
    """

    def __init__(self, names: Sequence[str], folder: Path | None = None) -> None:
        self.names = tuple(names)
        self.slot_of = {name: slot for slot, name in enumerate(self.names)}
        self._folder = folder
        self._magic = hashlib.blake2b("\0".join(self.names).encode(), digest_size=_HEADER_BYTES).digest()
        self._size = _HEADER_BYTES + _SLOT_BYTES * len(self.names)
        self._descriptor = -1
        self._map: mmap.mmap | None = None
        if folder is None:
            self.cells = memoryview(bytearray(self._size - _HEADER_BYTES)).cast("Q")
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        adopted = self._adopted()
        self._descriptor = self._created() if adopted is None else adopted
        self._map = mmap.mmap(self._descriptor, self._size)
        # Native order, as a cast knows no other: the files never leave the machine.
        self.cells = memoryview(self._map)[_HEADER_BYTES:].cast("Q")

    def add(self, name: str, n: int = 1) -> None:
        """Count ``n`` more of one name."""
        self.cells[self.slot_of[name]] += n

    def totals(self) -> dict[str, int]:
        """Sum over all workers, those that have died included."""
        sums = list(self.cells)
        for file in self._files():
            cells = self._read(file)
            if cells is not None and not self._is_own(file):
                sums = [a + b for a, b in zip(sums, cells, strict=True)]
        return dict(zip(self.names, sums, strict=True))

    def close(self) -> None:
        """Let go of the file; what it holds stays counted."""
        kept = memoryview(bytearray(self.cells.tobytes())).cast("Q")
        self.cells.release()
        self.cells = kept
        if self._map is not None:
            self._map.close()
            os.close(self._descriptor)
            self._map, self._folder = None, None

    def _files(self) -> Iterable[Path]:
        return [] if self._folder is None else sorted(self._folder.glob("tally-*"))

    def _is_own(self, file: Path) -> bool:
        own = os.fstat(self._descriptor)
        other = file.stat()
        return (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino)

    def _read(self, file: Path) -> memoryview | None:
        content = file.read_bytes()
        if len(content) != self._size or content[:_HEADER_BYTES] != self._magic:
            return None
        return memoryview(content)[_HEADER_BYTES:].cast("Q")

    def _adopted(self) -> int | None:
        """Take over the file of a worker that has died, if there is one."""
        for file in self._files():
            if self._read(file) is None:
                continue
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            else:
                return descriptor
        return None

    def _created(self) -> int:
        """Make a file that appears under its name only when it is whole and locked."""
        assert self._folder is not None
        token = secrets.token_hex(8)
        draft = self._folder / f".draft-{token}"
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, self._magic + bytes(self._size - _HEADER_BYTES))
        draft.rename(self._folder / f"tally-{token}")
        return descriptor
