"""Whether forecasts of one event are too bold or too timid: a line through their log-odds.

The slope says how far forecasts lie apart against how far they should; it knows no bins.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

_MOST_STEPS: Final = 50
_CONVERGED: Final = 1e-10
_SINGULAR: Final = 1e12
_Z_95: Final = 1.959963984540054


class ReliabilitySlope(NamedTuple):
    """Hold the line logit P(event) = intercept + slope * logit(forecast), with the slope's 95 % Wald interval.

    A perfect forecast has slope 1 and intercept 0. Below 1 forecasts are too
    bold, above 1 too timid. All NaN where no line can be fitted.
    """

    intercept: float
    slope: float
    low: float
    high: float


_NONE: Final = ReliabilitySlope(*[float("nan")] * 4)


def reliability_slope(probability: Array, happened: NDArray[np.bool_]) -> ReliabilitySlope:
    """Fit a logistic regression of an event on the log-odds of its forecast.

    Args:
        probability: Of the event, shape (n,).
        happened: Whether it did, shape (n,).

    Returns:
        NaN throughout where no line can be fitted: all forecasts are equal, one is exactly 0 or 1, or the event always
        or never happened, or is told by the forecast without error.

    Raises:
        ValueError: If the shapes differ or a probability lies outside [0, 1].

    Source: Cox (1958), Two further applications of a model for binary regression; maximum likelihood by Newton's method.

    Forecasts of 1/5 and 4/5 where 1/3 and 2/3 came true: log 4 should have been log 2.

    >>> line = reliability_slope(np.array([0.2] * 3 + [0.8] * 3), np.array([1, 0, 0, 1, 1, 0], dtype=bool))
    >>> round(line.slope, 6), abs(round(line.intercept, 6))
    (0.5, 0.0)
    """
    _check(probability, happened)
    if not (0.0 < probability.min(initial=1.0) < probability.max(initial=0.0) < 1.0):
        return _NONE
    logit = np.log(probability / (1.0 - probability))
    return _fitted(np.column_stack([np.ones(len(logit)), logit]), happened.astype(np.float64))


def _fitted(design: Array, happened: Array) -> ReliabilitySlope:
    line = np.zeros(2)
    for _ in range(_MOST_STEPS):
        p = expit(design @ line)  # (n,)
        information = (design * (p * (1.0 - p))[:, None]).T @ design  # (2, 2)
        # Where one threshold tells all events, ever steeper lines are ever likelier, until nothing is left to learn.
        if not np.linalg.cond(information) < _SINGULAR:
            return _NONE
        step = np.linalg.solve(information, design.T @ (happened - p))
        line = line + step
        if np.abs(step).max() < _CONVERGED:
            margin = _Z_95 * float(np.sqrt(np.linalg.inv(information)[1, 1]))
            return ReliabilitySlope(float(line[0]), float(line[1]), float(line[1]) - margin, float(line[1]) + margin)
    return _NONE


def _check(probability: Array, happened: NDArray[np.bool_]) -> None:
    if probability.ndim != 1 or probability.shape != happened.shape:
        raise ValueError(f"given shapes {probability.shape} and {happened.shape}, expected (n,) twice")
    if not ((probability >= 0.0) & (probability <= 1.0)).all():
        raise ValueError("given a probability outside [0, 1]; expected one forecast of the event a match")
