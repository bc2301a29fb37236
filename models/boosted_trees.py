"""Boosted trees, whatever they are boosted for: what they are trained with, and how they are asked.

XGBoost trains them. Few rows are scored by the same trees compiled, and both
give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from models.errors import NotFitted
from models.estimator import Array
from models.forest import Forest
from models.rounds import best_rounds

MOST_COMPILED_ROWS: Final = 64  # with more rows XGBoost itself is as fast; both give the same bits
SIZES: Final[Mapping[str, Any]] = {
    "tree_method": "hist",
    "max_depth": 3,
    "eta": 0.1,
    "min_child_weight": 100.0,
    "reg_lambda": 20.0,
    "subsample": 0.6,
    "colsample_bytree": 0.3,
}
"""XGBoost's parameters, chosen on matches of 2014-2018 only."""


@dataclass
class BoostedTrees:
    """Train trees and ask them for their margins.

    Attributes:
        seed: Of the row and column samples; the same seed, data and threads give the same bits.
        threads: Of training. Prediction uses one.
        validation_days: Length of the later window that stops the boosting, longer where it would hold less than a
            tenth of the matches; the model is then refitted on all days.
        patience: Rounds without improvement after which boosting stops.
        fixed_rounds: Boosting rounds to fit, where they were chosen already; 0 chooses them on the later window.
        parameters: Of XGBoost.
        names: Columns the trees see, in order; empty until fitted.
        booster: The trees; None until fitted, or while they travel by themselves.
        rounds: Boosting rounds of the final fit.
        trees: The booster compiled, for few rows at a time; None until ``compile``.
    """

    outputs: ClassVar[int] = 1
    """Margins that each row is given."""

    seed: int = 0
    threads: int = 1
    validation_days: int = 365
    most_rounds: int = 100
    patience: int = 10
    fixed_rounds: int = 0
    parameters: dict[str, Any] = field(default_factory=lambda: dict(SIZES))
    name: str = "trees"
    names: tuple[str, ...] = ()
    booster: xgboost.Booster | None = None
    rounds: int = 0
    trees: Forest | None = field(default=None, repr=False, compare=False)

    def fresh(self, *, seed: int, threads: int, validation_days: int, rounds: int) -> Self:
        """Return trees that are made with the same choices and have learned nothing.

        Args:
            seed, threads, validation_days: See there.
            rounds: To fit; 0 chooses them.
        """
        blank = replace(self, names=(), booster=None, rounds=0, trees=None)
        return replace(blank, seed=seed, threads=threads, validation_days=validation_days, fixed_rounds=rounds)

    def compile(self) -> None:
        """Compile the trees, so that few rows are scored faster. Raises NotFitted, CannotCompile."""
        self.trees = Forest.compiled(self._fitted())

    def margins(self, values: Array, base_margin: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the trees make of a margin to start from; compiled trees and XGBoost give the same bits.

        Args:
            values: In the order of ``names``. Shape (n, f).
            base_margin: Shape (n, outputs).

        Returns:
            Shape (n, outputs).

        Raises:
            NotFitted: If there are no trees.
        """
        if self.trees is not None and len(values) <= MOST_COMPILED_ROWS:
            return self.trees.margins(values, base_margin)
        raw: NDArray[np.float32] = self._fitted().inplace_predict(
            np.ascontiguousarray(values), base_margin=base_margin, predict_type="margin"
        )
        return raw.reshape(-1, self.outputs)

    def _train(self, data: xgboost.DMatrix) -> None:
        self.booster = xgboost.train(self._training_parameters(), data, self.rounds)
        self.booster.set_param({"nthread": 1})
        self.trees = None

    def _best_rounds(self, earlier: xgboost.DMatrix, later: xgboost.DMatrix) -> int:
        return best_rounds(self._training_parameters(), earlier, later, most=self.most_rounds, patience=self.patience)

    def _shap(self, values: Array) -> Array:
        """Return exact TreeSHAP's values (Lundberg et al. 2018), the trees' own mean last. Shape (n, f + 1, outputs)."""
        # A margin of zero, so that the bias is the trees' own.
        nothing = np.zeros((len(values), self.outputs), dtype=np.float32)
        # One thread: waking a team of them costs a few rows many times what it saves, above all on a busy machine.
        data = xgboost.DMatrix(values, feature_names=list(self.names), base_margin=nothing, nthread=1)
        shap: Array = self._fitted().predict(data, pred_contribs=True)
        shap = shap.reshape(len(values), self.outputs, len(self.names) + 1)
        return shap.transpose(0, 2, 1).astype(np.float64)

    def _fitted(self) -> xgboost.Booster:
        if self.booster is None:
            raise NotFitted(self.name)
        return self.booster

    def _training_parameters(self) -> dict[str, Any]:
        return self.parameters | {"seed": self.seed, "nthread": self.threads}
