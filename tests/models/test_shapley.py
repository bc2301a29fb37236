"""Shapley values against their definition: the average over all orders of telling."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.shapley import shapley_values


def tangled(x):
    """Two outputs in which the numbers work on each other."""
    return np.column_stack([x[:, 0] * x[:, 1] + np.sin(x[:, 2]) * x[:, 3], np.exp(0.3 * x.sum(axis=1))])


def by_every_order(function, value, reference):
    """Tell the numbers in each of their orders, and average what each moved."""
    orders = list(permutations(range(len(value))))
    moved = np.zeros((len(value), function(value[None]).shape[1]))
    for order in orders:
        told = reference.copy()
        for one in order:
            before = function(told[None])[0]
            told[one] = value[one]
            moved[one] += function(told[None])[0] - before
    return moved / len(orders)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_values_are_the_average_over_all_orders(seed):
    """
    The weighted sum over subsets is what a loop over all orders gives.
    """
    rng = np.random.default_rng(seed)
    values, reference = rng.normal(size=(3, 4)), rng.normal(size=4)

    moved = shapley_values(tangled, values, reference)

    for row in range(3):
        np.testing.assert_allclose(moved[row], by_every_order(tangled, values[row], reference), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(moved.sum(axis=1), tangled(values) - tangled(reference[None]), rtol=1e-9, atol=1e-11)


def test_a_number_that_does_nothing_has_no_part_and_twins_have_the_same():
    """
    A number the function does not read gets nought, and two that it treats alike, at the same values, share equally.
    """

    def function(x):
        return (x[:, 0] * x[:, 1])[:, None]

    moved = shapley_values(function, np.array([[3.0, 3.0, 9.0]]), np.ones(3))[0, :, 0]

    assert moved[2] == 0.0
    assert moved[0] == moved[1] == pytest.approx(4.0)


def test_no_match_has_no_values():
    """
    Asked about nothing, the answer has no rows and the usual width.
    """
    assert shapley_values(tangled, np.zeros((0, 4)), np.zeros(4)).shape == (0, 4, 2)
