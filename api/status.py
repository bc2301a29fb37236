"""The routes that say how the service is and what this worker has counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from api import catalogue
from api.context import Context
from api.exchange import Answer, Call
from api.model_responses import Health, Stats
from api.models import summary_of
from api.presentation import utc
from api.router import Route

Status: TypeAlias = Literal["healthy", "degraded", "unhealthy"]

STATUSES: Final[Mapping[str, Status]] = {"healthy": "healthy", "degraded": "degraded", "unhealthy": "unhealthy"}

_encoder = msgspec.json.Encoder()


class StatusDesk:
    """Answer the health and stats routes."""

    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._counters = context.counters

    async def health(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Say how the service is; 503 if it cannot predict."""
        condition = self._backend.condition()
        models = [summary_of(view) for view in self._backend.models()]
        health = Health(
            status=STATUSES[condition.status],
            model_loaded=bool(models),
            cache_status="absent",
            hot_reload_enabled=False,
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
        """Say what this worker has counted. There is no cache yet, so none of its reads is counted."""
        counters = self._counters
        stats = Stats(
            total_predictions=counters.succeeded + counters.failed,
            successful_predictions=counters.succeeded,
            failed_predictions=counters.failed,
            internal_errors=counters.internal_errors,
            cache_hits=0,
            cache_misses=0,
            average_prediction_time=counters.mean_milliseconds,
            success_rate=counters.success_rate,
            cache_hit_rate=None,
            started_at=counters.started_at,
        )
        return Answer(200, _encoder.encode(stats))


def status_of(condition: str) -> int:
    """Return the HTTP status that tells a probe whether the service can predict.

    >>> status_of("degraded"), status_of("unhealthy")
    (200, 503)
    """
    return 503 if condition == "unhealthy" else 200


def status_routes(context: Context) -> tuple[Route, ...]:
    """Return the health and stats routes."""
    desk = StatusDesk(context)
    return (
        Route("GET", "/v1/predictions/health", desk.health, catalogue.HEALTH),
        Route("GET", "/v1/predictions/stats", desk.stats, catalogue.STATS),
    )
