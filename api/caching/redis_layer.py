"""The layer that workers and servers share: values in Redis, which may be slow, gone or hostile without anybody noticing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from api.caching.breaker import Breaker, State
from api.caching.entry import EntryCodec, Stored
from api.caching.keys import KeyPattern
from api.caching.lines import LineFailure, Lines, command
from api.caching.reads import GatheredReads
from api.caching.tallies import Tallies
from api.caching.writes import WriteQueue

KEYS_PER_SCAN = 1_000
LONGEST_PURGE_S = 30.0

_INFO_FIELDS = (
    "used_memory",
    "connected_clients",
    "total_commands_processed",
    "keyspace_hits",
    "keyspace_misses",
)
_MOST_READS_UNDER_WAY = 4
_MOST_OTHERS_UNDER_WAY = 4


class Purged(msgspec.Struct, frozen=True):
    """Name the keys that were removed; ``is_complete`` is False if Redis failed before all had been looked at."""

    keys: frozenset[str]
    is_complete: bool


class RedisHealth(msgspec.Struct, frozen=True):
    """Say how Redis is; ``redis_info`` and the time are None when it did not answer, ``error`` is when it did."""

    is_healthy: bool
    response_time_ms: float | None
    redis_info: dict[str, int] | None
    error: str | None


class RedisLayer:
    """Read, write and purge signed values in Redis. Belongs to one event loop; nothing but ``close`` ends it.

    Args:
        url: As ``Lines`` takes it.
        tallies: Made with ``COUNTERS``.
        read_timeout_s: The longest that a read waits, connecting included.
        write_timeout_s, admin_timeout_s: Of one round trip that no prediction waits for.
        clock: Unix seconds.
    """

    def __init__(
        self,
        url: str,
        codec: EntryCodec,
        tallies: Tallies,
        *,
        connect_timeout_s: float = 0.005,
        read_timeout_s: float = 0.010,
        write_timeout_s: float = 0.100,
        admin_timeout_s: float = 0.250,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._codec = codec
        self._tallies = tallies
        self._admin_timeout_s = admin_timeout_s
        self._clock = clock
        self._breaker = breaker or Breaker()
        self._lines = Lines(
            url, most=_MOST_READS_UNDER_WAY + _MOST_OTHERS_UNDER_WAY, connect_timeout_s=connect_timeout_s
        )
        self._writes = WriteQueue(self._lines, self._breaker, tallies, timeout_s=write_timeout_s)
        self._reads = GatheredReads(
            self._lines,
            codec,
            self._breaker,
            tallies,
            timeout_s=read_timeout_s,
            most_under_way=_MOST_READS_UNDER_WAY,
            discard=self._writes.remove,
            clock=clock,
        )

    @property
    def breaker_state(self) -> State:
        """Say whether Redis is in use (``closed``)."""
        return self._breaker.state

    @property
    def longest_write_s(self) -> float:
        """Bound the time in which a write that was sent may still arrive."""
        return self._writes.timeout_s

    async def read(self, keys: Iterable[str]) -> Mapping[str, Stored]:
        """Give the values that are there and sound; raises nothing."""
        return await self._reads.read(keys)

    def write(self, key: str, payload: bytes, *, expires_at: float) -> None:
        """Queue a value that expires then (unix seconds), sent in the background."""
        now = self._clock()
        ttl_ms = int((expires_at - now) * 1000)
        if ttl_ms > 0:
            self._writes.put(key, self._codec.encode(key, Stored(now, expires_at, payload)), ttl_ms=ttl_ms)

    def discard(self, key: str) -> None:
        """Queue the removal of a value that turned out odd."""
        self._writes.remove(key)

    async def withdraw(self, is_meant: Callable[[str], bool]) -> None:
        """Take back values that are queued or on their way."""
        await self._writes.withdraw(is_meant)

    async def purge(self, pattern: KeyPattern) -> Purged:
        """Remove every key that the pattern covers, a thousand at a time, without stopping Redis for others."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + LONGEST_PURGE_S
        removed: set[str] = set()
        cursor = b"0"
        await self.withdraw(pattern.matches)
        try:
            while loop.time() < latest:
                cursor, keys = await self._scan(cursor, pattern)
                if keys:
                    await self._ask(command(b"UNLINK", *[key.encode() for key in keys]))
                    removed.update(keys)
                if cursor == b"0":
                    return Purged(frozenset(removed), is_complete=True)
        except LineFailure:
            self._tallies.add("errors")
        return Purged(frozenset(removed), is_complete=False)

    async def health(self) -> RedisHealth:
        """Ask Redis how it is, whatever the breaker says; raises nothing and names no address."""
        started = time.perf_counter()
        try:
            await self._ask(command(b"PING"))
            response_time_ms = (time.perf_counter() - started) * 1000
            info = await self._ask(command(b"INFO"))
        except LineFailure as failure:
            return RedisHealth(is_healthy=False, response_time_ms=None, redis_info=None, error=str(failure))
        return RedisHealth(
            is_healthy=self._breaker.is_closed,
            response_time_ms=response_time_ms,
            redis_info=_numbers(info),
            error=None if self._breaker.is_closed else "Redis answers, and is not in use until a probe has shown so.",
        )

    async def flush(self) -> None:
        """Wait until what is queued was sent or dropped."""
        await self._writes.flush()

    async def close(self) -> None:
        """Give up what is under way and close the connections."""
        await self._reads.close()
        await self._writes.close()
        self._lines.close()

    async def _ask(self, question: bytes) -> object:
        deadline = asyncio.get_running_loop().time() + self._admin_timeout_s
        (reply,) = await self._lines.ask([question], deadline)
        if isinstance(reply, Exception):
            raise LineFailure(type(reply).__name__, is_connecting=False)
        return reply

    async def _scan(self, cursor: bytes, pattern: KeyPattern) -> tuple[bytes, list[str]]:
        reply = await self._ask(command(b"SCAN", cursor, b"MATCH", pattern.scan_match, b"COUNT", b"%d" % KEYS_PER_SCAN))
        match reply:
            case [bytes(following), list(names)]:
                keys = [name.decode("ascii", "replace") for name in names if isinstance(name, bytes)]
                return following, [key for key in keys if pattern.matches(key)]
        raise LineFailure(f"SCAN was answered with {type(reply).__name__}", is_connecting=False)


def _numbers(info: object) -> dict[str, int]:
    text = info.decode("utf-8", "replace") if isinstance(info, bytes) else ""
    pairs = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name: int(pairs[name]) for name in _INFO_FIELDS if pairs.get(name, "").isdecimal()}
