"""Expected goals from features, and with them the score grid that is served.

One Poisson regression speaks for both sides: it sees each match twice, once from the home side and once from the
away side, so that swapping the sides of the features swaps the answer. Home advantage comes in with the features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from features.frame import FeatureFrame
from features.matches import MatchTable
from models.errors import NotFitted
from models.estimator import Array, known_medians, played_rows
from models.newton import Here, highest_point
from models.score_grid import low_score_lean, outcome_proba_of_goals, score_grid

FEATURES: Final = ("chances_expected_home", "chances_expected_away", "elo_difference")

# Intercept, log own and log opposing expected goals of the features, own Elo lead / 400: trust the features as they are.
_PRIOR_MEAN: Final = np.array([0.0, 1.0, 0.0, 0.0])
_ELO_SCALE: Final = 400.0
_SIDES: Final = np.array([1.0, -1.0])  # of the lead: home, away
_RHO_BOUND: Final = 0.2
_RHO_TOLERANCE: Final = 1e-14
_SMALLEST_FACTOR: Final = 1e-9  # on a low score; the real ones lie far above
_USUAL: Final = (1.0, 1.0, 0.0)  # of FEATURES, where not one match tells
_FEWEST_EXPECTED: Final = 0.05
_MOST_EXPECTED: Final = 10.0


@dataclass
class GoalModel:
    """Predict home and away goals from ``chances_expected_home``, ``chances_expected_away`` and ``elo_difference``.

    A value that is not known (NaN) is replaced by the median of the training matches. Expected goals are kept within
    0.05 and 10 a side.

    Attributes:
        ridge: Precision of the prior that draws the coefficients to "the features' expected goals are right".
        coefficients: Intercept, log own goals, log opposing goals, own Elo lead / 400. Shape (4,); None until fitted.
        usual: Median of each of FEATURES in training. Shape (3,).
        rho: Dependence of low scores.
    """

    ridge: float = 10.0
    name: str = "goal_model"
    coefficients: Array | None = None
    usual: Array | None = None
    rho: float = 0.0

    def fit(self, matches: MatchTable, features: FeatureFrame) -> Self:
        """Maximise the likelihood of the goals, then that of rho given them. Raises NothingToLearn."""
        played = played_rows(self.name, matches)
        values = features.select(FEATURES).values[played]
        self.usual = known_medians(values, _USUAL)
        home_goals, away_goals = matches.home_goals[played], matches.away_goals[played]
        goals = np.concatenate([home_goals, away_goals])
        self.coefficients = fit_goals(self._design(values), goals, prior=_PRIOR_MEAN, ridge=self.ridge)
        expected = self._expected(values)
        self.rho = fit_rho(expected[:, 0], expected[:, 1], home_goals, away_goals)
        return self

    def expected_goals(self, features: FeatureFrame) -> Array:
        """Return the expected home and away goals, shape (n, 2). Raises NotFitted."""
        return self._expected(features.select(FEATURES).values)

    def grid(self, features: FeatureFrame) -> Array:
        """Return the score grids, shape (n, SIZE, SIZE). Raises NotFitted."""
        expected = self.expected_goals(features)
        return score_grid(expected[:, 0], expected[:, 1], self.rho)

    def outcome_proba(self, features: FeatureFrame) -> Array:
        """Return what the grids say of home win, draw and away win, shape (n, 3), for any number of matches.

        Raises NotFitted.
        """
        expected = self.expected_goals(features)
        return outcome_proba_of_goals(expected[:, 0], expected[:, 1], self.rho)

    def _expected(self, values: Array) -> Array:
        if self.coefficients is None:
            raise NotFitted(self.name)
        # The design times the coefficients, written out: a request has a few rows, and stacking them costs more.
        intercept, own, opposing, elo = self.coefficients
        goals, lead = self._regressors(values)
        log_expected = intercept + own * goals + opposing * goals[:, ::-1] + lead * (elo * _SIDES)
        return within_reason(np.exp(log_expected))

    def _design(self, values: Array) -> Array:
        """Return the regressors of all home sides, then of all away sides. Shape (4, 2 n)."""
        goals, lead = self._regressors(values)
        design = np.ones((len(_PRIOR_MEAN), 2, len(values)))
        design[1:3, 0], design[1:3, 1] = goals.T, goals.T[::-1]
        design[3, 0], design[3, 1] = lead[:, 0], -lead[:, 0]
        return design.reshape(len(design), -1)

    def _regressors(self, values: Array) -> tuple[Array, Array]:
        """Return the log expected goals of both sides, shape (n, 2), and the home side's Elo lead / 400, shape (n, 1)."""
        values = np.where(np.isfinite(values), values, np.asarray(self.usual))
        return np.log(within_reason(values[:, :2])), values[:, 2:] / _ELO_SCALE


def within_reason(expected: Array) -> Array:
    """Return expected goals kept within bounds; ``np.clip`` takes twice as long for a few rows."""
    bounded: Array = np.minimum(np.maximum(expected, _FEWEST_EXPECTED), _MOST_EXPECTED)
    return bounded


def fit_goals(design: Array, goals: Array, *, prior: Array, ridge: float) -> Array:
    """Return the coefficients of log expected goals that make the goals most likely, by Newton's method.

    Args:
        design: Shape (c, n); one row a regressor.
        goals: Drawn from Poisson distributions with means exp(coefficients @ design). Shape (n,).
        prior: Mean of each coefficient. Shape (c,).
        ridge: Precision (1 / variance) of the coefficients around it, above zero.

    Source: McCullagh & Nelder (1989), "Generalized linear models", section 2.5.

    >>> float(fit_goals(np.ones((1, 4)), np.array([1.0, 1.0, 2.0, 4.0]), prior=np.zeros(1), ridge=1e-9).round(6)[0])
    0.693147
    """
    weighted_goals = design @ goals

    def look(coefficients: Array) -> Here:
        with np.errstate(over="ignore"):  # a step too far, which will be halved
            expected = np.exp(coefficients @ design)
        deviation = coefficients - prior
        value = weighted_goals @ coefficients - expected.sum() - 0.5 * ridge * (deviation @ deviation)
        return float(value), lambda: step(expected, deviation)

    def step(expected: Array, deviation: Array) -> Array:
        curvature = design * expected @ design.T + ridge * np.eye(len(prior))
        slope = weighted_goals - design @ expected - ridge * deviation
        return np.asarray(np.linalg.solve(curvature, slope), dtype=np.float64)

    return highest_point(look, prior)


def fit_rho(home_expected: Array, away_expected: Array, home_goals: Array, away_goals: Array) -> float:
    """Return the rho within +-0.2 that makes the low scores most likely, given the expected goals; shapes (n,)."""
    from scipy.optimize import brentq  # noqa: PLC0415 - only fitting needs it: 22 MB of a process that serves

    lean = low_score_lean(home_expected, away_expected, home_goals, away_goals)
    lean = lean[lean != 0.0]
    if not len(lean):
        return 0.0

    def slope(rho: float) -> float:
        return float((lean / np.maximum(1.0 + rho * lean, _SMALLEST_FACTOR)).sum())

    # The likelihood is concave, so its slope falls: a slope without a root has its top at one end.
    at_ends = slope(-_RHO_BOUND), slope(_RHO_BOUND)
    if at_ends[0] > 0.0 > at_ends[1]:
        return float(brentq(slope, -_RHO_BOUND, _RHO_BOUND, xtol=_RHO_TOLERANCE))
    return _RHO_BOUND if at_ends[1] >= 0.0 else -_RHO_BOUND
