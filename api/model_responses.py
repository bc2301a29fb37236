"""What callers get about models and about the service itself."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from api.market_responses import Count, Probability
from api.responses import Match, Moment, Rate


class ModelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One served model."""

    model_name: str
    model_version: str
    model_type: str
    created_at: Moment
    file_size: Annotated[int, Meta(ge=0, description="Bytes.")]
    accuracy: (
        Annotated[float, Meta(ge=0.0, le=1.0, description="Of the held-out matches, as the model card says.")] | None
    )
    features: list[str]
    metadata: Annotated[dict[str, Any], Meta(description="The plain entries of the model card.")]
    metrics: Annotated[dict[str, float | None], Meta(description="The figures of the model card by name.")]
    trained_until: Annotated[dt.datetime, Meta(tz=True, description="The model knows no result from then on.")]


class FeatureEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One feature of a model, as the registry describes it; null where the registry does not know it."""

    name: str
    meaning: str | None
    unit: str | None
    minimum: float | None
    maximum: float | None
    missing: Annotated[str, Meta(description="What stands in where it cannot be computed.")] | None
    version: int | None


class ModelDetail(ModelSummary, frozen=True, kw_only=True):
    """One served model with its features, their importance and its whole card."""

    feature_list: list[FeatureEntry]
    importance: Annotated[
        dict[str, Probability], Meta(description="Share of the total gain by feature, highest first; sums to 1.")
    ]
    card: dict[str, Any]


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """The served models, the default one first."""

    models: list[ModelSummary]
    total_models: Count
    default_model: str | None


CacheStatus: TypeAlias = Literal["off", "memory", "healthy", "degraded"]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How this worker is; reasons say why it is not healthy."""

    status: Literal["healthy", "degraded", "unhealthy"]
    model_loaded: bool
    cache_status: Annotated[CacheStatus, Meta(description="degraded: Redis does not answer, memory serves alone.")]
    hot_reload_enabled: bool
    loaded_models: list[ModelSummary]
    uptime_seconds: Annotated[float, Meta(ge=0.0)]
    memory_usage_mb: Annotated[float, Meta(ge=0.0, description="Resident memory of this worker, in 10^6 bytes.")]
    last_prediction_time: Moment | None
    reasons: list[str]
    feature_state_version: str
    newest_result_at: Moment | None


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What the workers of this server have counted since it started."""

    total_predictions: Annotated[int, Meta(ge=0, description="Forecasts asked for; each item of a batch is one.")]
    successful_predictions: Count
    failed_predictions: Annotated[int, Meta(ge=0, description="Answered with an error, whatever its code.")]
    internal_errors: Annotated[int, Meta(ge=0, description="Answers with INTERNAL_ERROR; each is worth a look.")]
    cache_hits: Count
    cache_misses: Count
    average_prediction_time: (
        Annotated[float, Meta(ge=0.0, description="Milliseconds: mean prediction_time_ms; null before the first.")]
        | None
    )
    success_rate: Rate | None
    cache_hit_rate: Rate | None
    started_at: Moment


class OldPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """One forecast in the old API's words."""

    match_id: str
    home_win_prob: Probability
    draw_prob: Probability
    away_win_prob: Probability
    predicted_outcome: Literal["home", "draw", "away"]
    confidence: Probability
    model_version: str
    predicted_at: Moment
    details: Annotated[Match, Meta(description="The match; null unless include_details was asked.")] | None


class OldBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The forecasts that could be made, in request order, and the ids for which none could."""

    predictions: list[OldPrediction]
    total: Count
    success_count: Count
    failed_count: Count
    failed_match_ids: list[str]


class OldEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the old API and the one that replaces it."""

    method: str
    path: str
    successor: str


class OldCard(msgspec.Struct, frozen=True, kw_only=True):
    """The old API's service card."""

    service: str
    endpoints: list[OldEndpoint]
    deprecated_at: Moment
    ends_at: Moment


class OldHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The old API's health."""

    status: Literal["healthy", "degraded", "unhealthy"]
    service: str
