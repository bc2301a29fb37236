"""One at a time: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.errors import AnotherIsAtIt

# To look whether a lock is held is to hold it for an instant; who wants it must not take that for an answer.
_PATIENCE_S: Final = 0.3
_PAUSE_S: Final = 0.01


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold a lock within the block. Raises AnotherIsAtIt at once if another process has it, and says which."""
    number = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = time.monotonic() + _PATIENCE_S
        while not _taken(number):
            if time.monotonic() > end:
                holder = os.pread(number, 32, 0).decode(errors="replace").strip() or "unknown"
                raise AnotherIsAtIt(f"Another process (pid {holder}) is changing the releases. Try again later.")
            time.sleep(_PAUSE_S)
        os.ftruncate(number, 0)
        os.pwrite(number, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(number)


def is_held(file: Path) -> bool:
    """Return whether a process holds the lock."""
    number = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return not _taken(number)
    finally:
        os.close(number)


def _taken(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
