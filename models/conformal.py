"""Sets of outcomes that hold what happens as often as they say, whatever the probabilities are worth.

Split conformal prediction on forecasts made before the matches were played:
the score of a match is the probability of all outcomes that were thought likelier
than what happened, and its quantile is the threshold below which an outcome
belongs to the set. After Romano, Sesia & Candès (2020), "Classification with
valid and adaptive coverage", without their coin toss: the likeliest outcome
always belongs, so no set is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidForecast
from models.estimator import Array

COVERAGE: Final = 0.8
OTHERS: Final = 100.0
"""Matches that all other competitions together count for beside a competition's own."""


@dataclass(frozen=True, slots=True)
class ConformalSets:
    """Hold the threshold of each competition. Never changed.

    A share of results holds over matches of one kind; competitions differ in how lopsided their matches are and in how
    bold their forecasts, and one threshold for all would hold too little in some and too much in others.

    Attributes:
        coverage: How often a set holds what happens, within (0, 1).
        overall: The threshold of competitions that were not learned from.
        by_competition: The others', by code.
    """

    coverage: float
    overall: float
    by_competition: Mapping[str, float]

    @classmethod
    def untested(cls, coverage: float = COVERAGE) -> Self:
        """Return the sets that take the probabilities at their word; for a model that had no forecasts to learn from."""
        return cls(coverage, coverage, {})

    @classmethod
    def fit(
        cls,
        proba: Array,
        competition: NDArray[np.object_],
        outcome: NDArray[np.int64],
        *,
        coverage: float = COVERAGE,
    ) -> Self:
        """Learn the thresholds from forecasts of matches that the members had not seen; pool and calibration may have.

        The matches of other competitions count, too, but together as ``OTHERS`` at most: they decide where a
        competition has few matches, and hardly tell where it has hundreds.

        Args:
            proba: Shape (n, 3), n at least 1; rows sum to 1.
            competition: Code of each match's competition. Shape (n,).
            outcome: 0 home, 1 draw, 2 away. Shape (n,).

        Raises:
            InvalidForecast: If the coverage is not within (0, 1).
        """
        if not 0.0 < coverage < 1.0:
            raise InvalidForecast(f"given coverage {coverage!r}, expected a number within (0, 1)")
        score = likelier(proba)[np.arange(len(proba)), outcome]
        order = np.argsort(score)
        score, competition = score[order], competition[order]
        thresholds = {
            code: _quantile(score, np.where(own, 1.0, min(OTHERS / max((~own).sum(), 1), 1.0)), coverage)
            for code, own in ((code, competition == code) for code in sorted(set(competition)))
        }
        return cls(coverage, _quantile(score, np.ones(len(score)), coverage), thresholds)

    def threshold(self, competition: str) -> float:
        """Return the threshold of a competition's matches."""
        return self.by_competition.get(competition, self.overall)

    def thresholds(self, competitions: Iterable[str]) -> Array:
        """Return the threshold of each match. Shape (n,) of codes to (n,)."""
        return np.array([self.threshold(code) for code in competitions])

    def to_plain(self) -> dict[str, Any]:
        """Return coverage and thresholds, as plain data for the model card."""
        return {"coverage": self.coverage, "threshold": self.overall, "thresholds": dict(self.by_competition)}


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


def _quantile(score: Array, weight: Array, coverage: float) -> float:
    """Return the conformal quantile: the least score that, with all below it, weighs ``coverage`` of one match more.

    Args:
        score: Rising. Shape (n,).
        weight: What each match counts. Shape (n,).

    Returns:
        1.0, above all of them, where there is too little.

    >>> round(_quantile(np.linspace(0.1, 0.9, 9), np.ones(9), 0.8), 9)
    0.8
    """
    reached = np.cumsum(weight)
    # A hair less: ten times 0.8 must not ask for more than eight whole matches add up to.
    rank = int(np.searchsorted(reached, coverage * (reached[-1] + 1.0) - 1e-9))
    return float(score[rank]) if rank < len(score) else 1.0
