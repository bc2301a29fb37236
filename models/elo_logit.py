"""The baseline that knows only venue and difference in Elo: an ordered logit with one slope and cut points of its own at home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from features.frame import FeatureFrame
from features.matches import MatchTable
from models.errors import NotFitted
from models.estimator import Array, played_rows, strictly_positive

FEATURE: Final = "elo_difference"
# One unit of the predictor is a factor of ten in Elo's own odds.
_ELO_SCALE: Final = 400.0
_START: Final = (0.0, 0.2, 1.5)
# Far outside what football shows; they keep a sample with one kind of result from running away to infinity.
_BOUNDS: Final = ((-20.0, 20.0), (-10.0, 4.0), (-20.0, 20.0))
# On which side of each cut an outcome (home, draw, away) lies: +1 below it, -1 above it, 0 where it does not matter.
_SIDE_OF_LOWER: Final = np.array([0.0, -1.0, 1.0])
_SIDE_OF_UPPER: Final = np.array([-1.0, 1.0, 0.0])


@dataclass
class EloLogit:
    """Predict from ``elo_difference`` with proportional odds.

    With x the difference divided by 400, P(home win) = logistic(slope x + edge - gap / 2) and
    P(away win) = logistic(-slope x - edge - gap / 2); the draw is the rest. ``gap = exp(log_gap)`` keeps it positive.
    The edge is what being at home is worth beyond what the difference has of it, and 0 at a neutral venue: there the
    answer for the swapped match is the mirrored answer. A difference that is not known (NaN) is taken to be the mean
    of the training matches.

    Attributes:
        parameters: edge, log_gap, slope, shape (3,); None until fitted.
        usual_difference: Mean difference of the training matches, in Elo points.

    Source: McCullagh (1980), "Regression models for ordinal data".
    """

    name: str = "elo_logit"
    parameters: Array | None = None
    usual_difference: float = 0.0

    def fit(self, matches: MatchTable, features: FeatureFrame) -> Self:
        """Maximise the likelihood of the results. Raises NothingToLearn."""
        played = played_rows(self.name, matches)
        difference = features.column(FEATURE)[played]
        known = difference[np.isfinite(difference)]
        self.usual_difference = float(known.mean()) if len(known) else 0.0
        self.parameters = minimize(
            negative_log_likelihood,
            _START,
            args=(self._predictor(difference), _at_home(matches)[played], matches.outcome[played]),
            jac=True,
            method="L-BFGS-B",
            bounds=_BOUNDS,
            options={"ftol": 1e-13, "gtol": 1e-9},
        ).x
        return self

    def predict_proba(self, matches: MatchTable, features: FeatureFrame) -> Array:
        """Return the probabilities at each match's venue and difference, shape (n, 3). Raises NotFitted."""
        if self.parameters is None:
            raise NotFitted(self.name)
        edge, log_gap, slope = self.parameters
        lead = slope * self._predictor(features.column(FEATURE)) + edge * _at_home(matches)
        below, above = -0.5 * np.exp(log_gap) - lead, 0.5 * np.exp(log_gap) - lead
        draw = expit(above) * expit(-below) * -np.expm1(-np.exp(log_gap))
        return strictly_positive(np.column_stack([expit(-above), draw, expit(below)]))

    def _predictor(self, difference: Array) -> Array:
        return np.where(np.isfinite(difference), difference, self.usual_difference) / _ELO_SCALE


def _at_home(matches: MatchTable) -> Array:
    return np.where(matches.neutral, 0.0, 1.0)


def negative_log_likelihood(
    parameters: Array, predictor: Array, at_home: Array, outcome: NDArray[np.int64]
) -> tuple[float, Array]:
    """Return the mean negative log-likelihood (nats a match) and its gradient in edge, log_gap and slope.

    Rests on logistic(above) - logistic(below) = logistic(above) logistic(-below) (1 - exp(below - above)), which
    does not cancel.

    Args:
        parameters: edge, log_gap, slope. Shape (3,).
        predictor: Elo difference / 400. Shape (n,).
        at_home: 1.0, or 0.0 at a neutral venue. Shape (n,).
        outcome: 0 home, 1 draw, 2 away. Shape (n,).
    """
    edge, log_gap, slope = parameters
    gap = np.exp(log_gap)
    lead = slope * predictor + edge * at_home
    below, above = -0.5 * gap - lead, 0.5 * gap - lead
    side_of_lower, side_of_upper = _SIDE_OF_LOWER[outcome], _SIDE_OF_UPPER[outcome]
    draws = np.count_nonzero(outcome == 1)
    log_likelihood = draws * np.log(-np.expm1(-gap)) - (
        (np.abs(side_of_lower) * np.logaddexp(0.0, -side_of_lower * below)).sum()
        + (np.abs(side_of_upper) * np.logaddexp(0.0, -side_of_upper * above)).sum()
    )
    in_below = side_of_lower * expit(-side_of_lower * below)
    in_above = side_of_upper * expit(-side_of_upper * above)
    in_both = in_below + in_above
    in_gap = 0.5 * (in_above.sum() - in_below.sum()) + draws / np.expm1(gap)
    gradient = [-(in_both * at_home).sum(), gap * in_gap, -(in_both * predictor).sum()]
    return -log_likelihood / len(outcome), -np.array(gradient) / len(outcome)
