"""Writes to Redis, in the background: queued by whoever computed, sent many at a time, and dropped rather than awaited."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from api.caching.breaker import Breaker
from api.caching.lines import LineFailure, Lines, command
from api.caching.tallies import Tallies

MOST_QUEUED = 4_096
MOST_QUEUED_BYTES = 16 << 20
MOST_AT_ONCE = 128
MOST_BYTES_AT_ONCE = 256 << 10


class _Write(NamedTuple):
    key: str
    command: bytes
    is_value: bool


class WriteQueue:
    """Send values and removals to Redis in order.

    Args:
        timeout_s: Of one round trip of many writes; longer than a read's, as nobody waits for it.
    """

    def __init__(self, lines: Lines, breaker: Breaker, tallies: Tallies, *, timeout_s: float) -> None:
        self._lines = lines
        self._breaker = breaker
        self._tallies = tallies
        self.timeout_s = timeout_s
        self._queue: deque[_Write] = deque()
        self._n_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._round_trip = asyncio.Lock()

    def put(self, key: str, value: bytes, *, ttl_ms: int) -> None:
        """Queue a value; when Redis is shut off or the queue is full it is dropped and counted."""
        self._append(_Write(key, command(b"SET", _name(key), value, b"PX", b"%d" % ttl_ms), is_value=True))

    def remove(self, key: str) -> None:
        """Queue the removal of a key."""
        self._append(_Write(key, command(b"UNLINK", _name(key)), is_value=False))

    async def withdraw(self, is_meant: Callable[[str], bool]) -> None:
        """Take back queued values by key, and wait until those on their way have arrived or failed."""
        self._queue = deque(write for write in self._queue if not (write.is_value and is_meant(write.key)))
        self._n_bytes = sum(len(write.command) for write in self._queue)
        async with self._round_trip:
            pass

    async def flush(self) -> None:
        """Wait until everything queued was sent or dropped."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    async def close(self) -> None:
        """Give up what is under way and drop what is queued."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        self._drop_all()

    def _append(self, write: _Write) -> None:
        is_full = len(self._queue) >= MOST_QUEUED or self._n_bytes + len(write.command) > MOST_QUEUED_BYTES
        if is_full or not self._breaker.is_closed:
            self._drop([write])
            return
        self._queue.append(write)
        self._n_bytes += len(write.command)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._queue:
            if not self._breaker.is_closed:
                self._drop_all()
                return
            async with self._round_trip:
                await self._send(self._taken())

    async def _send(self, writes: list[_Write]) -> None:
        deadline = asyncio.get_running_loop().time() + self.timeout_s
        try:
            replies = await self._lines.ask([write.command for write in writes], deadline)
        except LineFailure as failure:
            # A success does not count as one for the breaker: writes may have time enough where reads have not.
            self._breaker.record_failure(connecting=failure.is_connecting)
            self._tallies.add("errors")
            self._drop(writes)
            return
        refused = [write for write, reply in zip(writes, replies, strict=True) if isinstance(reply, Exception)]
        if refused:  # full, read-only, not allowed: it can still be read from
            self._tallies.add("errors")
            self._drop(refused)

    def _taken(self) -> list[_Write]:
        taken: list[_Write] = []
        n_bytes = 0
        while self._queue and len(taken) < MOST_AT_ONCE and n_bytes < MOST_BYTES_AT_ONCE:
            taken.append(self._queue.popleft())
            n_bytes += len(taken[-1].command)
        self._n_bytes -= n_bytes
        return taken

    def _drop_all(self) -> None:
        dropped, self._queue, self._n_bytes = self._queue, deque(), 0
        self._drop(list(dropped))

    def _drop(self, writes: list[_Write]) -> None:
        self._tallies.add("dropped_writes", sum(write.is_value for write in writes))


def _name(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
