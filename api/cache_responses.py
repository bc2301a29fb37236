"""What the cache routes answer; ``CacheStats`` itself comes from the cache."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.caching import CacheStats
from api.market_responses import Count
from api.model_responses import CacheStatus

Moment = Annotated[dt.datetime, Meta(tz=True)]


class CachePurge(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted: from Redis, and from the memory of every worker; partial if Redis failed before its end."""

    status: Literal["success", "partial"]
    message: str
    pattern: Annotated[str, Meta(description="A glob over MODEL:MATCH.")]
    deleted_count: Annotated[int, Meta(ge=0, description="Keys in Redis and in this worker's memory.")]


class CacheHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the cache is; off and memory are healthy states of a service without Redis."""

    status: CacheStatus
    response_time_ms: Annotated[float, Meta(ge=0.0, description="Of one round trip to Redis.")] | None
    redis_info: dict[str, Count] | None
    error: str | None
    cache_stats: CacheStats
    last_check: Moment
