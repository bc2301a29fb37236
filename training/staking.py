"""What bets at given odds would have made: arithmetic of expected value, stake, result and yield.

It describes the past of a model; it is no advice. One bet a match at most, and every stake is a share of one fixed
bankroll: nothing is compounded, so that the order of the bets does not matter.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.scores import Array, Outcomes, ratio_interval

NO_BET: Final = -1
FEWEST_DAYS: Final = 2
"""Match days without which there is no interval: one day resampled is always itself."""


class Yield(NamedTuple):
    """Hold profit over stakes with its 95 % interval; low and high are None where too few match days tell nothing."""

    mean: float
    low: float | None
    high: float | None


def expected_value(proba: Array, decimal_odds: Array) -> Array:
    """Return the expected profit of a unit bet on each outcome, if the probabilities are right.

    Args:
        proba: Shape (n, 3), home, draw, away.
        decimal_odds: Shape (n, 3), above 1; NaN where not on offer.

    Returns:
        Shape (n, 3): p times the odds, less the stake; NaN where there are no odds.

    Raises:
        ValueError: If the shapes differ.

    >>> expected_value(np.array([[0.5, 0.25, 0.25]]), np.array([[2.2, 3.2, 4.0]])).round(9)
    array([[ 0.1, -0.2,  0. ]])
    """
    if proba.shape != decimal_odds.shape:
        raise ValueError(f"given probabilities of shape {proba.shape} with odds of shape {decimal_odds.shape}")
    value: Array = proba * decimal_odds - 1.0
    return value


def best_bet(value: Array, edge: float) -> Outcomes:
    """Return the outcome of the highest expected value of each match, -1 where none is above the edge.

    Args:
        value: Shape (n, 3), from ``expected_value``. Of equal ones the first counts.
        edge: Least expected profit of a unit bet, not included; 0.05 is five per cent.

    >>> best_bet(np.array([[0.1, -0.2, 0.3], [0.01, -0.1, -0.2]]), 0.05).tolist()
    [2, -1]
    """
    eligible = np.where(value > edge, value, -np.inf)  # a NaN is above nothing
    return np.where(np.isneginf(eligible).all(axis=1), NO_BET, eligible.argmax(axis=1)).astype(np.int64)


def kelly_stake(probability: Array, decimal_odds: Array, *, fraction: float, cap: float) -> Array:
    """Return the share of the bankroll that a bet would get: a fraction of Kelly's, never above a cap.

    Kelly's own share, (p o - 1) / (o - 1), lets a bankroll grow fastest if p is right. It is not, and the share is
    too large as often as p is too high: hence the fraction and the cap.

    Args:
        probability: Of the one outcome that is bet on, 0-1, shape (n,).
        decimal_odds: Of that outcome, above 1, shape (n,).
        fraction: Above 0, up to 1.
        cap: Largest share, above 0, up to 1.

    Returns:
        Shape (n,), from 0, where the expected value is not positive, to the cap.

    Raises:
        ValueError: If the fraction or the cap is out of range.

    Source: Kelly (1956), Bell System Technical Journal 35.

    >>> kelly_stake(np.array([0.6, 0.6]), np.array([2.0, 1.5]), fraction=0.25, cap=0.04).round(9)
    array([0.04, 0.  ])
    """
    for name, share in (("fraction", fraction), ("cap", cap)):
        if not 0.0 < share <= 1.0:
            raise ValueError(f"{name} {share} is no share; expected above 0, up to 1")
    full = (probability * decimal_odds - 1.0) / (decimal_odds - 1.0)
    return np.clip(fraction * full, 0.0, cap)


def settle(stake: Array, decimal_odds: Array, won: NDArray[np.bool_]) -> Array:
    """Return the profit of each bet: the stake times odds less one where it won, else the stake lost. Shapes (n,).

    >>> settle(np.array([2.0, 2.0]), np.array([1.5, 1.5]), np.array([True, False])).tolist()
    [1.0, -2.0]
    """
    return np.where(won, stake * (decimal_odds - 1.0), -stake)


def yield_of(stake: Array, profit: Array, days: NDArray[np.int64], *, seed: int) -> Yield:
    """Return profit over stakes, with a 95 % bootstrap interval over match days.

    Args:
        stake: Above 0, shape (n,).
        profit: Shape (n,), from ``settle``.
        days: Match day of each bet, any integers, shape (n,).
        seed: Same seed, same interval.

    Raises:
        ValueError: If the lengths differ, there is no bet, or a stake is not above 0.

    >>> yield_of(np.array([1.0, 3.0]), np.array([1.0, -3.0]), np.array([5, 5]), seed=1)
    Yield(mean=-0.5, low=None, high=None)
    """
    if not 0 < len(stake) == len(profit) == len(days):
        raise ValueError(
            f"given {len(stake)} stakes, {len(profit)} profits and {len(days)} days; expected equally many, at least one"
        )
    if not (stake > 0.0).all():
        raise ValueError(f"given the stake {stake.min()}; expected above 0: leave out matches without a bet")
    mean = float(profit.sum() / stake.sum())
    if len(np.unique(days)) < FEWEST_DAYS:
        return Yield(mean, None, None)
    return Yield(mean, *ratio_interval(profit, stake, days, seed=seed))
