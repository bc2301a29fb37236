"""The last six meetings of two clubs, seen from the side now at home."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np

from features.batch import Array, Batch, Columns, Results
from features.ledger import NOBODY, Ledger

MEMORY = 6
PRIOR_MEETINGS = 3.0


class HeadToHead:
    """Remember goal differences of recent meetings, from the side of the club seen first."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[int, int], int] = {}
        self.meetings = Ledger(margin=np.full(MEMORY, np.nan))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return an independent copy; its pairs are numbers, which need no copies of their own, and there are many."""
        other = type(self)()
        other.pairs = self.pairs.copy()
        other.meetings = copy.deepcopy(self.meetings, memo)
        return other

    def describe(self, batch: Batch) -> Columns:
        """Return how many meetings are remembered and their mean margin, shrunk to 0 by three level meetings."""
        rows = np.array([self.pairs.get(pair, NOBODY) for pair in _pairs(batch)], dtype=np.int64)
        margins = self.meetings["margin"][rows]  # (n, 6)
        exists = ~np.isnan(margins)
        count = exists.sum(axis=1).astype(np.float64)
        # Adding 0 turns -0.0, nought seen from the other side, into 0.0.
        total = np.where(exists, margins, 0.0).sum(axis=1) * _sign(batch) + 0.0
        return {"head_to_head_matches": count, "head_to_head_margin": total / (count + PRIOR_MEETINGS)}

    def learn(self, batch: Batch, results: Results) -> None:
        """Remember this meeting."""
        rows = [self.pairs.setdefault(pair, len(self.pairs) + 1) for pair in _pairs(batch)]
        self.meetings.grow(len(self.pairs) + 1)
        margin = self.meetings["margin"]
        margin[rows, 1:] = margin[rows, :-1]
        margin[rows, 0] = (results.home_goals - results.away_goals) * _sign(batch)


def _pairs(batch: Batch) -> list[tuple[int, int]]:
    low, high = np.minimum(batch.home, batch.away), np.maximum(batch.home, batch.away)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _sign(batch: Batch) -> Array:
    return np.where(batch.home < batch.away, 1.0, -1.0)
