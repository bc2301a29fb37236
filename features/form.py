"""Form: points and goals over each club's last five and ten matches, and at the venue.

Counts are whole numbers, so their means are the same bits however they are added up.
"""

from __future__ import annotations

import numpy as np

from features.batch import Array, Batch, Columns, Index, Results
from features.ledger import Ledger

LONG, SHORT = 10, 5
MEASURES = ("points", "goals_for", "goals_against")


class Form:
    """Remember each club's last matches, newest first: overall, at home, and away."""

    def __init__(self) -> None:
        blank_long, blank_short = np.full((LONG, 3), np.nan), np.full((SHORT, 3), np.nan)
        self.clubs = Ledger(overall=blank_long, home=blank_short, away=blank_short)

    def describe(self, batch: Batch) -> Columns:
        """Return means per match; NaN for a club without such a match."""
        columns: Columns = {}
        for side, clubs in (("home", batch.home), ("away", batch.away)):
            overall = self.clubs["overall"][clubs]  # (n, 10, 3)
            # At a neutral venue no side plays at the kind of venue that home or away form is of.
            at_venue = np.where(batch.at_home[:, None, None] > 0, self.clubs[side][clubs], overall[:, :SHORT])
            windows = {"form5": overall[:, :SHORT], "form10": overall, "venue5": at_venue}
            for window, recent in windows.items():
                means = _means(recent)
                columns |= {f"{window}_{name}_{side}": means[:, i] for i, name in enumerate(MEASURES)}
        return columns

    def learn(self, batch: Batch, results: Results) -> None:
        """Put the match on top of both clubs' memories; a neutral venue counts as neither home nor away."""
        home = np.column_stack([results.home_points, results.home_goals, results.away_goals])
        away = np.column_stack([results.away_points, results.away_goals, results.home_goals])
        self._push("overall", batch.home, home)
        self._push("overall", batch.away, away)
        at_home = batch.at_home > 0
        self._push("home", batch.home[at_home], home[at_home])
        self._push("away", batch.away[at_home], away[at_home])

    def _push(self, name: str, clubs: Index, match: Array) -> None:
        memory = self.clubs[name]
        memory[clubs, 1:] = memory[clubs, :-1]
        memory[clubs, 0] = match


def _means(recent: Array) -> Array:
    """Average over the matches that exist. Shape (n, window, 3) -> (n, 3)."""
    exists = ~np.isnan(recent)
    total = np.where(exists, recent, 0.0).sum(axis=1)
    count = exists.sum(axis=1)
    means: Array = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means
