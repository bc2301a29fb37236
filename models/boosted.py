"""Gradient-boosted trees that correct the rating logit.

XGBoost ``multi:softprob`` on all features, started from the rating logit's
log-probabilities. The trees learn only what the logit misses, which keeps a
good forecast where matches are few.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from features.frame import FeatureFrame
from features.matches import MatchTable
from features.mirror import mirrored, partners
from features.registry import in_order
from models.boosted_trees import SIZES, BoostedTrees
from models.conditional_logit import log_softmax, softmax
from models.errors import NotFitted
from models.estimator import Array, played_rows, strictly_positive
from models.rating_logit import RatingLogit
from models.rounds import ROUNDS_WITHOUT_STOPPING, later_window

OUTCOMES: Final = 3
NEUTRAL: Final = "neutral_venue"


def default_parameters() -> dict[str, Any]:
    """Return XGBoost's parameters."""
    return {"objective": "multi:softprob", "num_class": OUTCOMES, **SIZES}


@dataclass
class BoostedOutcome(BoostedTrees):
    """Predict outcomes with boosted trees on top of the rating logit.

    Attributes:
        logit: Gives the margin to start from; every fit makes a new one with the same ridge.
    """

    outputs: ClassVar[int] = OUTCOMES

    parameters: dict[str, Any] = field(default_factory=default_parameters)
    name: str = "xgboost"
    logit: RatingLogit = field(default_factory=RatingLogit)

    def fit(self, matches: MatchTable, features: FeatureFrame) -> Self:
        """Choose the number of rounds on the latest window, then fit on everything. Raises NothingToLearn."""
        played = played_rows(self.name, matches)
        self.names = in_order(features.names)
        matches, features = matches.take(played), features.take(played).select(self.names)
        self.rounds = self.fixed_rounds or self.choose_rounds(matches, features)
        self.logit = self._new_logit().fit(matches, features)
        self._train(self._matrix(self.logit, matches, features))
        return self

    def predict_proba(self, matches: MatchTable, features: FeatureFrame) -> Array:  # noqa: ARG002 - the contract passes both
        """Return home, draw and away probabilities, shape (n, 3). Raises NotFitted."""
        if self.booster is None:
            raise NotFitted(self.name)
        return strictly_positive(softmax(self.log_odds(features, log_softmax(self.logit.log_odds(features)))))

    def log_odds(self, features: FeatureFrame, start: Array) -> Array:
        """Return what the trees make of the logit's log-probabilities. Shapes (n, f) and (n, 3) to (n, 3). Raises NotFitted.

        Trees do not know that a match at a neutral venue has no first side: there they are asked both ways round,
        and the mean of the log-odds counts.
        """
        frame, margin = features.select(self.names), start.astype(np.float32)
        log_odds = self.margins(frame.values, margin).astype(np.float64)
        neutral = self._neutral(frame)
        if len(neutral):
            turned = self.margins(mirrored(frame.take(neutral)).values, margin[neutral, ::-1])[:, ::-1]
            log_odds[neutral] = 0.5 * (log_odds[neutral] + turned)
        return log_odds

    def _neutral(self, frame: FeatureFrame) -> NDArray[np.intp]:
        return np.flatnonzero(frame.column(NEUTRAL) > 0.0)

    def contributions(self, features: FeatureFrame) -> tuple[Array, Array]:
        """Return how far each feature moved each outcome's log-odds by the trees, and where the trees start from.

        Exact TreeSHAP (Lundberg et al. 2018). Both together are the log-odds less those of the logit. Shapes
        (n, f, 3) in the order of ``names`` and (n, 3). Raises NotFitted.
        """
        frame = features.select(self.names)
        moved = self._shap(frame.values)
        neutral = self._neutral(frame)
        if len(neutral):  # as in log_odds: half of it is said by the match turned round
            places = [*partners(self.names), -1]
            turned = self._shap(mirrored(frame.take(neutral)).values)[:, places, ::-1]
            moved[neutral] = 0.5 * (moved[neutral] + turned)
        return moved[:, :-1], moved[:, -1]

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the trees' total gain, highest first; features never used are left out."""
        scores = self._fitted().get_score(importance_type="total_gain")
        gains = {name: _number(gain) for name, gain in scores.items()}
        total = sum(gains.values()) or 1.0
        return {name: gain / total for name, gain in sorted(gains.items(), key=lambda item: -item[1])}

    def choose_rounds(self, matches: MatchTable, features: FeatureFrame) -> int:
        """Return the number of rounds that is best on the later window of the matches, all of them played."""
        later = later_window(matches.day, self.validation_days)
        if later is None:
            return ROUNDS_WITHOUT_STOPPING
        logit = self._new_logit().fit(matches.take(~later), features.take(~later))
        earlier, after = (self._matrix(logit, matches.take(rows), features.take(rows)) for rows in (~later, later))
        return self._best_rounds(earlier, after)

    def _new_logit(self) -> RatingLogit:
        return RatingLogit(ridge=self.logit.ridge)

    def _matrix(self, logit: RatingLogit, matches: MatchTable, features: FeatureFrame) -> xgboost.DMatrix:
        return xgboost.DMatrix(
            features.values,
            label=matches.outcome,
            base_margin=log_softmax(logit.log_odds(features)).astype(np.float32),
            feature_names=list(features.names),
        )


def _number(gain: float | list[float]) -> float:
    return sum(gain) if isinstance(gain, list) else gain
