"""The layer inside the process: the payloads used last, bounded by number and by bytes.

For one event loop thread: no locks, and no timers. What has expired goes when it is asked for, or when it is the
least used.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

ENTRY_OVERHEAD_BYTES = 400
"""What one entry costs beside its payload: key, tuple, two numbers and its slot (measured at 64-bit CPython 3.11)."""


class MemoryLayer(Generic[T]):
    """Hold the payloads used last.

    >>> layer = MemoryLayer[str](most_entries=2)
    >>> for key in "abc":
    ...     layer.put(key, key.upper(), size_bytes=1, expires_at=10.0)
    >>> [layer.get(key, now=9.0) for key in "abc"]
    [None, 'B', 'C']
    >>> layer.get("c", now=10.0) is None
    True
    """

    def __init__(self, *, most_entries: int = 20_000, most_bytes: int = 64 << 20) -> None:
        if most_entries < 1 or most_bytes < 1:
            raise ValueError(
                f"The memory of the cache was given {most_entries} entries and {most_bytes} bytes. Give 1 or more."
            )
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._entries: OrderedDict[str, tuple[T, float, int]] = OrderedDict()
        self.n_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, now: float) -> T | None:
        """Give the payload unless it is absent or expired at ``now`` (unix seconds)."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= now:
            self.remove(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: str, payload: T, *, size_bytes: int, expires_at: float) -> None:
        """Keep a payload, at the cost of the least used; one that is larger than the whole layer is not kept."""
        self.remove(key)
        size = size_bytes + ENTRY_OVERHEAD_BYTES
        if size > self._most_bytes:
            return
        self._entries[key] = (payload, expires_at, size)
        self.n_bytes += size
        while len(self._entries) > self._most_entries or self.n_bytes > self._most_bytes:
            self.n_bytes -= self._entries.popitem(last=False)[1][2]

    def remove(self, key: str) -> bool:
        """Forget one key; tell whether it was there."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self.n_bytes -= entry[2]
        return True

    def remove_where(self, is_meant: Callable[[str], bool]) -> list[str]:
        """Forget every key that is meant, and name them."""
        keys = [key for key in self._entries if is_meant(key)]
        for key in keys:
            self.remove(key)
        return keys

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.n_bytes = 0
