"""The routes that change which version of a model serves, and that say what became of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import msgspec

from api import catalogue
from api.bodies import decode
from api.context import Context
from api.errors import refusal_of
from api.exchange import Answer, Call
from api.path_parameters import IN_URL, model_name_in
from api.reload_responses import (
    ForcedReload,
    LastReload,
    ModelReload,
    Outcome,
    ReloadStats,
    WatchStarted,
    WatchStopped,
)
from api.requests import ReloadRequest
from api.router import Route
from runners.errors import PredictionFailure
from runners.ledger import Agreed, Attempt
from runners.queries import Reloaded

_IN_BODY: Final[Mapping[str, str]] = IN_URL | {"$.model_version": "$.model_version"}

_request = msgspec.json.Decoder(ReloadRequest)
_encoder = msgspec.json.Encoder()


class ReloadDesk:
    """Answer the reload routes."""

    def __init__(self, context: Context) -> None:
        self._context, self._backend = context, context.backend

    async def reload(self, call: Call) -> Answer:
        """Serve another version of a model."""
        name = model_name_in(call)
        body = await self._context.body(call)
        version = decode(body, _request).model_version if body else None
        done = await self._reloaded(name, version)
        receipt = ModelReload(
            status=_outcome_of(done),
            message=_message_of(done),
            model_name=done.model_name,
            model_version=done.model_version,
            previous_version=done.previous_version,
            reloaded_at=done.at,
            workers=done.workers,
            workers_serving=done.workers_serving,
        )
        return Answer(200, _encoder.encode(receipt))

    async def force(self, call: Call) -> Answer:
        """Serve the newest version of a model, whether or not anybody watches for it."""
        initiated_at = dt.datetime.now(dt.UTC)
        done = await self._reloaded(model_name_in(call), None)
        receipt = ForcedReload(
            status=_outcome_of(done),
            message=_message_of(done),
            model_name=done.model_name,
            model_version=done.model_version,
            previous_version=done.previous_version,
            initiated_at=initiated_at,
            workers=done.workers,
            workers_serving=done.workers_serving,
        )
        return Answer(200, _encoder.encode(receipt))

    async def start(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Serve newer versions as they are saved."""
        is_change = await self._backend.watch_models(is_on=True)
        since = (await self._backend.reload_record()).watched_since
        started = WatchStarted(
            status="success",
            message="Newer versions are served as they are saved." if is_change else "It was on already.",
            started_at=since or dt.datetime.now(dt.UTC),
        )
        return Answer(200, _encoder.encode(started))

    async def stop(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Serve newer versions only when asked for."""
        is_change = await self._backend.watch_models(is_on=False)
        stopped = WatchStopped(
            status="success",
            message="What serves now goes on; newer versions are left alone." if is_change else "It was off already.",
            stopped_at=dt.datetime.now(dt.UTC),
        )
        return Answer(200, _encoder.encode(stopped))

    async def stats(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Say what became of reloads."""
        return Answer(200, _encoder.encode(_stats_of(await self._backend.reload_record())))

    async def _reloaded(self, name: str, version: str | None) -> Reloaded:
        try:
            return await self._backend.reload(name, version)
        except PredictionFailure as failure:
            raise refusal_of(failure, places=_IN_BODY) from failure


def reload_routes(context: Context) -> tuple[Route, ...]:
    """Return the reload routes."""
    desk, watch = ReloadDesk(context), "/v1/predictions/hot-reload"
    return (
        Route("POST", "/v1/predictions/models/{model_name}/reload", desk.reload, catalogue.RELOAD),
        Route("POST", f"{watch}/start", desk.start, catalogue.HOT_RELOAD_START),
        Route("POST", f"{watch}/stop", desk.stop, catalogue.HOT_RELOAD_STOP),
        Route("POST", f"{watch}/force/{{model_name}}", desk.force, catalogue.HOT_RELOAD_FORCE),
        Route("GET", f"{watch}/stats", desk.stats, catalogue.HOT_RELOAD_STATS),
    )


def _outcome_of(done: Reloaded) -> Outcome:
    return "success" if done.workers_serving == done.workers else "partial"


def _message_of(done: Reloaded) -> str:
    if done.workers_serving < done.workers:
        return "Some workers do not serve it yet. They go on trying; the log says why they could not."
    if done.previous_version is None:
        return "It served already; nothing has changed."
    return f"It serves in place of {done.previous_version}, which stays loaded. A restarted server begins with its bento's."


def _stats_of(agreed: Agreed) -> ReloadStats:
    total, now = agreed.successful + agreed.failed, dt.datetime.now(dt.UTC)
    since = agreed.watched_since
    return ReloadStats(
        total_reloads=total,
        successful_reloads=agreed.successful,
        failed_reloads=agreed.failed,
        rollbacks=agreed.rollbacks,
        success_rate=agreed.successful / total if total else None,
        is_monitoring=since is not None,
        last_reload=_last_of(agreed.attempts[-1]) if agreed.attempts else None,
        monitoring_start=since,
        uptime_seconds=None if since is None else max((now - since).total_seconds(), 0.0),
        reload_history_count=len(agreed.attempts),
    )


def _last_of(attempt: Attempt) -> LastReload:
    return LastReload(
        timestamp=attempt.at,
        model_name=attempt.model_name,
        model_version=attempt.model_version,
        status="success" if attempt.error is None else "failed",
        reload_time_seconds=attempt.seconds,
        error=attempt.error,
    )
