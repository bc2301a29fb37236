"""A mean score as it settles while a window goes on, with how sure it is after each match day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_Z_95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Hold the mean over all matches up to each match day, in order of the days, shape (k,) each.

    Attributes:
        elapsed_days: Days since the first match day.
        matches: Matches so far.
        mean: Of the score so far.
        low, high: 95 % interval of it; NaN on the first match day.
    """

    elapsed_days: NDArray[np.int64]
    matches: NDArray[np.int64]
    mean: Array
    low: Array
    high: Array


def learning_curve(score: Array, day: NDArray[np.int64]) -> LearningCurve:
    """Return the cumulative mean of a score a match, day by day, with the interval of a ratio of day totals.

    Matches of one day are taken as one draw, as in ``scores.paired_bootstrap``;
    in closed form, as each of many hundred days has an interval of its own.

    Args:
        score: One value a match, or a difference of two; shape (n,), in any order.
        day: Match day of each, integers, shape (n,).

    Raises:
        ValueError: If the lengths differ or there is no match.

    Source: the ratio estimator of cluster sampling, Cochran (1977), section 9A.1.

    >>> learning_curve(np.array([1.0, 0.0, 0.0, 1.0]), np.array([3, 3, 5, 5])).mean
    array([0.5, 0.5])
    """
    if not 0 < len(score) == len(day):
        raise ValueError(f"given {len(score)} scores with {len(day)} days, expected equally many, at least one")
    days, place = np.unique(day, return_inverse=True)
    total = np.bincount(place, score).astype(np.float64)
    size = np.bincount(place).astype(np.float64)
    mean, margin = _cumulative(total, size)
    return LearningCurve(days - days[0], np.cumsum(size).astype(np.int64), mean, mean - margin, mean + margin)


def _cumulative(total: Array, size: Array) -> tuple[Array, Array]:
    days, matches = np.arange(1, len(total) + 1), np.cumsum(size)
    mean = np.cumsum(total) / matches
    # Sum over days so far of (total - mean * size)^2; rounding can take a sum of equal scores a hair below zero.
    squares = np.cumsum(total**2) - 2.0 * mean * np.cumsum(total * size) + mean**2 * np.cumsum(size**2)
    # One day alone says nothing of how days differ.
    correction = np.full(len(days), np.nan)
    np.divide(days, days - 1, out=correction, where=days > 1)
    return mean, _Z_95 * np.sqrt(np.maximum(squares, 0.0) * correction) / matches
