"""A club's attack and defence as a Gaussian belief: how it blurs with time and sharpens with a result.

Arithmetic only, element by element over n matches. Attack and defence are in
log goals: a side's log expected goals are its attack minus the other's
defence, plus what the competition gives. A result moves all four numbers of
both clubs at once, by a Laplace step: the mode of the posterior and its
curvature there. After Fahrmeir (1992), "Posterior mode estimation by extended
Kalman filtering for multivariate dynamic generalized linear models".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from features.batch import Array

NEWTON_STEPS: Final = 5


@dataclass(frozen=True, slots=True)
class Belief:
    """Hold n clubs' attack and defence, in log goals, with their variances and covariance. Shape (n,) each."""

    attack: Array
    defence: Array
    attack_variance: Array
    defence_variance: Array
    covariance: Array

    def blurred(self, variance: Array, correlation: float) -> Self:
        """Return the belief after as much drift; what moves a club's attack moves its defence, too."""
        return type(self)(
            self.attack,
            self.defence,
            self.attack_variance + variance,
            self.defence_variance + variance,
            self.covariance + correlation * variance,
        )

    def replaced(self, rows: np.ndarray[tuple[int], np.dtype[np.bool_]], other: Self) -> Self:
        """Return the belief with some rows taken from another one."""
        return type(self)(*(np.where(rows, getattr(other, n), getattr(self, n)) for n in self.__slots__))

    def moved(self, attack: Array, defence: Array) -> Self:
        """Return the belief with other means."""
        return type(self)(attack, defence, self.attack_variance, self.defence_variance, self.covariance)


@dataclass(frozen=True, slots=True)
class Expectation:
    """Hold what two beliefs say of a match: log expected goals of both sides and how sure that is. Shape (n,) each.

    Attributes:
        home, away: Means of the log expected goals.
        home_variance, away_variance, covariance: Of the two, the competition's own doubt included.
    """

    home: Array
    away: Array
    home_variance: Array
    away_variance: Array
    covariance: Array


@dataclass(frozen=True, slots=True)
class Surprise:
    """Hold what a result says against an expectation. Shape (n,) each.

    Attributes:
        home, away: Slope of the log-likelihood in each log expected goals at the posterior mode.
        home_weight, away_weight, cross_weight: The information matrix that comes with it, (W^-1 + V)^-1 with W the
            curvature of the likelihood and V the expectation's covariance.
    """

    home: Array
    away: Array
    home_weight: Array
    away_weight: Array
    cross_weight: Array


def expect(home: Belief, away: Belief, goals: Array, home_advantage: Array) -> Expectation:
    """Return the expectation of two clubs that know nothing of each other.

    Args:
        goals: Log goals of a side of average strength.
        home_advantage: Log goals; half is the home side's gain, half the away side's loss.

    >>> sure = Belief(*(np.array([x]) for x in (0.2, 0.1, 0.0, 0.0, 0.0)))
    >>> expected = expect(sure, sure, goals=np.array([0.3]), home_advantage=np.array([0.2]))
    >>> float(expected.home.round(3)[0]), float(expected.away.round(3)[0])
    (0.5, 0.3)
    """
    return Expectation(
        goals + 0.5 * home_advantage + home.attack - away.defence,
        goals - 0.5 * home_advantage + away.attack - home.defence,
        home.attack_variance + away.defence_variance,
        away.attack_variance + home.defence_variance,
        -(home.covariance + away.covariance),
    )


def surprise(expected: Expectation, home_goals: Array, away_goals: Array, dispersion: Array) -> Surprise:
    """Return what a score says, taken as Poisson counts whose variance is so many times the mean.

    Args:
        home_goals, away_goals: What counts as the score; need not be whole, where expected goals are mixed in.
        dispersion: Above 1, a score says less than a Poisson count would; below 1, more.
    """
    a, b, d = expected.home_variance, expected.covariance, expected.away_variance
    shift_home, shift_away = np.zeros_like(a), np.zeros_like(a)
    for _ in range(NEWTON_STEPS):
        home, away, home_curve, away_curve = _likelihood(
            expected, shift_home, shift_away, home_goals, away_goals, dispersion
        )
        # The mode solves shift = V slope(shift); its Jacobian is 1 + V W.
        miss_home = shift_home - (a * home + b * away)
        miss_away = shift_away - (b * home + d * away)
        j11, j12, j21, j22 = 1.0 + a * home_curve, b * away_curve, b * home_curve, 1.0 + d * away_curve
        determinant = j11 * j22 - j12 * j21
        shift_home = shift_home - (j22 * miss_home - j12 * miss_away) / determinant
        shift_away = shift_away - (j11 * miss_away - j21 * miss_home) / determinant
    home, away, home_curve, away_curve = _likelihood(
        expected, shift_home, shift_away, home_goals, away_goals, dispersion
    )
    p, q = 1.0 / home_curve + a, 1.0 / away_curve + d
    determinant = p * q - b * b
    return Surprise(home, away, q / determinant, p / determinant, -b / determinant)


def learned(belief: Belief, told: Surprise, *, is_home: bool) -> Belief:
    """Return what a club is believed to be after a match; ``is_home`` says which side of the surprise it was.

    >>> before = Belief(*(np.array([x]) for x in (0.0, 0.0, 0.1, 0.1, 0.0)))
    >>> expected = expect(before, before, goals=np.array([0.0]), home_advantage=np.array([0.0]))
    >>> told = surprise(expected, np.array([3.0]), np.array([1.0]), np.array([1.0]))
    >>> after = learned(before, told, is_home=True)
    >>> bool(after.attack[0] > 0 and after.attack_variance[0] < 0.1), float(after.defence.round(6)[0])
    (True, 0.0)
    """
    # Own goals bear on the attack, the other side's on the defence, with the sign turned round.
    own, other = (told.home, told.away) if is_home else (told.away, told.home)
    own_weight, other_weight = (told.home_weight, told.away_weight) if is_home else (told.away_weight, told.home_weight)
    attack_own, attack_other = belief.attack_variance, -belief.covariance
    defence_own, defence_other = belief.covariance, -belief.defence_variance

    def shrink(x_own: Array, x_other: Array, y_own: Array, y_other: Array) -> Array:
        crossed = x_own * y_other + x_other * y_own
        drop: Array = own_weight * x_own * y_own + other_weight * x_other * y_other + told.cross_weight * crossed
        return drop

    return Belief(
        belief.attack + attack_own * own + attack_other * other,
        belief.defence + defence_own * own + defence_other * other,
        belief.attack_variance - shrink(attack_own, attack_other, attack_own, attack_other),
        belief.defence_variance - shrink(defence_own, defence_other, defence_own, defence_other),
        belief.covariance - shrink(attack_own, attack_other, defence_own, defence_other),
    )


def _likelihood(
    expected: Expectation, shift_home: Array, shift_away: Array, home_goals: Array, away_goals: Array, dispersion: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the slopes and curvatures of the log-likelihood at the shifted expectation."""
    home, away = np.exp(expected.home + shift_home), np.exp(expected.away + shift_away)
    return (
        (home_goals - home) / dispersion,
        (away_goals - away) / dispersion,
        home / dispersion,
        away / dispersion,
    )
