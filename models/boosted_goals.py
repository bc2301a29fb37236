"""Gradient-boosted trees that correct expected goals.

XGBoost ``count:poisson`` on all features, started from the log expected goals
of the goal model. Like that one they see each match twice, once from either
side, so that naming the sides the other way round swaps the answer, and every
match teaches them twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from features.frame import FeatureFrame
from features.matches import MatchTable
from features.mirror import Mirror
from features.registry import in_order
from models.errors import NotFitted
from models.estimator import Array, played_rows
from models.forest import Forest
from models.goal_model import GoalModel, within_reason
from models.rounds import ROUNDS_WITHOUT_STOPPING, best_rounds, later_window

MOST_COMPILED_ROWS = 64  # two a match; with more of them XGBoost itself is as fast, and both give the same bits


def default_parameters() -> dict[str, Any]:
    """Return XGBoost's parameters: those of the outcomes' trees, in longer steps, as an answer pays for each tree twice."""
    return {
        "objective": "count:poisson",
        "tree_method": "hist",
        "max_depth": 3,
        "eta": 0.2,
        "min_child_weight": 100.0,
        "reg_lambda": 20.0,
        "subsample": 0.6,
        "colsample_bytree": 0.3,
    }


@dataclass
class BoostedGoals:
    """Correct the goal model's expected goals.

    Attributes:
        seed, threads, validation_days, most_rounds, patience, fixed_rounds: As those of ``BoostedOutcome``.
        names: Columns the trees see, in order; empty until fitted.
        mirror: Turns their rows round; None until fitted.
        booster: The trees; None until fitted, or while they travel as ``packed`` bytes.
        rounds: Of the final fit.
        trees: The booster compiled, for few rows at a time; None until ``compile``.
    """

    seed: int = 0
    threads: int = 1
    validation_days: int = 365
    most_rounds: int = 100
    patience: int = 10
    fixed_rounds: int = 0
    parameters: dict[str, Any] = field(default_factory=default_parameters)
    name: str = "boosted_goals"
    names: tuple[str, ...] = ()
    mirror: Mirror | None = field(default=None, repr=False, compare=False)
    booster: xgboost.Booster | None = None
    rounds: int = 0
    trees: Forest | None = field(default=None, repr=False, compare=False)
    packed: bytes = field(default=b"", repr=False)

    def fit(self, matches: MatchTable, features: FeatureFrame, start: GoalModel) -> Self:
        """Choose the number of rounds on the latest window, then learn from all what ``start`` misses. Raises NothingToLearn.

        Args:
            start: Fitted; the model that is corrected.
        """
        played = played_rows(self.name, matches)
        self.names = in_order(features.names)
        self.mirror = Mirror.of(self.names)
        matches, features = matches.take(played), features.take(played).select(self.names)
        self.rounds = self.fixed_rounds or self.choose_rounds(matches, features, start)
        self.booster = xgboost.train(self._training_parameters(), self._matrix(matches, features, start), self.rounds)
        self.booster.set_param({"nthread": 1})
        self.trees, self.packed = None, b""
        return self

    def choose_rounds(self, matches: MatchTable, features: FeatureFrame, start: GoalModel) -> int:
        """Return the number of rounds that is best on the later window of the matches, all of them played.

        Args:
            start: As its like is fitted to the earlier ones.
        """
        features = features.select(in_order(features.names))
        later = later_window(matches.day, self.validation_days)
        if later is None:
            return min(self.most_rounds, ROUNDS_WITHOUT_STOPPING)
        parts = [(matches.take(rows), features.take(rows)) for rows in (~later, later)]
        model = GoalModel(ridge=start.ridge).fit(*parts[0])
        earlier, after = (self._matrix(*part, model) for part in parts)
        return best_rounds(self._training_parameters(), earlier, after, most=self.most_rounds, patience=self.patience)

    def compile(self) -> None:
        """Compile the trees, so that few rows are scored faster. Raises NotFitted, CannotCompile."""
        self.trees = Forest.compiled(self._booster())

    def expected_goals(self, features: FeatureFrame, start: Array) -> Array:
        """Return the expected home and away goals, within the bounds of the goal model's.

        Args:
            features: Shape (n, f).
            start: What the goal model expects. Shape (n, 2).

        Returns:
            Shape (n, 2).

        Raises:
            NotFitted: If there are no trees.
        """
        margin = np.log(start).T.reshape(-1, 1).astype(np.float32)
        rows = _both_ways(features.select(self.names).values, self._mirror())
        log_goals = self.margins(rows, margin).astype(np.float64)
        return within_reason(np.exp(log_goals)).reshape(2, -1).T

    def margins(self, values: Array, base_margin: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log expected goals of sides; compiled trees and XGBoost give the same bits.

        Args:
            values: Features as seen from that side, in the order of ``names``. Shape (m, f).
            base_margin: Where the trees start from. Shape (m, 1).

        Returns:
            Shape (m, 1).

        Raises:
            NotFitted: If there are no trees.
        """
        if self.trees is not None and len(values) <= MOST_COMPILED_ROWS:
            return self.trees.margins(values, base_margin)
        raw: NDArray[np.float32] = self._booster().inplace_predict(
            np.ascontiguousarray(values), base_margin=base_margin, predict_type="margin"
        )
        return raw.reshape(-1, 1)

    def contributions(self, features: FeatureFrame) -> tuple[Array, Array]:
        """Return how far each feature moved the log of each side's expected goals by the trees, and the trees' own mean.

        Exact TreeSHAP (Lundberg et al. 2018). Both together are the correction, before it is kept within reason. Shapes
        (n, f, 2) in the order of ``names`` and (n, 2). Raises NotFitted.
        """
        booster, mirror = self._booster(), self._mirror()
        rows = _both_ways(features.select(self.names).values, mirror)
        # One thread, and a margin of zero so that the bias is the trees' own.
        data = xgboost.DMatrix(rows, feature_names=list(self.names), base_margin=np.zeros(len(rows)), nthread=1)
        shap = (
            booster.predict(data, pred_contribs=True).astype(np.float64).reshape(2, len(features), len(self.names) + 1)
        )
        of_away = shap[1, :, :-1][:, mirror.places]  # told by the features as they were before the turn
        return np.stack([shap[0, :, :-1], of_away], axis=2), shap[:, :, -1].T

    def pack(self) -> Self:
        """Return the model as it travels: its trees as bytes in XGBoost's own format. Raises NotFitted."""
        return replace(self, booster=None, trees=None, packed=bytes(self._booster().save_raw(raw_format="ubj")))

    def unpack(self) -> None:
        """Read the trees that it travelled with; leave a model as it is that has them or never had any."""
        if self.packed:
            self.booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(self.packed))
            self.packed = b""

    def _booster(self) -> xgboost.Booster:
        if self.booster is None:
            raise NotFitted(self.name)
        return self.booster

    def _mirror(self) -> Mirror:
        if self.mirror is None:
            raise NotFitted(self.name)
        return self.mirror

    def _training_parameters(self) -> dict[str, Any]:
        return self.parameters | {"seed": self.seed, "nthread": self.threads}

    def _matrix(self, matches: MatchTable, features: FeatureFrame, start: GoalModel) -> xgboost.DMatrix:
        expected = start.expected_goals(features)
        return xgboost.DMatrix(
            _both_ways(features.values, Mirror.of(features.names)),
            label=np.concatenate([matches.home_goals, matches.away_goals]),
            base_margin=np.log(expected).T.ravel().astype(np.float32),
            feature_names=list(features.names),
        )


def _both_ways(values: Array, mirror: Mirror) -> Array:
    """Return each match as the home side sees it, then each as the away side does. Shape (2 n, f)."""
    return np.concatenate([values, mirror.turned(values)])
