"""The matches of the last years, kept so that they can be weighed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.batch import Array, Batch, Index

MEMORY_DAYS = 1500.0


@dataclass(frozen=True)
class Past:
    """Hold past matches, column by column, oldest first."""

    home: Index
    away: Index
    competition: Index
    day: Array
    at_home: Array
    home_goals: Array
    away_goals: Array


class Recent:
    """Append matches day by day and forget those older than four years."""

    def __init__(self) -> None:
        self.codes = np.zeros((0, 3), dtype=np.int64)
        self.numbers = np.zeros((0, 4))
        self.start = self.end = 0

    def add(self, batch: Batch, home_goals: Array, away_goals: Array) -> None:
        """Append the matches of one day."""
        self._reserve(len(batch.home))
        rows = slice(self.end, self.end + len(batch.home))
        self.codes[rows] = np.column_stack([batch.home, batch.away, batch.competition])
        self.numbers[rows] = np.column_stack([batch.day, batch.at_home, home_goals, away_goals])
        self.end = rows.stop

    def since(self, day: float) -> Past:
        """Return the matches of the last four years before a day, forgetting older ones."""
        days = self.numbers[self.start : self.end, 0]
        self.start += int(np.searchsorted(days, day - MEMORY_DAYS))
        codes, numbers = self.codes[self.start : self.end], self.numbers[self.start : self.end]
        return Past(*codes.T, *numbers.T)

    def _reserve(self, count: int) -> None:
        if self.end + count <= len(self.codes):
            return
        kept = slice(self.start, self.end)
        room = max(count, self.end - self.start, 1024)
        self.codes = np.concatenate([self.codes[kept], np.zeros((room, 3), dtype=np.int64)])
        self.numbers = np.concatenate([self.numbers[kept], np.zeros((room, 4))])
        self.start, self.end = 0, kept.stop - kept.start
