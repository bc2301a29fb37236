"""A multinomial logit on expected goals that sees both sides alike: what the score grid says, relearned from results.

The score grid knows how goals fall; this model asks only how often home wins, draws and away wins followed. Two
views of the same strengths err differently, and their pool is better than either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from features.frame import FeatureFrame
from features.matches import MatchTable
from models.conditional_logit import softmax
from models.errors import NotFitted
from models.estimator import Array, known_medians, played_rows, strictly_positive
from models.goal_model import within_reason
from models.newton import Here, highest_point

FEATURES: Final = ("chances_expected_home", "chances_expected_away", "draw_rate", "neutral_venue")
_NEUTRAL: Final = FEATURES.index("neutral_venue")
_TILTS: Final = 2  # at home, log ratio of expected goals
_LEVELS: Final = 4  # one, square of the log ratio, log product, draw rate
_USUAL_DRAWS: Final = 0.26
_USUAL: Final = (1.3, 1.3, _USUAL_DRAWS, 0.0)  # of FEATURES, where not one match tells


@dataclass
class RatingLogit:
    """Predict outcomes from expected goals, the venue and the competition's draws.

    The log-odds of a home win against a draw are level + tilt, those of an away win level - tilt. Tilts change their
    sign when the sides change places, levels do not: so at a neutral venue the answer for the swapped match is the
    mirrored answer, whatever was learned. A value that is not known (NaN) is replaced by the training median.

    Attributes:
        ridge: Precision of the prior that draws the coefficients to zero.
        coefficients: Of at home, log ratio; of one, squared log ratio, log product, draw rate. Shape (6,).
        usual: Median of each of FEATURES in training. Shape (4,).
    """

    ridge: float = 5.0
    name: str = "rating_logit"
    coefficients: Array | None = None
    usual: Array | None = None

    def fit(self, matches: MatchTable, features: FeatureFrame) -> Self:
        """Maximise the penalised likelihood of the results by Newton's method. Raises NothingToLearn."""
        played = played_rows(self.name, matches)
        values = features.select(FEATURES).values[played]
        self.usual = known_medians(values, _USUAL)
        tilts, levels = self._design(values)
        self.coefficients = fit_symmetric_logit(tilts, levels, matches.outcome[played], ridge=self.ridge)
        return self

    def predict_proba(self, matches: MatchTable, features: FeatureFrame) -> Array:  # noqa: ARG002 - the contract's signature
        """Return home, draw and away probabilities, shape (n, 3). Raises NotFitted."""
        return self.outcome_proba(features)

    def outcome_proba(self, features: FeatureFrame) -> Array:
        """Return home, draw and away probabilities, shape (n, 3). Raises NotFitted."""
        if self.coefficients is None:
            raise NotFitted(self.name)
        tilts, levels = self._design(features.select(FEATURES).values)
        tilt = (tilts * self.coefficients[:_TILTS]).sum(axis=1)
        level = (levels * self.coefficients[_TILTS:]).sum(axis=1)
        log_odds = np.zeros((len(features), 3))
        log_odds[:, 0], log_odds[:, 2] = level + tilt, level - tilt
        return strictly_positive(softmax(log_odds))

    def at_home(self, features: FeatureFrame) -> Array:
        """Return 1.0 at home and 0.0 at a neutral venue, what is usual where that is not known. Shape (n,). Raises NotFitted."""
        if self.usual is None:
            raise NotFitted(self.name)
        neutral = features.column(FEATURES[_NEUTRAL])
        return 1.0 - np.where(np.isfinite(neutral), neutral, self.usual[_NEUTRAL])

    def _design(self, values: Array) -> tuple[Array, Array]:
        """Return the tilts, shape (n, 2), and the levels, shape (n, 4)."""
        values = np.where(np.isfinite(values), values, np.asarray(self.usual))
        goals = np.log(within_reason(values[:, :2]))
        ratio = goals[:, 0] - goals[:, 1]
        tilts, levels = np.empty((len(values), _TILTS)), np.empty((len(values), _LEVELS))
        tilts[:, 0], tilts[:, 1] = 1.0 - values[:, 3], ratio
        levels[:, 0], levels[:, 1] = 1.0, ratio * ratio
        levels[:, 2], levels[:, 3] = goals[:, 0] + goals[:, 1], values[:, 2] - _USUAL_DRAWS
        return tilts, levels


def fit_symmetric_logit(tilts: Array, levels: Array, outcome: NDArray[np.int64], *, ridge: float) -> Array:
    """Return the coefficients of tilts and levels that make the results most likely, with a ridge towards zero.

    Args:
        tilts: Shape (n, a); regressors that change sign when the sides change places.
        levels: Shape (n, b); regressors that do not.
        outcome: 0 home, 1 draw, 2 away. Shape (n,).
        ridge: Precision of the prior of each coefficient, above zero.

    Returns:
        Shape (a + b,): what ``fit_conditional_logit`` finds for regressors (tilts, levels), 0 and (-tilts, levels), from a
        third of the numbers.

    >>> even = np.zeros((4, 1)), np.ones((4, 1))
    >>> float(fit_symmetric_logit(*even, np.array([0, 1, 1, 2]), ridge=1e-9)[1].round(6))  # log of 1/4 over 1/2
    -0.693147
    """
    tilts, levels = np.ascontiguousarray(tilts.T), np.ascontiguousarray(levels.T)
    count = len(tilts)
    won, decided = 1.0 - outcome, np.abs(1.0 - outcome)  # +1 home, 0 draw, -1 away; 1 for either win
    chosen = np.concatenate([tilts @ won, levels @ decided])

    def look(coefficients: Array) -> Here:
        tilt, level = coefficients[:count] @ tilts, coefficients[count:] @ levels
        with np.errstate(over="ignore"):  # a step too far, which will be halved
            home, away = np.exp(level + tilt), np.exp(level - tilt)
        value = chosen @ coefficients - np.log1p(home + away).sum() - 0.5 * ridge * (coefficients @ coefficients)
        return float(value), lambda: step(home, away, chosen - ridge * coefficients)

    def step(home: Array, away: Array, slope: Array) -> Array:
        draw = 1.0 / (1.0 + home + away)
        lead, win = (home - away) * draw, (home + away) * draw
        # Variances of +1 home, -1 away and of 1 for either win, and their covariance.
        of_both = tilts * (lead * draw) @ levels.T
        of_tilts, of_levels = tilts * (win - lead * lead) @ tilts.T, levels * (win * draw) @ levels.T
        curvature = np.block([[of_tilts, of_both], [of_both.T, of_levels]]) + ridge * np.eye(len(slope))
        found: Array = np.linalg.solve(curvature, slope - np.concatenate([tilts @ lead, levels @ win]))
        return found

    return highest_point(look, np.zeros(len(chosen)))
