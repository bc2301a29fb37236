"""Exact Shapley values of a function of a few numbers, against a reference.

Each number's share of the way from the answer at the reference to the answer
at the values, averaged over all orders in which the numbers may be told.
Source: Shapley (1953); Štrumbelj & Kononenko (2014) for predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np

from models.estimator import Array


def shapley_values(function: Callable[[Array], Array], values: Array, reference: Array) -> Array:
    """Return how far each of c numbers moved each of k outputs. Shape (n, c, k); adds up to the whole way.

    Args:
        function: From shape (m, c) to shape (m, k), row by row. Called once, with n times 2^c rows.
        values: Shape (n, c).
        reference: Shape (c,).

    >>> total = lambda x: x.sum(axis=1, keepdims=True)
    >>> shapley_values(total, np.array([[3.0, 5.0]]), np.array([1.0, 1.0]))[0, :, 0].tolist()
    [2.0, 4.0]
    """
    matches, count = values.shape
    subsets = (np.arange(2**count)[:, None] >> np.arange(count)) & 1  # which numbers are told, one row a subset
    told = np.where(subsets[:, None, :].astype(bool), values, reference)  # (2^c, n, c)
    flat = function(told.reshape(-1, count))
    answers = flat.reshape(len(subsets), matches, flat.shape[1])
    size = subsets.sum(axis=1)
    weight = np.array(
        [factorial(s) * factorial(count - s - 1) / factorial(count) if s < count else 0.0 for s in range(count + 1)]
    )
    moved = np.empty((matches, count, answers.shape[2]))
    for one in range(count):
        without = np.flatnonzero(subsets[:, one] == 0)
        gain = answers[without + (1 << one)] - answers[without]
        moved[:, one] = (weight[size[without], None, None] * gain).sum(axis=0)
    return moved
