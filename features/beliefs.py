"""A club's attack and defence as a Gaussian belief: how it blurs with time and sharpens with a result.

Arithmetic only, element by element over n matches; what comes in pairs has the
home side in its first row and the away side in its second. Attack and defence
are in log goals: a side's log expected goals are its attack minus the other's
defence, plus what the competition gives. A result moves all four numbers of
both clubs at once, by a Laplace step: the mode of the posterior and its
curvature there. After Fahrmeir (1992), "Posterior mode estimation by extended
Kalman filtering for multivariate dynamic generalized linear models".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from features.batch import Array, Flags

NEWTON_STEPS: Final = 5
HALVES: Final = np.array([[0.5], [-0.5]])  # of a home advantage: the home side's gain, the away side's loss


@dataclass(frozen=True, slots=True)
class Belief:
    """Hold attack and defence of both clubs of n matches, with variances and covariance. Shape (2, n) each.

    Attributes:
        attack, defence: Means in log goals, 0 for the average of all clubs; more is better for both.
        attack_variance, defence_variance, covariance: Squared log goals.
    """

    attack: Array
    defence: Array
    attack_variance: Array
    defence_variance: Array
    covariance: Array

    def blurred(self, variance: Array, correlation: float) -> Self:
        """Return the belief after so much drift, of which a share moves attack and defence alike.

        Args:
            variance: Added to the variances of attack and of defence.
            correlation: Of the two drifts, -1 to 1.
        """
        return type(self)(
            self.attack,
            self.defence,
            self.attack_variance + variance,
            self.defence_variance + variance,
            self.covariance + correlation * variance,
        )

    def replaced(self, which: Flags, other: Self) -> Self:
        """Return the belief with some of the clubs taken from another one. Shapes broadcast to (2, n)."""
        return type(self)(*(np.where(which, getattr(other, n), getattr(self, n)) for n in self.__slots__))


@dataclass(frozen=True, slots=True)
class Expectation:
    """Hold what the beliefs in both clubs say of n matches: log expected goals and how sure that is.

    Attributes:
        mean: Of the log expected goals. Shape (2, n).
        variance: The competition's own doubt included. Shape (2, n).
        covariance: Of the home side's and the away side's. Shape (n,).
    """

    mean: Array
    variance: Array
    covariance: Array


@dataclass(frozen=True, slots=True)
class Surprise:
    """Hold what results say against expectations.

    Attributes:
        slope: Of the log-likelihood in each side's log expected goals, at the posterior mode. Shape (2, n).
        weight: Diagonal of the information matrix that comes with it, (W^-1 + V)^-1 with W the curvature of the
            likelihood and V the expectation's covariance matrix. Shape (2, n).
        cross_weight: Its off-diagonal. Shape (n,).
    """

    slope: Array
    weight: Array
    cross_weight: Array


def expect(sides: Belief, goals: Array, home_advantage: Array) -> Expectation:
    """Return what to expect of clubs whose strengths are known apart from each other.

    Args:
        goals: Log goals of a side of average strength. Shape (n,).
        home_advantage: Log goals; half is the home side's gain, half the away side's loss. Shape (n,).

    >>> two = Belief(*(np.array([[x], [x]]) for x in (0.2, 0.1, 0.04, 0.03, 0.02)))
    >>> expected = expect(two, goals=np.array([0.3]), home_advantage=np.array([0.2]))
    >>> expected.mean.round(3).tolist(), expected.variance.round(3).tolist(), expected.covariance.tolist()
    ([[0.5], [0.3]], [[0.07], [0.07]], [-0.04])
    """
    return Expectation(
        goals + HALVES * home_advantage + sides.attack - sides.defence[::-1],
        sides.attack_variance + sides.defence_variance[::-1],
        # A club strong in both scores more and concedes less: the two sides' goals part.
        -(sides.covariance[0] + sides.covariance[1]),
    )


def surprise(expected: Expectation, scored: Array, dispersion: Array) -> Surprise:
    """Return what scores say, taken as Poisson counts whose variance is so many times the mean.

    Args:
        scored: Goals of both sides; need not be whole, where expected goals are mixed in. Shape (2, n).
        dispersion: Above 1, a score says less than a Poisson count would; below 1, more. Shape (n,).

    >>> sure = Expectation(np.zeros((2, 1)), np.zeros((2, 1)), np.zeros(1))  # one goal each, beyond doubt
    >>> told = surprise(sure, np.array([[3.0], [1.0]]), np.array([2.0]))
    >>> told.slope.tolist()  # (3 - 1) / 2 and (1 - 1) / 2
    [[1.0], [0.0]]
    """
    variance, covariance = expected.variance / dispersion, expected.covariance / dispersion
    # From the right of the mode Newton cannot overshoot; from below, a great surprise would throw it out of sight.
    shift = np.log(np.maximum(scored, np.exp(expected.mean))) - expected.mean
    for _ in range(NEWTON_STEPS):
        goals = np.exp(expected.mean + shift)
        # The mode solves shift = V slope(shift); its Jacobian is 1 + V W. Slope and W are divided by the dispersion.
        above = scored - goals
        miss = shift - variance * above - covariance * above[::-1]
        diagonal, across = 1.0 + variance * goals, covariance * goals[::-1]
        determinant = diagonal[0] * diagonal[1] - across[0] * across[1]
        shift = shift - (diagonal[::-1] * miss - across * miss[::-1]) / determinant
    goals = np.exp(expected.mean + shift)
    total = dispersion / goals + expected.variance
    determinant = total[0] * total[1] - expected.covariance**2
    return Surprise((scored - goals) / dispersion, total[::-1] / determinant, -expected.covariance / determinant)


def learned(sides: Belief, told: Surprise) -> Belief:
    """Return what both clubs are believed to be after the match.

    >>> before = Belief(*(np.full((2, 1), x) for x in (0.0, 0.0, 0.1, 0.1, 0.0)))
    >>> expected = expect(before, goals=np.array([0.0]), home_advantage=np.array([0.0]))
    >>> after = learned(before, surprise(expected, np.array([[3.0], [1.0]]), np.array([1.0])))
    >>> (after.attack > 0).tolist(), (after.defence.round(6) < 0).tolist()  # three goals to one where one each was due
    ([[True], [False]], [[False], [True]])
    >>> bool((after.attack_variance < before.attack_variance).all())
    True
    """
    # Own goals bear on the attack, the other side's on the defence, with the sign turned round.
    own, other = told.slope, told.slope[::-1]
    own_weight, other_weight, cross = told.weight, told.weight[::-1], told.cross_weight
    a, d, c = sides.attack_variance, sides.defence_variance, sides.covariance
    # One row of weights times the covariance of (attack, -defence) with (own goals, the other's goals).
    attack_own, attack_other = own_weight * a - cross * c, cross * a - other_weight * c
    defence_own, defence_other = own_weight * c - cross * d, cross * c - other_weight * d
    return Belief(
        sides.attack + a * own - c * other,
        sides.defence + c * own - d * other,
        a - (attack_own * a - attack_other * c),
        d - (defence_own * c - defence_other * d),
        c - (attack_own * c - attack_other * d),
    )
