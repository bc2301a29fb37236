"""What the reload routes answer."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from api.market_responses import Count
from api.responses import Moment, Rate

Outcome: TypeAlias = Annotated[
    Literal["success", "partial"],
    Meta(description="partial: some workers go on with the version before; they try again every minute."),
]
Previous: TypeAlias = Annotated[
    str, Meta(description="What served before and stays loaded; null if the same version served already.")
]
Workers: TypeAlias = Annotated[int, Meta(ge=0, description="Of this server.")]
WorkersServing: TypeAlias = Annotated[int, Meta(ge=0, description="Of these, those that serve the version now.")]


class ModelReload(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of a model serves now, and in how many workers."""

    status: Outcome
    message: str
    model_name: str
    model_version: str
    previous_version: Previous | None
    reloaded_at: Moment
    workers: Workers
    workers_serving: WorkersServing


class ForcedReload(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of a model serves now, and when that was asked for."""

    status: Outcome
    message: str
    model_name: str
    model_version: str
    previous_version: Previous | None
    initiated_at: Moment
    workers: Workers
    workers_serving: WorkersServing


class WatchStarted(msgspec.Struct, frozen=True, kw_only=True):
    """That newer versions are served as they are saved."""

    status: Literal["success"]
    message: str
    started_at: Annotated[Moment, Meta(description="Since when; earlier than now if it was on already.")]


class WatchStopped(msgspec.Struct, frozen=True, kw_only=True):
    """That newer versions are served only when asked for."""

    status: Literal["success"]
    message: str
    stopped_at: Moment


class LastReload(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the latest reload."""

    timestamp: Moment
    model_name: str
    model_version: str
    status: Literal["success", "failed"]
    reload_time_seconds: Annotated[float, Meta(ge=0.0, description="To load, prove and warm the version.")]
    error: Annotated[str, Meta(description="Why it failed; null if it did not.")] | None


class ReloadStats(msgspec.Struct, frozen=True, kw_only=True):
    """What became of reloads since the server started, over all workers."""

    total_reloads: Annotated[int, Meta(ge=0, description="Attempts: successful ones and failed ones.")]
    successful_reloads: Count
    failed_reloads: Annotated[int, Meta(ge=0, description="The version before went on serving.")]
    rollbacks: Annotated[int, Meta(ge=0, description="Successful ones that went back to an older model.")]
    success_rate: Rate | None
    is_monitoring: Annotated[bool, Meta(description="Whether newer versions are served as they are saved.")]
    last_reload: LastReload | None
    monitoring_start: Moment | None
    uptime_seconds: Annotated[float, Meta(ge=0.0, description="Since monitoring_start; null while it is off.")] | None
    reload_history_count: Annotated[int, Meta(ge=0, le=100, description="Attempts that are remembered.")]
