"""How unsure a probability is: what is not known of the clubs, and where the members differ.

Two things move a probability: the clubs' true strengths, which are known only
so well, and the choice of model. The first comes from the doubt that travels
with the expected goals, the second from the spread of the pool's members. New
clubs and stale data widen the first by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.special import expit, ndtri

from models.conditional_logit import softmax
from models.estimator import Array
from models.score_grid import region_goals

_LEAST: Final = 1e-9


def proba_spread(grid: Array, proba: Array, doubt: Array) -> Array:
    """Return the standard deviation of each outcome's probability that comes from doubt of the expected goals.

    The slope of an outcome's probability in the log of a side's expected goals is the covariance of that side's goals
    with the outcome, for any grid that is a Poisson grid times factors of the cells.

    Args:
        grid: Shape (n, SIZE, SIZE).
        proba: The grid's outcomes, shape (n, 3).
        doubt: Standard deviation of the log expected goals of home and away. Shape (n, 2).

    Returns:
        Shape (n, 3).

    >>> from models.score_grid import outcome_proba, score_grid
    >>> one = np.array([1.5])
    >>> grid = score_grid(one, one, 0.0)
    >>> nudged = outcome_proba(score_grid(one * np.exp(1e-6), one, 0.0))
    >>> slope = proba_spread(grid, outcome_proba(grid), np.array([[1.0, 0.0]]))
    >>> bool(np.allclose(slope, np.abs(nudged - outcome_proba(grid)) / 1e-6, atol=1e-5))
    True
    """
    within = region_goals(grid)
    slope = within - proba[:, None, :] * np.add.reduce(within, axis=2, keepdims=True)
    slope *= doubt[:, :, None]
    spread: Array = np.sqrt(np.add.reduce(slope * slope, axis=1))
    return spread


def members_spread(said: Mapping[str, Array], shares: Mapping[str, float], pooled: Array) -> Array:
    """Return the weighted standard deviation of the members' probabilities around the pool's.

    Args:
        said: Member to log-odds, shape (n, 3) each.
        shares: Of the same members; they sum to 1.
        pooled: The pool's log-odds, shape (n, 3).

    Returns:
        Shape (n, 3).
    """
    proba = softmax(np.concatenate([pooled, *(said[name] for name in shares)])).reshape(-1, *pooled.shape)
    apart = proba[1:] - proba[0]
    apart *= apart
    apart *= np.array(list(shares.values()))[:, None, None]
    spread: Array = np.sqrt(np.add.reduce(apart, axis=0))
    return spread


def proba_interval(proba: Array, spread: Array, coverage: float) -> Array:
    """Return the lowest and highest probability of the central interval, normal on the log-odds. Shape (n, 3, 2).

    >>> proba_interval(np.array([[0.5, 0.3, 0.2]]), np.zeros((1, 3)), 0.8)[0, 0].tolist()
    [0.5, 0.5]
    """
    inside = np.minimum(np.maximum(proba, _LEAST), 1.0 - _LEAST)
    middle = np.log(inside / (1.0 - inside))
    reach = float(ndtri(0.5 + 0.5 * coverage)) * spread / (inside * (1.0 - inside))
    ends = np.stack([middle - reach, middle + reach], axis=2)
    interval: Array = expit(ends)
    return interval
