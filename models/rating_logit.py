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
_DRAWS: Final = FEATURES.index("draw_rate")
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
        return strictly_positive(softmax(self.log_odds(features)))

    def log_odds(self, features: FeatureFrame) -> Array:
        """Return the log-odds of home win and away win against a draw, the draw's being 0. Shape (n, 3). Raises NotFitted."""
        if self.coefficients is None:
            raise NotFitted(self.name)
        # The design times the coefficients, written out: a request has a few rows, and stacking them costs more.
        at_home, by_ratio, level, by_square, by_total, by_draws = self.coefficients
        home, ratio, total, draws = self._regressors(features.select(FEATURES).values)
        tilt = at_home * home + by_ratio * ratio
        level = level + by_square * (ratio * ratio) + by_total * total + by_draws * draws
        log_odds = np.zeros((len(features), 3))
        log_odds[:, 0], log_odds[:, 2] = level + tilt, level - tilt
        return log_odds

    def at_home(self, features: FeatureFrame) -> Array:
        """Return 1.0 at home and 0.0 at a neutral venue, what is usual where that is not known. Shape (n,). Raises NotFitted."""
        if self.usual is None:
            raise NotFitted(self.name)
        neutral = features.column(FEATURES[_NEUTRAL])
        return 1.0 - np.where(np.isfinite(neutral), neutral, self.usual[_NEUTRAL])

    def _design(self, values: Array) -> tuple[Array, Array]:
        """Return the tilts, shape (n, 2), and the levels, shape (n, 4)."""
        home, ratio, total, draws = self._regressors(values)
        return np.stack([home, ratio], axis=1), np.stack([np.ones(len(values)), ratio * ratio, total, draws], axis=1)

    def _regressors(self, values: Array) -> tuple[Array, Array, Array, Array]:
        """Return at home, log ratio and log product of the expected goals, and draws above the usual rate. Shapes (n,)."""
        values = np.where(np.isfinite(values), values, np.asarray(self.usual))
        goals = np.log(within_reason(values[:, :2]))
        home, away = goals[:, 0], goals[:, 1]
        return 1.0 - values[:, _NEUTRAL], home - away, home + away, values[:, _DRAWS] - _USUAL_DRAWS


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
