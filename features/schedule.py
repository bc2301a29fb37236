"""When each club last played: rest, congestion, and how far old knowledge still counts."""

from __future__ import annotations

import numpy as np

from features.batch import Array, Batch, Columns, Flags, Index
from features.ledger import Ledger

MEMORY = 6
REST_CAP_DAYS = 30.0
CONGESTION_DAYS = 14.0
FREE_ABSENCE_DAYS = 120.0  # a summer break costs nothing
ABSENCE_HALF_LIFE_DAYS = 500.0
EXPERIENCE_CAP = 100.0


class Schedule:
    """Remember the days of each club's last six matches and how many there were."""

    def __init__(self) -> None:
        self.clubs = Ledger(days=np.full(MEMORY, np.nan), matches=0.0)

    def is_new(self, clubs: Index) -> Flags:
        """Return which clubs have no match on record. Shape (n,)."""
        new: Flags = self.clubs["matches"][clubs] == 0.0
        return new

    def trust(self, clubs: Index, day: Array) -> Array:
        """Return what a club's ratings are still worth, 1 down towards 0 with a long absence. Shape (n,)."""
        absence = np.nan_to_num(day - self.clubs["days"][clubs, 0], nan=0.0)
        worth: Array = np.power(0.5, np.maximum(0.0, absence - FREE_ABSENCE_DAYS) / ABSENCE_HALF_LIFE_DAYS)
        return worth

    def describe(self, batch: Batch) -> Columns:
        """Return rest days, matches in the last fortnight and matches on record, for both sides."""
        columns: Columns = {}
        for side, clubs in (("home", batch.home), ("away", batch.away)):
            ago = batch.day[:, None] - self.clubs["days"][clubs]  # (n, 6)
            columns[f"rest_days_{side}"] = np.clip(ago[:, 0], 0.0, REST_CAP_DAYS)
            columns[f"matches_14_days_{side}"] = (ago <= CONGESTION_DAYS).sum(axis=1).astype(np.float64)
            columns[f"matches_known_{side}"] = np.minimum(self.clubs["matches"][clubs], EXPERIENCE_CAP)
        return columns

    def learn(self, batch: Batch) -> None:
        """Note that both clubs have played on this day."""
        for clubs in (batch.home, batch.away):
            days = self.clubs["days"]
            days[clubs, 1:] = days[clubs, :-1]
            days[clubs, 0] = batch.day
            self.clubs["matches"][clubs] += 1.0
