"""Both layers as one: memory over Redis, one computation per key at a time, purges that reach every worker.

Holds payloads of one type, which must be sound by themselves: they are handed out as they are, and never copied.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from api.caching.entry import Oddity, Stored
from api.caching.epoch import Epoch
from api.caching.flights import Compute, Flights, Obtained
from api.caching.keys import KeyPattern
from api.caching.memory import MemoryLayer
from api.caching.statistics import COUNTERS, CacheStats, LastOperation, report
from api.caching.tallies import Tallies

if TYPE_CHECKING:
    from api.caching.redis_layer import RedisHealth, RedisLayer

T = TypeVar("T")

Instant = dt.datetime | float | None
"""An aware time, or unix seconds; None for no bound."""

JITTER = 0.1


class Purge(msgspec.Struct, frozen=True):
    """Count what was deleted; ``is_complete`` is False if Redis could not be looked through to the end."""

    deleted: int
    is_complete: bool


ComputePositions = Callable[[Sequence[int]], Awaitable[Sequence[T | Exception]]]
"""Given positions in the keys, computes the payload of each, in that order; a failed one is its exception."""


class Cache(Generic[T]):
    """Hold payloads of one type under keys that ``key_of`` makes. Belongs to one event loop thread.

    Args:
        decoder: Of the payload's type; what Redis holds must decode strictly.
        encode: Payload to msgpack.
        is_sound: What must hold of a payload from Redis beyond its type.
        size_of: Bytes that a payload keeps alive; by default its encoded size.
        redis: None to serve from memory alone; may be set later, before the first use.
        tallies: Made with ``COUNTERS``; by default in memory.
        epoch: By default in memory.
        clock: Unix seconds.
    """

    def __init__(
        self,
        decoder: msgspec.msgpack.Decoder[T],
        *,
        encode: Callable[[T], bytes] | None = None,
        is_sound: Callable[[T], bool] = lambda _: True,
        size_of: Callable[[T], int] | None = None,
        memory: MemoryLayer[T] | None = None,
        redis: RedisLayer | None = None,
        tallies: Tallies | None = None,
        epoch: Epoch | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._decode = decoder.decode
        self._encode = encode or msgspec.msgpack.Encoder().encode
        self._is_sound = is_sound
        self._size_of = size_of
        self._memory: MemoryLayer[T] = MemoryLayer() if memory is None else memory
        self.redis = redis
        self._tallies = tallies or Tallies(COUNTERS)
        self._memory_hits, self._misses = (self._tallies.slot_of[name] for name in ("memory_hits", "misses"))
        self._epoch = epoch or Epoch()
        self._seen_epoch = self._epoch.cells[0]
        self._clock = clock
        self._flights: Flights[T] = Flights()
        self._last: tuple[str, str, float] | None = None

    def peek(self, key: str) -> T | None:
        """Give the payload that is in memory, without asking Redis or anybody else."""
        if self._epoch.cells[0] != self._seen_epoch:
            self._forget_what_others_purged()
        now = self._clock()
        payload = self._memory.get(key, now)
        if payload is not None:
            self._tallies.cells[self._memory_hits] += 1
            self._last = ("get", key, now)
        return payload

    async def get_many(self, keys: Sequence[str]) -> list[T | None]:
        """Give the payload of each key from either layer, None where there is none."""
        payloads = [self.peek(key) for key in keys]
        missing = [key for key, payload in zip(keys, payloads, strict=True) if payload is None]
        if not missing:
            return payloads
        found = await self._read_redis(list(dict.fromkeys(missing)))
        self._tallies.add("misses", sum(key not in found for key in missing))
        return [found.get(key) if payload is None else payload for key, payload in zip(keys, payloads, strict=True)]

    def put(self, key: str, payload: T, ttl_s: float, until: Instant = None) -> None:
        """Keep a payload in both layers for about ``ttl_s`` (a tenth more or less), and never past ``until``.

        A lifetime of zero or less keeps nothing.
        """
        if self._epoch.cells[0] != self._seen_epoch:
            self._forget_what_others_purged()
        now = self._clock()
        # So that what was stored together does not expire together.
        expires_at = now + ttl_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - not for secrets
        if until is not None:
            expires_at = min(expires_at, until.timestamp() if isinstance(until, dt.datetime) else until)
        if not expires_at > now:
            return
        self._tallies.add("sets")
        self._last = ("set", key, now)
        encoded = self._encode(payload) if self.redis is not None or self._size_of is None else b""
        self._memory.put(key, payload, size_bytes=self._size(payload, encoded), expires_at=expires_at)
        if self.redis is not None:
            self.redis.write(key, encoded, expires_at=expires_at)

    async def obtain(
        self,
        keys: Sequence[str],
        compute: ComputePositions[T],
        *,
        ttl_s: float,
        until: Callable[[T], Instant] = lambda _: None,
        force: bool = False,
    ) -> list[Obtained[T]]:
        """Give the payload of each key, from the cache or computed.

        What another call is computing is waited for; if that one fails or is cancelled, it is computed here.
        Exceptions are handed to the caller whose computation they ended, and never kept.

        Args:
            compute: Called with the positions of all keys that are missing, once, and once more for those that
                others failed to compute.
            until: The time past which a payload must not be used.
            force: Skip the reads; what is computed is still kept.

        Raises:
            ValueError: ``compute`` gave another number of payloads than it was asked for.
        """
        obtained: dict[str, Obtained[T]] = {}
        places: dict[str, int] = {}
        for position, key in enumerate(keys):
            if key in obtained or key in places:
                continue
            payload = None if force else self.peek(key)
            if payload is None:
                places[key] = position
            else:
                obtained[key] = Obtained(payload, "memory")
        if places:
            read = _read_nothing if force else self._read_redis
            kept = self._keeping(compute, places, ttl_s, until)
            new = await self._flights.obtain(list(places), read, kept, is_patient=not force)
            n_shared = sum(one.origin == "shared" for one in new.values())
            self._tallies.add("shared", n_shared)
            self._tallies.add("misses", n_shared)
            obtained |= new
        return [obtained[key] for key in keys]

    async def obtain_one(
        self,
        key: str,
        compute: Callable[[], Awaitable[T | Exception]],
        *,
        ttl_s: float,
        until: Callable[[T], Instant] = lambda _: None,
        force: bool = False,
    ) -> Obtained[T]:
        """Give the payload of one key, with all that ``obtain`` promises.

        A key that nobody is at, in a cache without Redis, goes the short way.
        """
        payload = None if force else self.peek(key)
        if payload is not None:
            return Obtained(payload, "memory")
        if force or self.redis is not None or key in self._flights:

            async def computed(_: Sequence[int]) -> Sequence[T | Exception]:
                return [await compute()]

            return (await self.obtain([key], computed, ttl_s=ttl_s, until=until, force=force))[0]
        epoch = self._epoch.cells[0]
        self._tallies.cells[self._misses] += 1
        flight = self._flights.begin(key)
        outcome: T | Exception | None = None
        try:
            outcome = await compute()
        finally:
            self._flights.end(key, flight, outcome)
        if self._epoch.cells[0] == epoch and not isinstance(outcome, Exception):
            self.put(key, outcome, ttl_s, until(outcome))
        return Obtained(outcome, "computed")

    async def delete(self, pattern: KeyPattern | str) -> Purge:
        """Delete what a glob over ``MODEL:MATCH`` covers from Redis and from the memory of every worker.

        Raises:
            QueryInvalid: The pattern is empty or too long.
        """
        meant = KeyPattern(pattern) if isinstance(pattern, str) else pattern
        # Raised twice: first so that nobody stores what was computed before, then so that nobody keeps what was read
        # from Redis before it was gone from there.
        self._flights.part()
        self._raise_epoch()
        deleted = set(self._memory.remove_where(meant.matches))
        is_complete = True
        if self.redis is not None:
            if self._epoch.is_shared:
                await asyncio.sleep(self.redis.longest_write_s)  # for what other workers have on its way
            purged = await self.redis.purge(meant)
            deleted |= purged.keys
            is_complete = purged.is_complete
            self._raise_epoch()
            deleted.update(self._memory.remove_where(meant.matches))
        self._tallies.add("deletes", len(deleted))
        self._last = ("delete", meant.text, self._clock())
        return Purge(len(deleted), is_complete)

    def stats(self) -> CacheStats:
        """Report what all workers have counted; see ``CacheStats``."""
        last = self._last
        return report(
            self._tallies.totals(),
            memory_entries=len(self._memory),
            memory_bytes=self._memory.n_bytes,
            breaker=None if self.redis is None else self.redis.breaker_state,
            last_operation=last and LastOperation(last[0], last[1], dt.datetime.fromtimestamp(last[2], dt.UTC)),
            created_at=self._epoch.created_at,
            now=self._clock(),
        )

    async def health(self) -> RedisHealth | None:
        """Ask Redis how it is; None if there is none."""
        return None if self.redis is None else await self.redis.health()

    async def close(self) -> None:
        """Close the connections and let go of the shared files; what was counted stays."""
        if self.redis is not None:
            await self.redis.close()
        self._tallies.close()
        self._epoch.close()

    def _size(self, payload: T, encoded: bytes) -> int:
        return len(encoded) if self._size_of is None else self._size_of(payload)

    async def _read_redis(self, keys: Sequence[str]) -> dict[str, T]:
        """Read the keys, keep what is found in memory, and give it."""
        if self.redis is None:
            return {}
        epoch = self._epoch.cells[0]
        stored = await self.redis.read(keys)
        found: dict[str, T] = {}
        for key in keys:
            entry = stored.get(key)
            payload = None if entry is None else self._accepted(key, entry)
            if entry is None or payload is None:
                continue
            found[key] = payload
            if self._epoch.cells[0] == epoch:
                size = self._size(payload, entry.payload)
                self._memory.put(key, payload, size_bytes=size, expires_at=entry.expires_at)
        if found:
            self._tallies.add("redis_hits", len(found))
            self._last = ("get", next(iter(found)), self._clock())
        return found

    def _keeping(
        self,
        compute: ComputePositions[T],
        places: Mapping[str, int],
        ttl_s: float,
        until: Callable[[T], Instant],
    ) -> Compute[T]:
        """Wrap a computation so that its payloads are kept, unless the cache was purged meanwhile."""

        async def kept(keys: Sequence[str]) -> Sequence[T | Exception]:
            epoch = self._epoch.cells[0]
            self._tallies.add("misses", len(keys))
            outcomes = await compute([places[key] for key in keys])
            if len(outcomes) != len(keys):
                raise ValueError(f"compute was asked for {len(keys)} payloads and gave {len(outcomes)}.")
            if self._epoch.cells[0] == epoch:
                for key, outcome in zip(keys, outcomes, strict=True):
                    if not isinstance(outcome, Exception):
                        self.put(key, outcome, ttl_s, until(outcome))
            return outcomes

        return kept

    def _accepted(self, key: str, entry: Stored) -> T | None:
        try:
            payload = self._decode(entry.payload)
            if self._is_sound(payload):
                return payload
        except Exception:  # noqa: BLE001, S110 - whatever the check cannot bear is not sound
            pass
        self._tallies.add(f"odd_{Oddity.UNSOUND}")
        if self.redis is not None:
            self.redis.discard(key)
        return None

    def _raise_epoch(self) -> None:
        if self._epoch.bump() == self._seen_epoch + 1:
            self._seen_epoch += 1
        else:
            self._forget_what_others_purged()

    def _forget_what_others_purged(self) -> None:
        self._seen_epoch = self._epoch.cells[0]
        self._memory.clear()
        self._flights.part()


async def _read_nothing(_: Sequence[str]) -> Mapping[str, T]:
    return {}
