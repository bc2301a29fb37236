"""The memory of this process: what is resident, what can go back to the system, what collections need not look through."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("football.memory")


def resident_bytes() -> int:
    """Return the memory that this process keeps resident; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def give_back() -> int:
    """Return free memory to the system after work that took much of it for a while; tell how many bytes that was.

    Reading 70,000 matches leaves 40 MB of holes, which glibc keeps for later unless it is told otherwise
    (``malloc_trim(3)``). Other C libraries do it by themselves, or cannot be told; then nothing happens.
    """
    gc.collect()
    before = resident_bytes()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))
    return max(0, before - resident_bytes())


@contextmanager
def out_of_collections() -> Iterator[None]:
    """Make things that live long without garbage collections, and exempt them from later ones.

    A collection that looks through a new model keeps every other thread waiting for 10 to 30 ms.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def keep_out_of_collections() -> None:
    """Exempt what lives as long as the worker from garbage collection, which would look through it again and again.

    What comes and goes with requests makes no cycles, so collections can also be rarer. What starting needed for a
    while goes back to the system.
    """
    given_back = give_back()
    log.info("memory given back", extra={"bytes": given_back})
    gc.freeze()
    gc.set_threshold(50_000, 4, 50)
