"""What the cache counts, and the report of it; counts are of all workers of the server, rates are 0-1."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from api.caching.breaker import State
from api.caching.entry import Oddity

COUNTERS = (
    "memory_hits",
    "redis_hits",
    "misses",
    "shared",
    "sets",
    "deletes",
    "errors",
    "dropped_writes",
    *(f"odd_{oddity}" for oddity in Oddity),
)
"""The names that ``Tallies`` must be made with to serve a cache; every worker has them in this order."""


class LastOperation(msgspec.Struct, frozen=True):
    """Name what this worker's cache did last."""

    operation: str
    cache_key: str
    timestamp: dt.datetime


class CacheStats(msgspec.Struct, frozen=True):
    """Report on the cache.

    Attributes:
        hits: Answers from either layer. A caller that waited for somebody else's computation is a miss, and counted
            in ``shared`` too.
        errors: Questions that Redis did not answer or refused.
        dropped_writes: Values that were to go to Redis and did not.
        odd_values: Values in Redis that were not used, by reason.
        hit_rate: Hits per look-up; None before the first.
        is_healthy: Redis is in use, or none is configured.
        memory_entries, memory_bytes, last_operation: Of this worker alone.
    """

    hits: int
    memory_hits: int
    redis_hits: int
    misses: int
    shared: int
    sets: int
    deletes: int
    errors: int
    dropped_writes: int
    odd_values: dict[str, int]
    hit_rate: float | None
    total_operations: int
    memory_entries: int
    memory_bytes: int
    breaker: State | None
    is_healthy: bool
    last_operation: LastOperation | None
    created_at: dt.datetime
    uptime_seconds: float


def report(
    totals: Mapping[str, int],
    *,
    memory_entries: int,
    memory_bytes: int,
    breaker: State | None,
    last_operation: LastOperation | None,
    created_at: float,
    now: float,
) -> CacheStats:
    """Make the report from the sums of ``COUNTERS``; times are unix seconds, ``breaker`` is None without Redis."""
    hits = totals["memory_hits"] + totals["redis_hits"]
    looked_up = hits + totals["misses"]
    return CacheStats(
        hits=hits,
        memory_hits=totals["memory_hits"],
        redis_hits=totals["redis_hits"],
        misses=totals["misses"],
        shared=totals["shared"],
        sets=totals["sets"],
        deletes=totals["deletes"],
        errors=totals["errors"],
        dropped_writes=totals["dropped_writes"],
        odd_values={str(oddity): totals[f"odd_{oddity}"] for oddity in Oddity},
        hit_rate=hits / looked_up if looked_up else None,
        total_operations=looked_up + totals["sets"] + totals["deletes"],
        memory_entries=memory_entries,
        memory_bytes=memory_bytes,
        breaker=breaker,
        is_healthy=breaker in (None, "closed"),
        last_operation=last_operation,
        created_at=dt.datetime.fromtimestamp(created_at, dt.UTC),
        uptime_seconds=max(0.0, now - created_at),
    )
