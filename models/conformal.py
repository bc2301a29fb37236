"""Sets of outcomes that hold what happens as often as they say, whatever the probabilities are worth.

Split conformal prediction on forecasts made before the matches were played:
the score of a match is the probability of all outcomes that were thought likelier
than what happened, and its quantile is the threshold below which an outcome
belongs to the set. After Romano, Sesia & Candès (2020), "Classification with
valid and adaptive coverage", without their coin toss: the likeliest outcome
always belongs, so no set is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from models.calibration import GROUPS, Groups
from models.errors import InvalidForecast
from models.estimator import Array

COVERAGE: Final = 0.8
_FEWEST: Final = 500  # matches, below which a group goes by all of them: one in a hundred is then its standard error


@dataclass(frozen=True, slots=True)
class ConformalSets:
    """Hold the threshold of each group of GROUPS. Never changed.

    Attributes:
        coverage: How often a set holds what happens, within (0, 1).
        thresholds: Shape (3,).
    """

    coverage: float
    thresholds: Array

    @classmethod
    def untested(cls, coverage: float = COVERAGE) -> Self:
        """Return the sets that take the probabilities at their word; for a model that had no forecasts to learn from."""
        return cls(coverage, np.full(len(GROUPS), coverage))

    @classmethod
    def fit(cls, proba: Array, group: Groups, outcome: NDArray[np.int64], *, coverage: float = COVERAGE) -> Self:
        """Learn the thresholds from forecasts of matches that the members had not seen; pool and calibration may have.

        Args:
            proba: Shape (n, 3), n at least 1; rows sum to 1.
            group: Place in GROUPS. Shape (n,).
            outcome: 0 home, 1 draw, 2 away. Shape (n,).

        Raises:
            InvalidForecast: If the coverage is not within (0, 1).
        """
        if not 0.0 < coverage < 1.0:
            raise InvalidForecast(f"given coverage {coverage!r}, expected a number within (0, 1)")
        score = likelier(proba)[np.arange(len(proba)), outcome]
        overall = _quantile(score, coverage)
        thresholds = np.full(len(GROUPS), overall)
        for place in range(len(GROUPS)):
            if (own := group == place).sum() >= _FEWEST:
                thresholds[place] = _quantile(score[own], coverage)
        return cls(coverage, thresholds)

    def threshold(self, group: Groups) -> Array:
        """Return the threshold of each match. Shape (n,)."""
        own: Array = self.thresholds[group]
        return own

    def to_plain(self) -> dict[str, object]:
        """Return coverage and thresholds by group, as plain data for the model card."""
        by_group: Mapping[str, float] = dict(zip(GROUPS, self.thresholds.tolist(), strict=True))
        return {"coverage": self.coverage, "thresholds": by_group}


def likelier(proba: Array) -> Array:
    """Return for each outcome the probability of all outcomes that are likelier. Shape (n, 3); of equals the first is.

    >>> likelier(np.array([[0.25, 0.25, 0.5]])).tolist()
    [[0.5, 0.75, 0.0]]
    """
    order = np.argsort(-proba, axis=1, kind="stable")
    ranked = np.take_along_axis(proba, order, axis=1)
    before = np.zeros_like(ranked)
    before[:, 1], before[:, 2] = ranked[:, 0], ranked[:, 0] + ranked[:, 1]
    found = np.empty_like(ranked)
    np.put_along_axis(found, order, before, axis=1)
    return found


def members(proba: Array, threshold: Array) -> NDArray[np.bool_]:
    """Return which outcomes belong to the set of each match. Shapes (n, 3) and (n,) to (n, 3).

    >>> members(np.array([[0.5, 0.3, 0.2]]), np.array([0.6])).tolist()
    [[True, True, False]]
    """
    belongs: NDArray[np.bool_] = likelier(proba) <= threshold[:, None]
    return belongs


def _quantile(score: Array, coverage: float) -> float:
    """Return the conformal quantile: the score of rank ceil((n + 1) coverage); above all of them where n is too small."""
    rank = int(np.ceil((len(score) + 1) * coverage))
    return float(np.sort(score)[rank - 1]) if rank <= len(score) else 1.0
