"""Scores of probabilistic forecasts, one value a match, and how sure a difference between two of them is.

Lower is better for all but accuracy. Knows outcomes as 0 home win, 1 draw, 2 away win.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Outcomes = NDArray[np.int64]

_BINS: Final = 10
# Resamples drawn at once: 256 x 2,000 match days take 12 MB.
_BLOCK: Final = 256


def ranked_probability_score(proba: Array, outcome: Outcomes) -> Array:
    """Score ordered forecasts by their cumulative probabilities; 0 is perfect, 1 is worst.

    Args:
        proba: Shape (n, 3), rows sum to 1, columns home/draw/away.
        outcome: Shape (n,), column index of what happened.

    Returns:
        Shape (n,): the squared differences of the cumulative distributions, summed and divided by 2.

    Raises:
        ValueError: If the shapes do not fit, or an outcome is not 0, 1 or 2.

    Source: Epstein (1969); Constantinou & Fenton (2012) for football.

    >>> ranked_probability_score(np.array([[0.5, 0.3, 0.2]]), np.array([0]))
    array([0.145])
    """
    _check(proba, outcome)
    happened = outcome[:, None] <= np.arange(2)
    score: Array = ((np.cumsum(proba[:, :2], axis=1) - happened) ** 2).sum(axis=1) / 2.0
    return score


def log_loss(proba: Array, outcome: Outcomes) -> Array:
    """Return minus the natural logarithm of the probability of what happened, in nats; infinite where it was 0.

    Shapes and errors as in ``ranked_probability_score``.

    >>> log_loss(np.array([[0.5, 0.25, 0.25]]), np.array([0])).round(6)
    array([0.693147])
    """
    _check(proba, outcome)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(proba[np.arange(len(proba)), outcome]))


def brier(proba: Array, outcome: Outcomes) -> Array:
    """Return the squared error summed over the three outcomes; 0 is perfect, 2 is worst.

    Shapes and errors as in ``ranked_probability_score``. Source: Brier (1950), in its original, multi-class form.

    >>> brier(np.array([[0.5, 0.25, 0.25]]), np.array([0]))
    array([0.375])
    """
    _check(proba, outcome)
    score: Array = ((proba - (outcome[:, None] == np.arange(3))) ** 2).sum(axis=1)
    return score


def accuracy(proba: Array, outcome: Outcomes) -> Array:
    """Return 1.0 where the most likely outcome happened, else 0.0; the first of equals counts as the most likely.

    Shapes and errors as in ``ranked_probability_score``.

    >>> accuracy(np.array([[0.5, 0.25, 0.25], [0.4, 0.2, 0.4]]), np.array([0, 2]))
    array([1., 0.])
    """
    _check(proba, outcome)
    return np.asarray(proba.argmax(axis=1) == outcome, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Compare forecast and frequency of one outcome in ten bins of equal width over [0, 1].

    Attributes:
        count: Matches whose probability fell into each bin, shape (10,).
        forecast: Mean probability in the bin, NaN where empty.
        frequency: Share of those matches in which the outcome happened, NaN where empty.
    """

    count: NDArray[np.int64]
    forecast: Array
    frequency: Array

    @property
    def ece(self) -> float:
        """Return |forecast - frequency| averaged over the bins by their counts; NaN without matches."""
        if not self.count.sum():
            return float("nan")
        return float(np.nansum(self.count * np.abs(self.forecast - self.frequency)) / self.count.sum())


def reliability(proba: Array, outcome: Outcomes) -> tuple[Reliability, Reliability, Reliability]:
    """Return the reliability table of home win, draw and away win. Shapes and errors as in the scores.

    >>> home, draw, away = reliability(np.array([[0.52, 0.25, 0.23], [0.58, 0.22, 0.2]]), np.array([0, 2]))
    >>> int(home.count[5]), float(home.forecast[5].round(2)), float(home.frequency[5])
    (2, 0.55, 0.5)
    """
    _check(proba, outcome)
    home, draw, away = (binned_reliability(proba[:, column], outcome == column) for column in range(3))
    return home, draw, away


def binned_reliability(probability: Array, happened: NDArray[np.bool_]) -> Reliability:
    """Return the reliability table of one event.

    Args:
        probability: Of the event, within [0, 1], shape (n,).
        happened: Whether it did, shape (n,).

    >>> table = binned_reliability(np.array([0.52, 0.58]), np.array([True, False]))
    >>> int(table.count[5]), float(table.frequency[5])
    (2, 0.5)
    """
    # A probability of exactly 1 belongs to the last bin.
    bin_ = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
    count = np.bincount(bin_, minlength=_BINS)
    with np.errstate(invalid="ignore"):
        forecast = np.bincount(bin_, probability, _BINS) / count
        frequency = np.bincount(bin_, happened, _BINS) / count
    return Reliability(count, forecast, frequency)


