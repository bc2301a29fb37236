"""Proper scores of three-way forecasts, and whether one is worse than another for sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Proba = tuple[float, float, float]
"""Home, draw, away."""

_LEAST: Final = 1e-15
_NORMAL_95: Final = 1.96


def ranked_probability_score(proba: Proba, outcome: int) -> float:
    """Return the RPS of a forecast, 0 to 1, lower is better (Epstein 1969, normalised by its two steps).

    Args:
        outcome: 0 home, 1 draw, 2 away.

    >>> ranked_probability_score((0.5, 0.25, 0.25), 0)  # ((1 - 0.5)^2 + (1 - 0.75)^2) / 2
    0.15625
    """
    home, draw = proba[0], proba[0] + proba[1]
    return ((home - (outcome == 0)) ** 2 + (draw - (outcome <= 1)) ** 2) / 2


def log_loss(proba: Proba, outcome: int) -> float:
    """Return the negative logarithm of the probability of what happened.

    >>> log_loss((1.0, 0.0, 0.0), 0)
    -0.0
    """
    return -math.log(max(proba[outcome], _LEAST))


@dataclass(frozen=True, slots=True)
class Difference:
    """Hold the mean of paired differences and a 95 % interval around it, by the normal approximation."""

    mean: float
    low: float
    high: float


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """Return by how much our scores exceed theirs, match by match; two matches at least.

    >>> paired([0.3, 0.1], [0.2, 0.0]).mean
    0.1
    """
    each = [one - other for one, other in zip(ours, theirs, strict=True)]
    mean = sum(each) / len(each)
    variance = sum((one - mean) ** 2 for one in each) / (len(each) - 1)
    half = _NORMAL_95 * math.sqrt(variance / len(each))
    return Difference(mean, mean - half, mean + half)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that a share of the values does not exceed.

    >>> quantile([3.0, 1.0, 2.0, 4.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def frequencies(outcomes: Sequence[int]) -> Proba:
    """Return how often each outcome happened; who forecasts them knows the outcomes and nothing of the match.

    >>> frequencies([0, 0, 1, 2])
    (0.5, 0.25, 0.25)
    """
    home, draw, away = (outcomes.count(outcome) / len(outcomes) for outcome in range(3))
    return home, draw, away
