"""Gradient-boosted trees that correct the rating logit.

XGBoost ``multi:softprob`` on all features, started from the rating logit's
log-probabilities. The trees learn only what the logit misses, which keeps a
good forecast where matches are few.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from features.frame import FeatureFrame
from features.matches import MatchTable
from features.mirror import mirrored, partners
from features.registry import in_order
from models.conditional_logit import log_softmax, softmax
from models.errors import NotFitted
from models.estimator import Array, played_rows, strictly_positive
from models.forest import Forest
from models.rating_logit import RatingLogit
from models.rounds import ROUNDS_WITHOUT_STOPPING, best_rounds, later_window

OUTCOMES: Final = 3
MOST_COMPILED_ROWS: Final = 64  # with more rows XGBoost itself is as fast; both give the same bits
NEUTRAL: Final = "neutral_venue"


def default_parameters() -> dict[str, Any]:
    """Return XGBoost's parameters, chosen on matches of 2014-2018 only."""
    return {
        "objective": "multi:softprob",
        "num_class": OUTCOMES,
        "tree_method": "hist",
        "max_depth": 3,
        "eta": 0.1,
        "min_child_weight": 100.0,
        "reg_lambda": 20.0,
        "subsample": 0.6,
        "colsample_bytree": 0.3,
    }


@dataclass
class BoostedOutcome:
    """Predict outcomes with boosted trees on top of the rating logit.

    Attributes:
        seed: Of the row and column samples; the same seed, data and threads give the same bits.
        threads: Of training. Prediction uses one.
        validation_days: Length of the later window that stops the boosting, longer where it would hold less than a
            tenth of the matches; the model is then refitted on all days.
        patience: Rounds without improvement after which boosting stops.
        fixed_rounds: Boosting rounds to fit, where they were chosen already; 0 chooses them on the later window.
        names: Columns the trees see, in order; empty until fitted.
        logit: Gives the margin to start from; every fit makes a new one with the same ridge.
        booster: The trees; None until fitted, or while it travels in a file of its own.
        rounds: Boosting rounds of the final fit.
        trees: The booster compiled, for few rows at a time; None until ``compile``.
    """

    seed: int = 0
    threads: int = 1
    validation_days: int = 365
    most_rounds: int = 100
    patience: int = 10
    fixed_rounds: int = 0
    parameters: dict[str, Any] = field(default_factory=default_parameters)
    name: str = "xgboost"
    names: tuple[str, ...] = ()
    logit: RatingLogit = field(default_factory=RatingLogit)
    booster: xgboost.Booster | None = None
    rounds: int = 0
    trees: Forest | None = field(default=None, repr=False, compare=False)

    def fit(self, matches: MatchTable, features: FeatureFrame) -> Self:
        """Choose the number of rounds on the latest window, then fit on everything. Raises NothingToLearn."""
        played = played_rows(self.name, matches)
        self.names = in_order(features.names)
        matches, features = matches.take(played), features.take(played).select(self.names)
        self.rounds = self.fixed_rounds or self.choose_rounds(matches, features)
        self.logit = self._new_logit().fit(matches, features)
        data = self._matrix(self.logit, matches, features)
        self.booster = xgboost.train(self._training_parameters(), data, self.rounds)
        self.booster.set_param({"nthread": 1})
        self.trees = None
        return self

    def compile(self) -> None:
        """Compile the trees, so that few rows are scored faster. Raises NotFitted, CannotCompile."""
        if self.booster is None:
            raise NotFitted(self.name)
        self.trees = Forest.compiled(self.booster)

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

    def margins(self, values: Array, base_margin: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log-odds of outcomes up to a constant: what the trees make of a margin to start from.

        Compiled trees and XGBoost give the same bits. Shapes (n, f) in the order of ``names``, (n, 3) and (n, 3).
        Raises NotFitted.
        """
        if self.trees is not None and len(values) <= MOST_COMPILED_ROWS:
            return self.trees.margins(values, base_margin)
        if self.booster is None:
            raise NotFitted(self.name)
        raw: NDArray[np.float32] = self.booster.inplace_predict(
            np.ascontiguousarray(values), base_margin=base_margin, predict_type="margin"
        )
        return raw.reshape(-1, OUTCOMES)

    def contributions(self, features: FeatureFrame) -> tuple[Array, Array]:
        """Return how far each feature moved each outcome's log-odds by the trees, and where the trees start from.

        Exact TreeSHAP (Lundberg et al. 2018). Both together are the log-odds less those of the logit. Shapes
        (n, f, 3) in the order of ``names`` and (n, 3). Raises NotFitted.
        """
        frame = features.select(self.names)
        moved = self._shap(frame)
        neutral = self._neutral(frame)
        if len(neutral):  # as in log_odds: half of it is said by the match turned round
            places = [*partners(self.names), -1]
            turned = self._shap(mirrored(frame.take(neutral)))[:, places, ::-1]
            moved[neutral] = 0.5 * (moved[neutral] + turned)
        return moved[:, :-1], moved[:, -1]

    def _shap(self, frame: FeatureFrame) -> Array:
        """Return TreeSHAP's values, the bias in the last row of each match. Shape (n, f + 1, 3)."""
        if self.booster is None:
            raise NotFitted(self.name)
        # A margin of zero, so that the bias is the trees' own.
        nothing = np.zeros((len(frame), OUTCOMES), dtype=np.float32)
        # One thread: waking a team of them costs a few rows many times what it saves, above all on a busy machine.
        data = xgboost.DMatrix(frame.values, feature_names=list(self.names), base_margin=nothing, nthread=1)
        shap: Array = self.booster.predict(data, pred_contribs=True)
        shap = shap.reshape(len(frame), OUTCOMES, len(frame.names) + 1)
        return shap.transpose(0, 2, 1).astype(np.float64)

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the trees' total gain, highest first; features never used are left out."""
        if self.booster is None:
            raise NotFitted(self.name)
        gains = {name: _number(gain) for name, gain in self.booster.get_score(importance_type="total_gain").items()}
        total = sum(gains.values()) or 1.0
        return {name: gain / total for name, gain in sorted(gains.items(), key=lambda item: -item[1])}

    def choose_rounds(self, matches: MatchTable, features: FeatureFrame) -> int:
        """Return the number of rounds that is best on the later window of the matches, all of them played."""
        later = later_window(matches.day, self.validation_days)
        if later is None:
            return ROUNDS_WITHOUT_STOPPING
        logit = self._new_logit().fit(matches.take(~later), features.take(~later))
        earlier, after = (self._matrix(logit, matches.take(rows), features.take(rows)) for rows in (~later, later))
        return best_rounds(self._training_parameters(), earlier, after, most=self.most_rounds, patience=self.patience)

    def _new_logit(self) -> RatingLogit:
        return RatingLogit(ridge=self.logit.ridge)

    def _training_parameters(self) -> dict[str, Any]:
        return self.parameters | {"seed": self.seed, "nthread": self.threads}

    def _matrix(self, logit: RatingLogit, matches: MatchTable, features: FeatureFrame) -> xgboost.DMatrix:
        return xgboost.DMatrix(
            features.values,
            label=matches.outcome,
            base_margin=log_softmax(logit.log_odds(features)).astype(np.float32),
            feature_names=list(features.names),
        )


def _number(gain: float | list[float]) -> float:
    return sum(gain) if isinstance(gain, list) else gain
