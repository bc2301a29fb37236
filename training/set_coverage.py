"""Whether prediction sets hold what they promise: how often the result was in the set, beside how often it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from models.prediction_sets import prediction_set

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SetCoverage:
    """Compare the sets of n matches with their results.

    Attributes:
        coverage: What each set had to reach, within (0, 1).
        stated: Mean of what the sets' own probabilities add up to; at least ``coverage``, as outcomes come whole.
        observed: Share of the matches whose result was in the set.
        low, high: 95 % of the shares that chance alone gives where ``stated`` is true.
        size_shares: Shares of the sets that hold one, two and three outcomes.
    """

    matches: int
    coverage: float
    stated: float
    observed: float
    low: float
    high: float
    size_shares: tuple[float, float, float]

    @property
    def mean_size(self) -> float:
        """Return how many outcomes a set holds on average, 1 to 3."""
        return float(np.dot(self.size_shares, (1, 2, 3)))


def set_coverage(proba: Array, outcome: NDArray[np.int64], coverage: float) -> SetCoverage:
    """Return how often results fell into the smallest sets that reach a coverage.

    Args:
        proba: Shape (n, 3); rows sum to 1.
        outcome: Column index of what happened, shape (n,).
        coverage: Within (0, 1).

    Returns:
        Its band is binomial, a little wide: sets differ in what they state, and their hits vary less than equal ones.

    Raises:
        InvalidForecast: If the coverage is not within (0, 1).
        ValueError: If the lengths differ or there is no match.

    >>> told = set_coverage(np.array([[0.5, 0.3, 0.2], [0.85, 0.1, 0.05]]), np.array([1, 2]), 0.8)
    >>> round(told.stated, 3), told.observed, told.mean_size
    (0.825, 0.5, 1.5)
    """
    if not 0 < len(proba) == len(outcome):
        raise ValueError(f"given {len(proba)} forecasts of {len(outcome)} matches, expected equally many, at least one")
    chosen = prediction_set(proba, coverage)
    stated = min(float((proba * chosen).sum(axis=1).mean()), 1.0)
    low, high = binom.interval(0.95, len(proba), stated)
    return SetCoverage(
        matches=len(proba),
        coverage=coverage,
        stated=stated,
        observed=float(chosen[np.arange(len(proba)), outcome].mean()),
        low=float(low) / len(proba),
        high=float(high) / len(proba),
        size_shares=_shares(chosen.sum(axis=1)),
    )


def _shares(size: NDArray[np.int64]) -> tuple[float, float, float]:
    one, two, three = (float((size == n).mean()) for n in (1, 2, 3))
    return one, two, three
