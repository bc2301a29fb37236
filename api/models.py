"""The model routes: which models are served, what they learned from and how well they did."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping

import msgspec

from api import catalogue
from api.context import Context
from api.errors import refusal_of
from api.exchange import Answer, Call
from api.model_responses import FeatureEntry, ModelDetail, ModelList, ModelSummary
from api.path_parameters import IN_URL, model_name_in
from api.query_strings import decode_query
from api.questions import given
from api.requests import ModelsQuery
from api.router import Route
from features.registry import REGISTRY, Feature
from runners.errors import PredictionFailure
from runners.queries import ModelView

_FEATURES: Mapping[str, Feature] = {feature.name: feature for feature in REGISTRY}

_encoder = msgspec.json.Encoder()


class ModelDesk:
    """Answer the model routes."""

    def __init__(self, context: Context) -> None:
        self._backend = context.backend

    async def models(self, call: Call) -> Answer:
        """List the served models, of one kind or of all."""
        kind = given(decode_query(call.query, ModelsQuery).model_type, None)
        views = self._backend.models()
        chosen = [summary_of(view) for view in views if kind is None or view.model_type == kind]
        listed = ModelList(models=chosen, total_models=len(chosen), default_model=views[0].name if views else None)
        return Answer(200, _encoder.encode(listed))

    async def model(self, call: Call) -> Answer:
        """Show one served model with its features and its card."""
        try:
            view = self._backend.model(model_name_in(call))
        except PredictionFailure as failure:
            raise refusal_of(failure, places=IN_URL) from failure
        return Answer(200, _encoder.encode(_detail_of(view)))


def model_routes(context: Context) -> tuple[Route, ...]:
    """Return the model routes."""
    desk = ModelDesk(context)
    return (
        Route("GET", "/v1/predictions/models", desk.models, catalogue.MODELS),
        Route("GET", "/v1/predictions/models/{model_name}", desk.model, catalogue.MODEL),
    )


def summary_of(view: ModelView) -> ModelSummary:
    """Return a model as lists show it."""
    return ModelSummary(
        model_name=view.name,
        model_version=view.version,
        model_type=view.model_type,
        created_at=view.created_at.astimezone(dt.UTC),
        file_size=view.size_bytes,
        accuracy=_finite(view.metrics.get("accuracy")),
        features=list(view.features),
        metadata={key: value for key, value in view.card.items() if isinstance(value, str | int | float | None)},
        metrics={name: _finite(value) for name, value in view.metrics.items()},
        trained_until=view.trained_until.astimezone(dt.UTC),
    )


def _detail_of(view: ModelView) -> ModelDetail:
    return ModelDetail(
        **msgspec.structs.asdict(summary_of(view)),
        feature_list=[_entry_of(name) for name in view.features],
        importance={name: float(share) for name, share in view.importance.items()},
        card=dict(view.card),
    )


def _entry_of(name: str) -> FeatureEntry:
    feature = _FEATURES.get(name)
    if feature is None:
        return FeatureEntry(name=name, meaning=None, unit=None, minimum=None, maximum=None, missing=None, version=None)
    return FeatureEntry(
        name=name,
        meaning=feature.meaning,
        unit=feature.unit,
        minimum=_finite(feature.minimum),
        maximum=_finite(feature.maximum),
        missing=feature.missing,
        version=feature.version,
    )


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
