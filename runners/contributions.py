"""What each feature adds to a forecast: from arrays of a batch to one explanation a query, the largest part first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

if TYPE_CHECKING:
    from features.batch import Array
    from models.explanation import Explanation

OfOutcomes: TypeAlias = tuple[float, float, float]
"""A number each for home, draw and away."""


class Contribution(msgspec.Struct, frozen=True):
    """Hold one feature's part in a forecast.

    Attributes:
        value: As the model saw it; None if unknown.
        log_odds, proba: How far it moved log-odds and probabilities; over the outcomes both add up to zero.
    """

    feature: str
    value: float | None
    log_odds: OfOutcomes
    proba: OfOutcomes


class ForecastExplanation(msgspec.Struct, frozen=True):
    """Hold why a forecast is what it is.

    The log-odds are centred: over the outcomes they add up to zero. Base and all contributions add up to the margin,
    base probabilities and all contributions to the forecast's probabilities.

    Attributes:
        base, base_proba: Log-odds and probabilities of the usual match.
        margin: Log-odds of the forecast.
        contributions: Of every feature, by their largest part in probability, largest first.
    """

    base: OfOutcomes
    base_proba: OfOutcomes
    margin: OfOutcomes
    contributions: Sequence[Contribution]


def explanations(explained: Explanation, values: Array) -> list[ForecastExplanation]:
    """Return the explanations of n forecasts, in order.

    Args:
        explained: Of the n forecasts.
        values: What the model saw, NaN where unknown, in the order of ``explained.names``. Shape (n, f).
    """
    size = np.abs(explained.proba).max(axis=2)
    order = np.argsort(-size, axis=1, kind="stable")  # of equals the earlier feature first
    return [
        ForecastExplanation(
            base=_of_outcomes(explained.base[row]),
            base_proba=_of_outcomes(explained.base_proba[row]),
            margin=_of_outcomes(margin),
            contributions=_contributions(explained, values, row, order[row].tolist()),
        )
        for row, margin in enumerate(explained.margin)
    ]


def _contributions(explained: Explanation, values: Array, row: int, order: Sequence[int]) -> list[Contribution]:
    log_odds, proba = explained.log_odds[row].tolist(), explained.proba[row].tolist()
    seen = [None if value != value else value for value in values[row].tolist()]  # noqa: PLR0124 - NaN is not itself
    return [Contribution(explained.names[i], seen[i], tuple(log_odds[i]), tuple(proba[i])) for i in order]


def _of_outcomes(numbers: Array) -> OfOutcomes:
    home, draw, away = numbers.tolist()
    return home, draw, away
