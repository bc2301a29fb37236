"""Intervals of goals and sets of outcomes that hold a stated probability."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidForecast

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

# Cumulative probabilities are sums of many numbers; an end must not move by their rounding.
_ROUNDING: Final = 1e-12


def central_interval(distribution: Array, coverage: float) -> Counts:
    """Return the lowest and highest number of the central interval of a distribution over 0, 1, 2, ...

    The ends are the smallest numbers whose cumulative probability reaches (1 - coverage) / 2 and (1 + coverage) / 2.

    Args:
        distribution: Shape (..., size); what lies along the last axis sums to 1.
        coverage: Within (0, 1).

    Returns:
        Shape (..., 2).

    Raises:
        InvalidForecast: If the coverage is not within (0, 1).

    >>> central_interval(np.array([[0.05, 0.45, 0.45, 0.05]]), 0.8)
    array([[1, 2]])
    """
    _check_coverage(coverage)
    cumulative = np.add.accumulate(distribution, axis=-1)
    ends = np.array([[(1.0 - coverage) / 2.0 - _ROUNDING], [(1.0 + coverage) / 2.0 - _ROUNDING]])
    return np.asarray(np.add.reduce(cumulative[..., None, :] < ends, axis=-1, dtype=np.int64))


def prediction_set(proba: Array, coverage: float) -> NDArray[np.bool_]:
    """Return the smallest set of outcomes whose probabilities reach the coverage; of equals the earlier column.

    Args:
        proba: Shape (n, 3); rows sum to 1.
        coverage: Within (0, 1).

    Returns:
        Shape (n, 3): which outcomes belong to the set.

    Raises:
        InvalidForecast: If the coverage is not within (0, 1).

    >>> prediction_set(np.array([[0.5, 0.3, 0.2]]), 0.8)
    array([[ True,  True, False]])
    """
    _check_coverage(coverage)
    order = np.argsort(-proba, axis=1, kind="stable")
    ranked = np.take_along_axis(proba, order, axis=1)
    reached_before = np.cumsum(ranked, axis=1) - ranked
    chosen = np.empty(proba.shape, dtype=bool)
    np.put_along_axis(chosen, order, reached_before < coverage - _ROUNDING, axis=1)
    return chosen


def _check_coverage(coverage: float) -> None:
    if not 0.0 < coverage < 1.0:
        raise InvalidForecast(f"given coverage {coverage!r}, expected a number within (0, 1)")
