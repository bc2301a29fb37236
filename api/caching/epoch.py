"""A number that all workers of a server see, raised when one of them purges the cache.

Each compares it with what it last saw before it trusts its own memory.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from pathlib import Path

_BYTES = 16


class Epoch:
    """Hold the number; in this process alone when there is no folder.

    Attributes:
        cells: The number at index 0, so that reading it costs no call; write only through ``bump``.
        is_shared: Other workers may see and raise it.
        created_at: When the first worker made it, in unix seconds.

    >>> epoch = Epoch()
    >>> epoch.bump(), epoch.cells[0]
    (1, 1)
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.is_shared = folder is not None
        if folder is None:
            self._descriptor = -1
            self.cells = memoryview(bytearray(_BYTES)).cast("Q")
            self.cells[1] = time.time_ns()
        else:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(folder / "epoch", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if os.fstat(self._descriptor).st_size < _BYTES:
                os.truncate(self._descriptor, _BYTES)
            self._map = mmap.mmap(self._descriptor, _BYTES)
            self.cells = memoryview(self._map).cast("Q")
            self.cells[1] = self.cells[1] or time.time_ns()
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.created_at = self.cells[1] / 1e9

    def bump(self) -> int:
        """Raise the number by one for everybody, and give it."""
        if not self.is_shared:
            self.cells[0] += 1
            return self.cells[0]
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self.cells[0] += 1
        raised = self.cells[0]
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return raised

    def close(self) -> None:
        """Let go of the file; the number stays as it was last seen."""
        kept = memoryview(bytearray(self.cells.tobytes())).cast("Q")
        self.cells.release()
        self.cells = kept
        if self.is_shared:
            self._map.close()
            os.close(self._descriptor)
            self.is_shared = False
