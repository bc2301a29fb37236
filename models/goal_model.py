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
from models.score_grid import low_score_factors, outcome_proba_of_goals, score_grid

FEATURES: Final = ("chances_expected_home", "chances_expected_away", "elo_difference")

# Intercept, log own and log opposing expected goals of the features, own Elo lead / 400: trust the features as they are.
_PRIOR_MEAN: Final = np.array([0.0, 1.0, 0.0, 0.0])
_BOUNDS: Final = ((-5.0, 5.0),) * 4
_ELO_SCALE: Final = 400.0
_SIDES: Final = np.array([1.0, -1.0])  # of the lead: home, away
_RHO_BOUND: Final = 0.2
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
        from scipy.optimize import minimize  # noqa: PLC0415 - only fitting needs it: 22 MB of a process that serves

        played = played_rows(self.name, matches)
        values = features.select(FEATURES).values[played]
        self.usual = known_medians(values, _USUAL)
        home_goals, away_goals = matches.home_goals[played], matches.away_goals[played]
        design = self._design(values)
        self.coefficients = minimize(
            negative_log_posterior,
            _PRIOR_MEAN,
            args=(design, np.concatenate([home_goals, away_goals]), self.ridge),
            jac=True,
            method="L-BFGS-B",
            bounds=_BOUNDS,
            options={"ftol": 1e-13, "gtol": 1e-9},
        ).x
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
        """Return the regressors of all home sides, then of all away sides. Shape (2 n, 4)."""
        goals, lead = self._regressors(values)
        one = np.ones((len(values), 1))
        return np.vstack([np.hstack([one, goals, lead]), np.hstack([one, goals[:, ::-1], -lead])])

    def _regressors(self, values: Array) -> tuple[Array, Array]:
        """Return the log expected goals of both sides, shape (n, 2), and the home side's Elo lead / 400, shape (n, 1)."""
        values = np.where(np.isfinite(values), values, np.asarray(self.usual))
        return np.log(within_reason(values[:, :2])), values[:, 2:] / _ELO_SCALE


def within_reason(expected: Array) -> Array:
    """Return expected goals kept within bounds; ``np.clip`` takes twice as long for a few rows."""
    bounded: Array = np.minimum(np.maximum(expected, _FEWEST_EXPECTED), _MOST_EXPECTED)
    return bounded


def negative_log_posterior(coefficients: Array, design: Array, goals: Array, ridge: float) -> tuple[float, Array]:
    """Return minus the Poisson log-likelihood plus the ridge, a row, and its gradient. Log factorials are left out.

    Args:
        coefficients: Shape (4,).
        design: Shape (n, 4).
        goals: Shape (n,).
        ridge: Precision of the coefficients around their prior mean.
    """
    log_expected = (design * coefficients).sum(axis=1)
    expected = np.exp(log_expected)
    deviation = coefficients - _PRIOR_MEAN
    value = (expected - goals * log_expected).sum() + 0.5 * ridge * (deviation**2).sum()
    gradient = (design * (expected - goals)[:, None]).sum(axis=0) + ridge * deviation
    return float(value) / len(goals), gradient / len(goals)


def fit_rho(home_expected: Array, away_expected: Array, home_goals: Array, away_goals: Array) -> float:
    """Return the rho within +-0.2 that makes the low scores most likely, given the expected goals; shapes (n,)."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - only fitting needs it: 22 MB of a process that serves

    is_low = (home_goals <= 1) & (away_goals <= 1)
    if not is_low.any():
        return 0.0
    home, away = home_expected[is_low], away_expected[is_low]
    rows = np.arange(len(home))
    scores = home_goals[is_low].astype(np.intp), away_goals[is_low].astype(np.intp)

    def negative_log_likelihood(rho: float) -> float:
        factors = low_score_factors(home, away, rho)[rows, scores[0], scores[1]]
        return -float(np.log(np.maximum(factors, 1e-9)).sum())

    bounds = (-_RHO_BOUND, _RHO_BOUND)
    return float(minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded").x)
