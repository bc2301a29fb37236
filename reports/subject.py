"""What a page is about: forecasts of some matches, which model is ours, and what each is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.matches import MatchTable
from models.scores import ranked_probability_score
from training.walk_forward import Forecasts


@dataclass(frozen=True, slots=True)
class Subject:
    """Hold forecasts, the name of our model among them, and the seed of every interval.

    Attributes:
        titles: How to call each baseline; one that is not there goes by its name.
    """

    forecasts: Forecasts
    model: str
    titles: Mapping[str, str]
    seed: int

    @property
    def matches(self) -> MatchTable:
        """Return the matches."""
        return self.forecasts.matches

    @property
    def outcome(self) -> NDArray[np.int64]:
        """Return 0 for a home win, 1 for a draw, 2 for an away win. Shape (n,)."""
        return self.matches.outcome

    @property
    def ours(self) -> Array:
        """Return our probabilities, shape (n, 3)."""
        return self.forecasts.proba[self.model]

    @property
    def models(self) -> list[str]:
        """Return all models, ours first."""
        return [self.model, *self.baselines]

    @property
    def baselines(self) -> list[str]:
        """Return the other models, in the order of the forecasts."""
        return [name for name in self.forecasts.proba if name != self.model]

    @property
    def best_baseline(self) -> str | None:
        """Return the baseline of the lowest mean RPS over all matches, None where there is no baseline."""
        return min(self.baselines, key=self.rps, default=None)

    def rps(self, name: str) -> float:
        """Return a model's mean RPS over all matches."""
        return float(ranked_probability_score(self.forecasts.proba[name], self.outcome).mean())

    def title(self, name: str) -> str:
        """Return what a model is called on the page."""
        return f"ours ({name})" if name == self.model else self.titles.get(name, name)
