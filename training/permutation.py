"""What the ensemble loses without a module's features: importance by permutation, on matches it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.frame import FeatureFrame
from features.registry import NAMES
from models.ensemble import Ensemble
from models.estimator import OutcomeModel
from models.scores import log_loss, paired_bootstrap, ranked_probability_score
from training.history import History

SHUFFLES: Final = 2
_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "strengths": ("chances_", "goals_"),
    "Elo": ("elo_",),
    "pi-ratings": ("pi_",),
    "form": ("form5_", "form10_", "venue5_"),
    "schedule": ("rest_days_", "matches_14_days_", "matches_known_"),
    "season and competition": ("newcomer_", "season_", "competition_level", "draw_rate", "neutral_venue"),
    "meetings": ("head_to_head_",),
    "odds": ("odds_",),
}
MODULES: Final = {
    module: tuple(name for name in NAMES if name.startswith(prefixes)) for module, prefixes in _PREFIXES.items()
}
"""The features of each module. Those of one tell much the same and are shuffled together: alone, one hides the other."""


class Permutation:
    """Gather block by block what forecasts lose when a module's features come from another match of the block.

    Give ``watch`` to ``training.walk_forward.walk_forward``. What the strengths tell the ratings tell, too, in part; so
    the losses of the modules do not add up.

    Source: Breiman (2001), "Random forests", section 10; here for groups of features and on later matches.
    """

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        self._days: list[NDArray[np.int64]] = []
        self._whole: list[Array] = []
        self._shuffled: dict[str, list[Array]] = {module: [] for module in MODULES}

    def watch(self, models: Sequence[OutcomeModel], block: History) -> None:
        """Score the ensemble among the fitted models on a block, whole and with each module shuffled."""
        for model in models:
            if isinstance(model, Ensemble):
                self._score(model, block)

    def to_plain(self) -> dict[str, dict[str, Any]]:
        """Return by module the RPS and log loss that shuffling adds, each with its 95 % interval; the largest first.

        Modules of which no value was known, such as odds, are left out. Empty before any block.
        """
        if not self._days:
            return {}
        day, whole = np.concatenate(self._days), np.concatenate(self._whole)
        told = {
            module: {
                score: paired_bootstrap(lost[:, column], whole[:, column], day, seed=self._seed)._asdict()
                for column, score in enumerate(("rps", "log_loss"))
            }
            for module, parts in self._shuffled.items()
            if np.isfinite(lost := np.concatenate(parts)).all()
        }
        return dict(sorted(told.items(), key=lambda item: -item[1]["rps"]["mean"]))

    def _score(self, model: Ensemble, block: History) -> None:
        features = block.features.select(model.names)
        self._days.append(block.matches.day)
        self._whole.append(_losses(model, block, features))
        for module, names in MODULES.items():
            places = [model.names.index(name) for name in names if name in model.names]
            self._shuffled[module].append(self._without(model, block, features, places))

    def _without(self, model: Ensemble, block: History, features: FeatureFrame, places: list[int]) -> Array:
        """Return the mean losses of each match over the shuffles, NaN where the module knows nothing. Shape (n, 2)."""
        if not np.isfinite(features.values[:, places]).any():
            return np.full((len(features), 2), np.nan)
        losses = np.zeros((len(features), 2))
        for _ in range(SHUFFLES):
            values = features.values.copy()
            values[:, places] = values[self._rng.permutation(len(values))][:, places]
            losses += _losses(model, block, FeatureFrame(features.names, values)) / SHUFFLES
        return losses


def _losses(model: Ensemble, block: History, features: FeatureFrame) -> Array:
    """Return RPS and log loss of each match. Shape (n, 2)."""
    proba, outcome = model.predict_proba(block.matches, features), block.matches.outcome
    return np.column_stack([ranked_probability_score(proba, outcome), log_loss(proba, outcome)])
