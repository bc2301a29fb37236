"""The routes that say how the service is and what the server has counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from api import catalogue
from api.caching import Cache
from api.context import Context
from api.exchange import Answer, Call
from api.model_responses import CacheStatus, Health, Stats
from api.models import summary_of
from api.prediction_body import PredictionBody
from api.presentation import utc
from api.router import Route

Status: TypeAlias = Literal["healthy", "degraded", "unhealthy"]

STATUSES: Final[Mapping[str, Status]] = {"healthy": "healthy", "degraded": "degraded", "unhealthy": "unhealthy"}

_encoder = msgspec.json.Encoder()


class StatusDesk:
    """Answer the health and stats routes."""

    def __init__(self, context: Context, cache: Cache[PredictionBody] | None) -> None:
        self._backend = context.backend
        self._counters = context.counters
        self._cache = cache

    async def health(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Say how the service is; 503 if it cannot predict."""
        condition = self._backend.condition()
        models = [summary_of(view) for view in self._backend.models()]
        health = Health(
            status=STATUSES[condition.status],
            model_loaded=bool(models),
            cache_status=cache_status_of(self._cache),
            hot_reload_enabled=condition.is_watching_models,
            loaded_models=models,
            uptime_seconds=max((dt.datetime.now(dt.UTC) - condition.started_at).total_seconds(), 0.0),
            memory_usage_mb=condition.memory_bytes / 1e6,
            last_prediction_time=utc(condition.last_prediction_at),
            reasons=list(condition.reasons),
            feature_state_version=condition.feature_state_version,
            newest_result_at=utc(condition.newest_result_at),
        )
        return Answer(status_of(condition.status), _encoder.encode(health))

    async def stats(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Say what all workers have counted."""
        totals = self._counters.totals()
        cache = None if self._cache is None else self._cache.stats()
        stats = Stats(
            total_predictions=totals.succeeded + totals.failed,
            successful_predictions=totals.succeeded,
            failed_predictions=totals.failed,
            internal_errors=totals.internal_errors,
            cache_hits=0 if cache is None else cache.hits,
            cache_misses=0 if cache is None else cache.misses,
            average_prediction_time=totals.mean_milliseconds,
            success_rate=totals.success_rate,
            cache_hit_rate=None if cache is None else cache.hit_rate,
            started_at=self._counters.started_at,
        )
        return Answer(200, _encoder.encode(stats))


def cache_status_of(cache: Cache[PredictionBody] | None) -> CacheStatus:
    """Return in a word how the cache is: without Redis in use, memory serves alone."""
    if cache is None:
        return "off"
    if cache.redis is None:
        return "memory"
    return "healthy" if cache.redis.breaker_state == "closed" else "degraded"


def status_of(condition: str) -> int:
    """Return the HTTP status that tells a probe whether the service can predict.

    >>> status_of("degraded"), status_of("unhealthy")
    (200, 503)
    """
    return 503 if condition == "unhealthy" else 200


def status_routes(context: Context, cache: Cache[PredictionBody] | None) -> tuple[Route, ...]:
    """Return the health and stats routes."""
    desk = StatusDesk(context, cache)
    return (
        Route("GET", "/v1/predictions/health", desk.health, catalogue.HEALTH),
        Route("GET", "/v1/predictions/stats", desk.stats, catalogue.STATS),
    )
