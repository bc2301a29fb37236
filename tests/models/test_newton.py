"""Newton's method: that it reaches the top, from where one would not think so, and the same one from anywhere."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.newton import highest_point


def hill(place):
    """Minus log cosh around a place: concave, but so flat far away that full Newton steps run off to infinity."""

    def look(point):
        away = point - place
        value = -float(np.logaddexp(away, -away).sum())
        return value, lambda: -np.tanh(away) * np.cosh(np.minimum(np.abs(away), 20.0)) ** 2

    return look


@settings(max_examples=60, deadline=None)
@given(st.floats(-10.0, 10.0), st.floats(-9.0, 9.0))
def test_the_top_is_reached_from_afar(place, away):
    """
    Wherever the climb starts, it ends at the top, to the rounding.
    """
    found = highest_point(hill(place), np.array([place + away]))

    np.testing.assert_allclose(found, place, rtol=0, atol=1e-10)


def test_the_start_is_left_as_it_was():
    """
    The array that it starts from is not written to.
    """
    start = np.array([2.0])

    highest_point(hill(0.0), start)

    assert start[0] == 2.0


def test_a_value_that_cannot_be_reckoned_is_stepped_back_from():
    """
    Where a step leads to minus infinity it is halved, and the climb goes on.
    """

    def look(point):
        # Highest at 1; the step from the start leads below 0, where there is no logarithm.
        value = float(np.log(point[0]) - point[0]) if point[0] > 0.0 else -np.inf
        return value, lambda: point - point * point

    np.testing.assert_allclose(highest_point(look, np.array([5.0])), [1.0], rtol=1e-12)
