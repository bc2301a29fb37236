"""Whether prediction sets hold what they promise: how often the result was in the set, beside how often it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from models.conformal import COVERAGE, members
from models.prediction_sets import prediction_set

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SetCoverage:
    """Compare the sets of n matches with their results.

    Attributes:
        coverage: What each set had to reach, within (0, 1).
        stated: How often the sets say that they hold the result: ``coverage`` where it was learned from results, else the
            mean of what their own probabilities add up to, which is at least ``coverage``, as outcomes come whole.
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
    _check(proba, outcome)
    chosen = prediction_set(proba, coverage)
    return _counted(chosen, outcome, coverage, stated=min(float((proba * chosen).sum(axis=1).mean()), 1.0))


def conformal_coverage(proba: Array, threshold: Array, outcome: NDArray[np.int64]) -> SetCoverage:
    """Return how often results fell into sets whose thresholds were learned to hold the stated COVERAGE.

    Args:
        proba: Shape (n, 3); rows sum to 1.
        threshold: Of each match's set, as ``models.conformal.members`` takes it. Shape (n,).
        outcome: Column index of what happened, shape (n,).

    Returns:
        Its band is binomial around the stated coverage, a little narrow: the thresholds come from finitely many matches.

    Raises:
        ValueError: If the lengths differ or there is no match.

    >>> proba, outcome = np.array([[0.5, 0.3, 0.2], [0.85, 0.1, 0.05]]), np.array([1, 2])
    >>> told = conformal_coverage(proba, np.array([0.6, 0.6]), outcome)
    >>> told.stated, told.observed, told.mean_size
    (0.8, 0.5, 1.5)
    """
    _check(proba, outcome)
    if threshold.shape != outcome.shape:
        raise ValueError(f"given {len(threshold)} thresholds of {len(outcome)} matches, expected equally many")
    return _counted(members(proba, threshold), outcome, COVERAGE, stated=COVERAGE)


def _check(proba: Array, outcome: NDArray[np.int64]) -> None:
    if not 0 < len(proba) == len(outcome):
        raise ValueError(f"given {len(proba)} forecasts of {len(outcome)} matches, expected equally many, at least one")


def _counted(chosen: NDArray[np.bool_], outcome: NDArray[np.int64], coverage: float, *, stated: float) -> SetCoverage:
    matches = len(outcome)
    low, high = binom.interval(0.95, matches, stated)
    return SetCoverage(
        matches=matches,
        coverage=coverage,
        stated=stated,
        observed=float(chosen[np.arange(matches), outcome].mean()),
        low=float(low) / matches,
        high=float(high) / matches,
        size_shares=_shares(chosen.sum(axis=1)),
    )


def _shares(size: NDArray[np.int64]) -> tuple[float, float, float]:
    one, two, three = (float((size == n).mean()) for n in (1, 2, 3))
    return one, two, three