def expected_calibration_error(proba: Array, outcome: Outcomes) -> float:
    """Return how far forecasts lie from frequencies: per outcome, then averaged over the three outcomes.

    For one outcome: |mean forecast - frequency| of each of ten equal-width bins, weighted by the bin's share of the
    matches. NaN without matches; errors as in the scores. Source: Naeini et al. (2015), class by class.

    >>> round(expected_calibration_error(np.array([[0.6, 0.2, 0.2], [0.6, 0.2, 0.2]]), np.array([0, 1])), 3)
    0.2
    """
    return float(np.mean([table.ece for table in reliability(proba, outcome)]))


class Difference(NamedTuple):
    """Hold a mean difference with its 95 % interval."""

    mean: float
    low: float
    high: float


def paired_bootstrap(
    score_a: Array, score_b: Array, groups: NDArray[np.int64], *, resamples: int = 2000, seed: int
) -> Difference:
    """Return the mean of a minus b with a 95 % percentile interval, resampling whole groups with replacement.

    Matches of one day share weather, referees' instructions and model state, so they are drawn together; a negative
    interval says that a is better.

    Args:
        score_a: Scores of one model, shape (n,).
        score_b: Scores of the other on the same matches, shape (n,).
        groups: Match day of each match, any integers, shape (n,).
        resamples: Number of bootstrap samples.
        seed: Same seed, same interval.

    Raises:
        ValueError: If the lengths differ or there is no match.

    Source: Efron & Tibshirani (1993), ch. 13; the cluster bootstrap of Field & Welsh (2007).

    >>> paired_bootstrap(np.array([0.75, 0.5]), np.array([0.5, 0.25]), np.array([1, 2]), seed=1)
    Difference(mean=0.25, low=0.25, high=0.25)
    """
    if not 0 < len(score_a) == len(score_b) == len(groups):
        raise ValueError(
            f"given {len(score_a)} and {len(score_b)} scores with {len(groups)} groups, expected equally many, at least one"
        )
    difference = score_a - score_b
    low, high = ratio_interval(difference, np.ones_like(difference), groups, resamples=resamples, seed=seed)
    return Difference(float(difference.mean()), low, high)


def ratio_interval(
    numerator: Array, denominator: Array, groups: NDArray[np.int64], *, resamples: int = 2000, seed: int
) -> tuple[float, float]:
    """Return the 95 % percentile interval of sum(numerator) / sum(denominator), resampling whole groups.

    Args:
        numerator: Shape (n,), at least one.
        denominator: Shape (n,), above 0, such as what was staked.
        groups: Match day of each, any integers, shape (n,).
        resamples: Number of bootstrap samples.
        seed: Same seed, same interval.

    Source: as ``paired_bootstrap``, which is the case of a denominator of ones.

    >>> ratio_interval(np.array([1.0, 2.0]), np.array([4.0, 8.0]), np.array([1, 2]), seed=1)
    (0.25, 0.25)
    """
    day = np.unique(groups, return_inverse=True)[1]
    total = np.bincount(day, numerator).astype(np.float64)
    size = np.bincount(day, denominator).astype(np.float64)
    means = _resampled_means(total, size, resamples, np.random.default_rng(seed))
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _resampled_means(total: Array, size: Array, resamples: int, rng: np.random.Generator) -> Array:
    days = len(total)
    blocks = []
    for start in range(0, resamples, _BLOCK):
        drawn = rng.integers(0, days, size=(min(_BLOCK, resamples - start), days))
        blocks.append(total[drawn].sum(axis=1) / size[drawn].sum(axis=1))
    return np.concatenate(blocks)


def _check(proba: Array, outcome: Outcomes) -> None:
    if proba.ndim != 2 or proba.shape[1] != 3 or outcome.shape != (len(proba),):
        raise ValueError(
            f"given probabilities of shape {proba.shape} and outcomes of shape {outcome.shape}, expected (n, 3) and (n,)"
        )
    if len(outcome) and not (outcome.min() >= 0 and outcome.max() <= 2):
        raise ValueError("outcomes must be 0, 1 or 2; leave out matches that were not played")
