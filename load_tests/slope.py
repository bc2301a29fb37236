"""A straight line through samples of memory, with the bound that its slope stays under.

Samples of one process follow one another closely, so the usual error of a
least-squares slope is too small; it is widened by the residuals' own memory
(effective sample size of an AR(1) series).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STUDENT_97_5 = ((4, 2.78), (6, 2.45), (8, 2.31), (10, 2.23), (15, 2.13), (20, 2.09), (30, 2.04), (60, 2.00))


@dataclass(frozen=True)
class Slope:
    """Hold a slope per unit of x; ``low`` and ``high`` are its 95 % bounds."""

    value: float
    low: float
    high: float


def fitted_slope(x: Sequence[float], y: Sequence[float]) -> Slope:
    """Fit a line by least squares.

    >>> slope = fitted_slope([0, 1, 2, 3, 4, 5], [1, 3, 5, 7, 9, 11])
    >>> round(slope.value, 6), round(slope.high, 6)
    (2.0, 2.0)

    Raises:
        ValueError: If there are fewer than five points, or x does not vary.
    """
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(a) < 5 or np.ptp(a) == 0:
        raise ValueError(f"{len(a)} points cannot show a slope with its bound; at least 5 with different x are needed")
    deviation = a - a.mean()
    spread = float(deviation @ deviation)
    value = float(deviation @ b) / spread
    residuals = b - b.mean() - value * deviation
    variance = float(residuals @ residuals) / (len(a) - 2)
    free = max(4.0, _effective_size(residuals) - 2)
    error = (variance / spread * len(a) / (free + 2)) ** 0.5 * _student(free)
    return Slope(value, value - error, value + error)


def _effective_size(residuals: np.ndarray) -> float:
    total = float(residuals @ residuals)
    if total == 0.0:
        return float(len(residuals))
    memory = min(0.95, max(0.0, float(residuals[1:] @ residuals[:-1]) / total))
    return len(residuals) * (1 - memory) / (1 + memory)


def _student(free: float) -> float:
    """Return the 97.5 % quantile of Student's t, never below the true one."""
    return next((value for most, value in reversed(STUDENT_97_5) if free >= most), STUDENT_97_5[0][1])
