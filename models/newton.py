"""Newton's method for a concave log posterior: a handful of steps from anywhere, and exact to the rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from models.estimator import Array

Here = tuple[float, Callable[[], Array]]
"""A log posterior's value at a point, and how to get the step from there to the top of the parabola that fits it."""

_STEPS: Final = 100
_CONVERGED: Final = 1e-11
_HALVINGS: Final = 40
_ROUNDING: Final = 1e-12  # relative; a log posterior this much lower is the same number, added up otherwise


def highest_point(look: Callable[[Array], Here], start: Array) -> Array:
    """Return the point at which a log posterior is highest, where no coordinate would move by 1e-11 any more.

    Args:
        look: Point to value and step; a value of minus infinity is far below everything else.
        start: Shape (c,). The top does not depend on it beyond rounding, the number of steps does.

    >>> def parabola(point):
    ...     return -float(((point - 3.0) ** 2).sum()), lambda: 3.0 - point
    >>> highest_point(parabola, np.zeros(2)).tolist()
    [3.0, 3.0]
    """
    point = start.astype(np.float64)
    value, step_on = look(point)
    for _ in range(_STEPS):
        step = step_on()
        if np.abs(step).max() < _CONVERGED:
            return point + step
        # From far away a full step may overshoot, and the next one farther: take half of it until things improve.
        for _ in range(_HALVINGS):
            reached, step_on = look(point + step)
            if reached >= value - _ROUNDING * abs(value):
                break
            step = 0.5 * step
        else:  # not even the shortest step leads up
            return point
        point, value = point + step, reached
    return point
