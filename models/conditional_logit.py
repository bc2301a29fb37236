"""A logit in which outcomes have regressors and share the coefficients: what pools and calibrates forecasts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.estimator import Array
from models.newton import Here, highest_point


def softmax(log_odds: Array) -> Array:
    """Return probabilities from log-odds up to a constant a row. Shape (n, 3).

    >>> softmax(np.log(np.array([[2.0, 1.0, 1.0]]))).round(6)
    array([[0.5 , 0.25, 0.25]])
    """
    weights = np.exp(log_odds - np.maximum.reduce(log_odds, axis=1, keepdims=True))
    proba: Array = weights / np.add.reduce(weights, axis=1, keepdims=True)
    return proba


def log_softmax(log_odds: Array) -> Array:
    """Return the logarithms of the probabilities, also of those too small for a number. Shape (n, 3).

    >>> log_softmax(np.array([[0.0, -1000.0, -1000.0]]))
    array([[    0., -1000., -1000.]])
    """
    below = log_odds - np.maximum.reduce(log_odds, axis=1, keepdims=True)
    logs: Array = below - np.log(np.add.reduce(np.exp(below), axis=1, keepdims=True))
    return logs


def fit_conditional_logit(regressors: Array, outcome: NDArray[np.int64], *, prior: Array, precision: Array) -> Array:
    """Return the coefficients that make the results most likely, with a Gaussian prior, by Newton's method.

    The log-odds of outcome k of match i are ``regressors[i, k] @ coefficients``.

    Args:
        regressors: Shape (n, 3, c).
        outcome: 0, 1 or 2. Shape (n,).
        prior, precision: Mean of each coefficient and 1 / variance, above zero. Shape (c,).

    Source: McFadden (1974), "Conditional logit analysis of qualitative choice behavior".

    >>> draw = np.broadcast_to(np.array([[0.0], [1.0], [0.0]]), (4, 3, 1))
    >>> shift = fit_conditional_logit(draw, np.array([0, 1, 1, 2]), prior=np.zeros(1), precision=np.full(1, 1e-9))
    >>> float(shift.round(6)[0])  # half of them draws: odds of 2 against either win
    0.693147
    """
    chosen = regressors[np.arange(len(regressors)), outcome]
    chosen_sum = chosen.sum(axis=0)

    def look(coefficients: Array) -> Here:
        log_odds = regressors @ coefficients
        log_likelihood = chosen @ coefficients - np.logaddexp.reduce(log_odds, axis=1)
        value = float(log_likelihood.sum() - 0.5 * (precision * (coefficients - prior) ** 2).sum())
        slope = chosen_sum - precision * (coefficients - prior)
        return value, lambda: _newton_step(regressors, softmax(log_odds), slope, precision)

    return highest_point(look, prior)


def _newton_step(regressors: Array, proba: Array, slope: Array, precision: Array) -> Array:
    """Return the step to the top of the parabola that fits here; the slope lacks what the probabilities expect."""
    mean = (proba[:, :, None] * regressors).sum(axis=1)  # (n, c)
    weighted = (regressors * np.sqrt(proba)[:, :, None]).reshape(-1, regressors.shape[2])
    curvature = weighted.T @ weighted - mean.T @ mean + np.diag(precision)
    step: Array = np.linalg.solve(curvature, slope - mean.sum(axis=0))
    return step
