"""Reads from Redis, gathered: all that are asked for in one turn of the event loop become one MGET."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from api.caching.breaker import Breaker
from api.caching.entry import EntryCodec, Oddity, Stored
from api.caching.lines import LineFailure, Lines, command
from api.caching.tallies import Tallies

MOST_KEYS = 128
"""Of one MGET; more keys become several in the same write."""

_PROBED_KEY = b"fp:probe"


class _Batch:
    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.keys: dict[str, None] = {}
        self.waiters: list[asyncio.Future[Mapping[str, Stored]]] = []


class GatheredReads:
    """Read values by key; what is not there, not sound or not in time is simply absent.

    A read runs in a task of its own, so that a caller who gives up takes nothing from the others. When as many are
    under way as there may be, the next ones gather until one of those ends.

    Args:
        timeout_s: The longest that any caller waits.
        most_under_way: Reads at one time, each on a connection.
        discard: Called with a key whose value is odd.
    """

    def __init__(
        self,
        lines: Lines,
        codec: EntryCodec,
        breaker: Breaker,
        tallies: Tallies,
        *,
        timeout_s: float,
        most_under_way: int,
        discard: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._lines = lines
        self._codec = codec
        self._breaker = breaker
        self._tallies = tallies
        self._timeout_s = timeout_s
        self._most_under_way = most_under_way
        self._discard = discard
        self._clock = clock
        self._gathering: _Batch | None = None
        self._n_under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, keys: Iterable[str]) -> Mapping[str, Stored]:
        """Give the values that are there, perhaps with those of others' keys; costs no wait while Redis is shut off."""
        loop = asyncio.get_running_loop()
        if not self._breaker.is_closed:
            if self._breaker.claim_probe():
                self._start(loop, self._probe(loop.time() + self._timeout_s))
            return {}
        if self._gathering is None:
            self._gathering = _Batch(loop.time() + self._timeout_s)
            loop.call_soon(self._send)
        batch = self._gathering
        batch.keys.update(dict.fromkeys(keys))
        waiter: asyncio.Future[Mapping[str, Stored]] = loop.create_future()
        batch.waiters.append(waiter)
        return await waiter

    async def close(self) -> None:
        """Give up what is under way; whoever waits has a miss."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
        task = loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self) -> None:
        if self._gathering is None or self._n_under_way >= self._most_under_way:
            return
        batch, self._gathering = self._gathering, None
        self._n_under_way += 1
        self._start(asyncio.get_running_loop(), self._run(batch))

    async def _run(self, batch: _Batch) -> None:
        found: Mapping[str, Stored] = {}
        try:
            found = self._sound(await self._fetched(list(batch.keys), batch.deadline))
        finally:
            self._n_under_way -= 1
            for waiter in batch.waiters:
                if not waiter.done():
                    waiter.set_result(found)
            self._send()

    async def _fetched(self, keys: Sequence[str], deadline: float) -> dict[str, object]:
        chunks = [keys[start : start + MOST_KEYS] for start in range(0, len(keys), MOST_KEYS)]
        try:
            replies = await self._lines.ask([_mget(chunk) for chunk in chunks], deadline)
            values = [_values(reply, len(chunk)) for reply, chunk in zip(replies, chunks, strict=True)]
        except LineFailure as failure:
            self._breaker.record_failure(connecting=failure.is_connecting)
            self._tallies.add("errors")
            return {}
        self._breaker.record_success()
        return {
            k: value for chunk, part in zip(chunks, values, strict=True) for k, value in zip(chunk, part, strict=True)
        }

    def _sound(self, values: Mapping[str, object]) -> dict[str, Stored]:
        found = {}
        now = self._clock()
        for key, value in values.items():
            if value is None:
                continue
            stored = self._codec.decode(key, value, now)
            if isinstance(stored, Stored):
                found[key] = stored
                continue
            self._tallies.add(f"odd_{stored}")
            # What has expired leaves by itself; if it has not, the clocks differ, and another worker may still use it.
            if stored is not Oddity.EXPIRED:
                self._discard(key)
        return found

    async def _probe(self, deadline: float) -> None:
        succeeded = False
        try:
            (reply,) = await self._lines.ask([command(b"MGET", _PROBED_KEY)], deadline)
            _values(reply, 1)
            succeeded = True
        except LineFailure:
            self._tallies.add("errors")
        finally:
            self._breaker.end_probe(succeeded=succeeded)


def _mget(keys: Sequence[str]) -> bytes:
    return command(b"MGET", *[key.encode("utf-8", "surrogatepass") for key in keys])


def _values(reply: object, n_expected: int) -> list[object]:
    if not isinstance(reply, list) or len(reply) != n_expected:
        raise LineFailure(f"MGET was answered with {type(reply).__name__}", is_connecting=False)
    return reply
