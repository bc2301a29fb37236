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

from features.frame import FeatureFrame
from features.matches import MatchTable
from features.mirror import Mirror
from features.registry import in_order
from models.boosted_trees import SIZES, BoostedTrees
from models.errors import NotFitted
from models.estimator import Array, played_rows
from models.goal_model import GoalModel, within_reason
from models.rounds import ROUNDS_WITHOUT_STOPPING, later_window


def default_parameters() -> dict[str, Any]:
    """Return XGBoost's parameters: in longer steps than those of the outcomes, as an answer pays for each tree twice."""
    return {**SIZES, "objective": "count:poisson", "eta": 0.2}


@dataclass
class BoostedGoals(BoostedTrees):
    """Correct the goal model's expected goals; each match is two rows, as either side sees it.

    Attributes:
        mirror: Turns rows round; None until fitted.
        packed: The trees while they travel, in XGBoost's own format.
    """

    parameters: dict[str, Any] = field(default_factory=default_parameters)
    name: str = "boosted_goals"
    mirror: Mirror | None = field(default=None, repr=False, compare=False)
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
        self._train(self._matrix(matches, features, start))
        self.packed = b""
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
        return self._best_rounds(earlier, after)

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

    def contributions(self, features: FeatureFrame) -> tuple[Array, Array]:
        """Return how far each feature moved the log of each side's expected goals by the trees, and the trees' own mean.

        Exact TreeSHAP (Lundberg et al. 2018). Both together are the correction, before it is kept within reason. Shapes
        (n, f, 2) in the order of ``names`` and (n, 2). Raises NotFitted.
        """
        mirror = self._mirror()
        shap = self._shap(_both_ways(features.select(self.names).values, mirror))[:, :, 0]
        of_home, of_away = shap.reshape(2, len(features), len(self.names) + 1)
        told = of_away[:, :-1][:, mirror.places]  # by the features as they were before the turn
        return np.stack([of_home[:, :-1], told], axis=2), np.stack([of_home[:, -1], of_away[:, -1]], axis=1)

    def pack(self) -> Self:
        """Return the model as it travels: its trees as bytes in XGBoost's own format. Raises NotFitted."""
        return replace(self, booster=None, trees=None, packed=bytes(self._fitted().save_raw(raw_format="ubj")))

    def unpack(self) -> None:
        """Read the trees that it travelled with; leave a model as it is that has them or never had any."""
        if self.packed:
            self.booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(self.packed))
            self.packed = b""

    def _mirror(self) -> Mirror:
        if self.mirror is None:
            raise NotFitted(self.name)
        return self.mirror

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
