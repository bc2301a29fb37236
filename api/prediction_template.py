"""Writes forecasts as JSON at the cost of their numbers.

An answer with every market has a hundred numbers among texts that never
change. The texts come from encoding one made-up forecast by the published
schema (``presentation.prediction_of``) and cutting the result at its numbers;
a real forecast then only has its own numbers encoded, all at once, and put in
between. So the schema stays the one place that says what an answer looks like.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import msgspec

from api.prediction_body import PredictionBody
from api.presentation import (
    OUTCOMES,
    explanation_of,
    metadata_of,
    prediction_of,
    prediction_set_of,
    probability_intervals_of,
)
from runners.queries import Certainty, Forecast, Markets, MarketShape, MatchView, PredictionQuery, PredictionType

_encode: Final = msgspec.json.Encoder().encode

# Written anew for each forecast, in this order, behind its numbers.
_NAMED: Final = (
    "match_id",
    "home_win_prob",
    "draw_prob",
    "away_win_prob",
    "predicted_outcome",
    "confidence",
    "degraded",
    "metadata",
    "prediction_set",
    "probability_intervals",
    "explanation",
    "model_name",
    "model_version",
    "model_type",
    "features_used",
)
_CUTS: Final = ("request_id", "predicted_at", "prediction_time_ms", "cached")
_MARK: Final = re.compile(rb'"@([a-z_]+|[0-9]+)"')
_OUTCOME: Final = {outcome: _encode(outcome) for outcome in OUTCOMES}
_FLAG: Final = {True: b"true", False: b"false"}
SECONDS_PER_DAY: Final = 86_400
_SOME_TIME: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class PredictionTemplate:
    """Write forecasts of one market shape as answers of one prediction type."""

    def __init__(self, shape: MarketShape, prediction_type: PredictionType) -> None:
        constants, holes = _cut(_marked(shape, prediction_type))
        numbers = [int(hole) for hole in holes if hole.isdigit()]
        self._chosen = _picker(numbers)
        place = {str(hole): position for position, hole in enumerate([*numbers, *_NAMED])}
        cuts = [position for position, hole in enumerate(holes) if hole in _CUTS]
        self._parts = [
            _Part(constants[cut + 1 : end + 1], [place[hole] for hole in holes[cut + 1 : end]])
            for cut, end in zip(cuts, [*cuts[1:], len(holes)], strict=True)
        ]

    def body(
        self, forecast: Forecast, query: PredictionQuery, predicted_at: bytes, usable_until: float
    ) -> PredictionBody:
        """Return the encoded answer to a query; ``predicted_at`` is already JSON."""
        markets = forecast.markets
        tokens = [*_tokens(self._chosen([*markets.numbers, *markets.counts])), *_named_tokens(forecast, query)]
        after_request_id, after_predicted_at, _, after_cached = [part.filled(tokens) for part in self._parts]
        return PredictionBody(after_request_id, predicted_at, after_predicted_at, after_cached, usable_until)


class _Part:
    """Hold texts and which tokens stand between them."""

    def __init__(self, constants: list[bytes], places: list[int]) -> None:
        self._format = b"%b".join(text.replace(b"%", b"%%") for text in constants)
        self._pick = _picker(places)

    def filled(self, tokens: Sequence[bytes]) -> bytes:
        """Return the texts with the tokens between them."""
        return self._format % self._pick(tokens)


@lru_cache(maxsize=64)
def template_of(shape: MarketShape, prediction_type: PredictionType) -> PredictionTemplate:
    """Return the template of a shape and a type, made once."""
    return PredictionTemplate(shape, prediction_type)


def bodies_of(
    forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery], predicted_at: dt.datetime
) -> list[PredictionBody]:
    """Return the encoded answers to queries, in order."""
    moment = _encode(predicted_at)
    midnight = _next_midnight(predicted_at)
    bodies = []
    shape: MarketShape | None = None
    prediction_type: PredictionType | None = None
    for forecast, query in zip(forecasts, queries, strict=True):
        if forecast.markets.shape is not shape or query.prediction_type != prediction_type:
            shape, prediction_type = forecast.markets.shape, query.prediction_type
            template = template_of(shape, prediction_type)
        usable_until = _usable_until(forecast.match.kickoff, predicted_at, midnight)
        bodies.append(template.body(forecast, query, moment, usable_until))
    return bodies


def _next_midnight(now: dt.datetime) -> float:
    """Return when the day ends: what is stale or overdue goes by days."""
    return (now.timestamp() // SECONDS_PER_DAY + 1) * SECONDS_PER_DAY


def _usable_until(kickoff: dt.datetime | None, now: dt.datetime, midnight: float) -> float:
    return midnight if kickoff is None or kickoff <= now else min(midnight, kickoff.timestamp())


def _tokens(numbers: Sequence[float]) -> list[bytes]:
    return _encode(numbers)[1:-1].split(b",")


def _named_tokens(forecast: Forecast, query: PredictionQuery) -> tuple[bytes, ...]:
    home, draw, away = probabilities = _tokens(forecast.proba)
    likeliest = forecast.proba.index(max(forecast.proba))
    return (
        _encode(forecast.match.match_id),
        home,
        draw,
        away,
        _OUTCOME[OUTCOMES[likeliest]],
        probabilities[likeliest],
        _FLAG[bool(forecast.degraded)],
        _encode(metadata_of(forecast, query)),
        _encode(prediction_set_of(forecast.proba, forecast.certainty)),
        _encode(probability_intervals_of(forecast.certainty)),
        _encode(explanation_of(forecast.explanation) if query.explain else None),
        *_model_tokens(forecast.model_name, forecast.model_version, forecast.model_type, tuple(forecast.features_used)),
    )


@lru_cache(maxsize=64)
def _model_tokens(*fields: str | tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(_encode(field) for field in fields)


def _marked(shape: MarketShape, prediction_type: PredictionType) -> bytes:
    """Return a prediction encoded by the schema, in which a mark such as "@12" or "@match_id" stands for each value."""
    marks: list[Any] = [f"@{number}" for number in range(shape.numbers + shape.counts)]
    match = MatchView(None, "", "", None, False, "", "", "")
    forecast = Forecast(
        match=match,
        proba=(0.5, 0.3, 0.2),
        certainty=Certainty(coverage=0.5, set_threshold=0.5, ends=(0.5,) * 6),
        markets=Markets(shape, marks[: shape.numbers], marks[shape.numbers :]),
        model_name="",
        model_version="",
        model_type="",
        features_used=(),
        as_of=_SOME_TIME,
        feature_state_version="",
        newest_result_at=None,
        trained_until=_SOME_TIME,
    )
    query = PredictionQuery(prediction_type=prediction_type)
    prediction = prediction_of(forecast, query, request_id="", predicted_at=_SOME_TIME, milliseconds=0.0)
    named: dict[str, Any] = {name: f"@{name}" for name in (*_NAMED, *_CUTS)}
    for block in ("prediction_set", "probability_intervals"):
        if getattr(prediction, block) is None:
            del named[block]
    return _encode(msgspec.structs.replace(prediction, **named))


def _cut(text: bytes) -> tuple[list[bytes], list[str]]:
    """Cut at the marks: the n + 1 texts around them, and the n names in them."""
    parts = _MARK.split(text)
    return parts[::2], [name.decode() for name in parts[1::2]]


def _picker(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return what picks the items at some places; ``itemgetter`` gives no tuple for fewer than two."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda items: tuple(items[place] for place in places)
