"""Joint probabilities of the home and away goals of a match, one grid a match.

Cell (h, a) of a grid is the probability of the score h-a after 90 minutes.
Goals above ``MAX_GOALS`` are cut off and the rest renormalised;
``truncated_mass`` says how much that was.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtrc

from models.errors import InvalidForecast

Array = NDArray[np.float64]

MAX_GOALS: Final = 15
SIZE: Final = MAX_GOALS + 1

_GOALS: Final = np.arange(SIZE, dtype=np.float64)
# Region of each cell: 0 home win, 1 draw, 2 away win.
_REGION: Final = (1 - np.sign(_GOALS[:, None] - _GOALS[None, :])).astype(np.intp)
_BY_REGION: Final = np.argsort(_REGION.ravel(), kind="stable")
_REGION_START: Final = np.searchsorted(_REGION.ravel()[_BY_REGION], np.arange(3))
# The same for both sides, and the goals of home in each cell, then those of away.
_BY_REGION_TWICE: Final = np.tile(_BY_REGION, 2)
_REGION_START_TWICE: Final = np.concatenate([_REGION_START, _REGION_START + SIZE * SIZE])
_GOALS_OF_BOTH: Final = np.concatenate([_GOALS[_BY_REGION // SIZE], _GOALS[_BY_REGION % SIZE]])
# The lowest score of each region: 1-0, 0-0, 0-1.
_LOWEST_HOME: Final = np.array([1, 0, 0])
_LOWEST_AWAY: Final = np.array([0, 0, 1])
_TINY: Final = float(np.finfo(np.float64).tiny)
_MOST_EXPECTED: Final = 100.0


def score_grid(home_goals_expected: Array, away_goals_expected: Array, rho: float) -> Array:
    """Build the Dixon-Coles score grid: independent Poisson goals with the four lowest scores corrected.

    Args:
        home_goals_expected: Poisson means, in (0, 100]. Shape (n,).
        away_goals_expected: The same for the away side.
        rho: Dependence of the low scores; negative means more 0-0 and 1-1 than independence gives.
            Clipped match by match to the range in which no cell is negative.

    Returns:
        Shape (n, SIZE, SIZE), home goals first; every grid sums to 1.

    Raises:
        InvalidForecast: If a mean lies outside (0, 100].

    Source: Dixon & Coles (1997), "Modelling association football scores and inefficiencies in the betting market", section 4.

    >>> grid = score_grid(np.array([1.5]), np.array([1.2]), rho=0.0)
    >>> bool(np.isclose(grid[0, 2, 1], (np.exp(-1.5) * 1.5**2 / 2) * (np.exp(-1.2) * 1.2)))
    True
    """
    expected = _checked(np.concatenate([home_goals_expected, away_goals_expected]))
    matches = len(home_goals_expected)
    home, away = expected[:matches], expected[matches:]
    goals = goal_distribution(expected)
    grid: Array = goals[:matches, :, None] * goals[matches:, None, :]
    grid[:, :2, :2] *= low_score_factors(home, away, clip_rho(rho, home, away))
    return grid


def goal_distribution(expected: Array) -> Array:
    """Return the Poisson probabilities of 0..MAX_GOALS goals, renormalised. Shape (n, SIZE) for means of shape (n,)."""
    # Each weight is the one before it times mean / goals; exp(-mean) cancels in the renormalisation.
    weights = np.ones((len(expected), SIZE))
    np.multiply.accumulate(expected[:, None] / _GOALS[1:], axis=1, out=weights[:, 1:])
    weights /= np.add.reduce(weights, axis=1, keepdims=True)
    return weights


def truncated_mass(home_goals_expected: Array, away_goals_expected: Array) -> Array:
    """Return the probability that either side scores more than MAX_GOALS, which the grid leaves out. Shape (n,).

    >>> bool(truncated_mass(np.array([3.0]), np.array([3.0]))[0] < 1e-6)
    True
    """
    home_beyond, away_beyond = pdtrc(MAX_GOALS, home_goals_expected), pdtrc(MAX_GOALS, away_goals_expected)
    return np.asarray(home_beyond + away_beyond - home_beyond * away_beyond)


def clip_rho(rho: float, home_goals_expected: Array, away_goals_expected: Array) -> Array:
    """Return rho moved into the range in which all four corrected cells stay non-negative. Shape (n,).

    >>> clip_rho(-0.9, np.array([2.0]), np.array([1.0]))
    array([-0.5])
    """
    most = max(1.0, home_goals_expected.max(initial=0.0), away_goals_expected.max(initial=0.0))
    if -1.0 / most <= rho <= 1.0 / most**2:  # as always for goals as they are: no match needs a rho of its own
        return np.full(len(home_goals_expected), rho)
    lowest = -1.0 / np.maximum(home_goals_expected, away_goals_expected)
    highest = np.minimum(1.0, 1.0 / (home_goals_expected * away_goals_expected))
    return np.asarray(np.clip(rho, np.maximum(lowest, -1.0), highest))


def low_score_factors(home_goals_expected: Array, away_goals_expected: Array, rho: Array | float) -> Array:
    """Return the factors on the scores 0-0, 0-1, 1-0 and 1-1. Shape (n, 2, 2); never negative for a clipped rho.

    They leave the sum of a grid unchanged, for any rho.
    """
    factors = np.empty((len(home_goals_expected), 2, 2))
    at_home = home_goals_expected * rho
    factors[:, 0, 0] = 1.0 - at_home * away_goals_expected
    factors[:, 0, 1] = 1.0 + at_home
    factors[:, 1, 0] = 1.0 + away_goals_expected * rho
    factors[:, 1, 1] = 1.0 - rho
    # At the edge of the range rounding may leave -1e-17 where zero is meant.
    return np.maximum(factors, 0.0, out=factors)


def low_score_lean(home_expected: Array, away_expected: Array, home_goals: Array, away_goals: Array) -> Array:
    """Return how far rho moves the factor on each score, which is 1 + rho * lean; 0 unless it is a low one. Shape (n,).

    >>> low_score_lean(np.full(4, 2.0), np.full(4, 1.5), np.array([0, 0, 1, 3]), np.array([0, 1, 1, 0])).tolist()
    [-3.0, 2.0, -1.0, 0.0]
    """
    home_blank, away_blank = home_goals == 0, away_goals == 0
    sign = np.where(home_blank == away_blank, -1.0, 1.0) * ((home_goals <= 1) & (away_goals <= 1))
    return np.asarray(sign * np.where(home_blank, home_expected, 1.0) * np.where(away_blank, away_expected, 1.0))


def outcome_proba(grid: Array) -> Array:
    """Sum each grid over home wins, draws and away wins. Shape (n, 3)."""
    return np.add.reduceat(grid.reshape(len(grid), SIZE * SIZE).take(_BY_REGION, axis=1), _REGION_START, axis=1)


def region_goals(grid: Array) -> Array:
    """Return the parts of both sides' expected goals that home wins, draws and away wins bring. Shape (n, 2, 3).

    >>> region_goals(score_grid(np.array([1.5]), np.array([1.2]), 0.0)).sum(axis=2).round(6)
    array([[1.5, 1.2]])
    """
    cells = grid.reshape(len(grid), SIZE * SIZE).take(_BY_REGION_TWICE, axis=1)
    cells *= _GOALS_OF_BOTH
    return np.add.reduceat(cells, _REGION_START_TWICE, axis=1).reshape(-1, 2, 3)


def outcome_proba_of_goals(home_goals_expected: Array, away_goals_expected: Array, rho: float) -> Array:
    """Return home, draw and away probabilities of score grids, without the grids; shape (n, 3).

    Same as ``outcome_proba(score_grid(...))`` but for rounding: a side wins if the other scores less than it does, and
    only the four lowest scores are corrected.

    Raises:
        InvalidForecast: If a mean lies outside (0, 100].

    >>> one = np.array([1.5])
    >>> outcome_proba_of_goals(one, one, 0.0).round(4).tolist()
    [[0.3785, 0.243, 0.3785]]
    """
    expected = _checked(np.concatenate([home_goals_expected, away_goals_expected]))
    matches = len(home_goals_expected)
    home_expected, away_expected = expected[:matches], expected[matches:]
    goals = goal_distribution(expected)
    home, away = goals[:matches], goals[matches:]
    at_most = np.add.accumulate(goals[:, :-1], axis=1)
    proba = np.empty((matches, 3))
    np.add.reduce(home[:, 1:] * at_most[matches:], axis=1, out=proba[:, 0])
    np.add.reduce(home * away, axis=1, out=proba[:, 1])
    np.add.reduce(away[:, 1:] * at_most[:matches], axis=1, out=proba[:, 2])
    factors = low_score_factors(home_expected, away_expected, clip_rho(rho, home_expected, away_expected))
    moved = (factors - 1.0) * home[:, :2, None] * away[:, None, :2]
    proba[:, 0] += moved[:, 1, 0]
    proba[:, 1] += moved[:, 0, 0] + moved[:, 1, 1]
    proba[:, 2] += moved[:, 0, 1]
    return proba


def reconcile(grid: Array, proba: Array, mass: Array | None = None) -> Array:
    """Return the grid nearest to the given one whose home, draw and away masses equal ``proba``.

    Nearest in relative entropy: KL(q|p) = KL(masses of q | masses of p) + sum over regions of mass * KL(q within | p
    within); the first term is fixed by ``proba`` and the second is zero exactly when each region is only scaled.

    A region without any mass cannot be scaled; its probability then lies on its lowest score (1-0, 0-0 or 0-1).

    Args:
        grid: Shape (n, SIZE, SIZE).
        proba: Shape (n, 3); rows sum to 1.
        mass: ``outcome_proba(grid)``, where it is at hand.

    Raises:
        InvalidForecast: If a row of ``proba`` is negative somewhere or does not sum to 1 within 1e-6.

    >>> grid = score_grid(np.array([1.5]), np.array([1.2]), rho=-0.05)
    >>> outcome_proba(reconcile(grid, np.array([[0.5, 0.25, 0.25]]))).round(12)
    array([[0.5 , 0.25, 0.25]])
    """
    sums = np.add.reduce(proba, axis=1)
    if not (
        proba.min(initial=0.0) >= 0.0 and sums.min(initial=1.0) >= 1.0 - 1e-6 and sums.max(initial=1.0) <= 1.0 + 1e-6
    ):
        raise InvalidForecast(f"given outcome probabilities {proba!r}, expected rows >= 0 that sum to 1")
    if mass is None:
        mass = outcome_proba(grid)
    is_empty = mass < _TINY
    if is_empty.any():
        rows, regions = np.nonzero(is_empty)
        grid = grid.copy()
        grid[rows, _LOWEST_HOME[regions], _LOWEST_AWAY[regions]] = 1.0
        mass = outcome_proba(grid)
    scaled: Array = grid * (proba / mass).take(_REGION, axis=1)
    return scaled


def _checked(expected: Array) -> Array:
    if len(expected) and not (expected.min() > 0.0 and expected.max() <= _MOST_EXPECTED):  # nor NaN
        raise InvalidForecast(f"given expected goals {expected!r}, expected numbers in (0, {_MOST_EXPECTED:g}]")
    return expected
