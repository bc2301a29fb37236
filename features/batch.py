"""Matches as the feature families see them: numbers for names, one instant of knowledge."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
Columns = dict[str, Array]


class _Rows:
    """Let a record of equally long arrays be cut to some of its rows."""

    def take(self, rows: Index) -> Self:
        """Return the chosen rows."""
        columns: dict[str, Any] = {f.name: getattr(self, f.name)[rows] for f in fields(self)}  # type: ignore[arg-type]  # subclasses are dataclasses
        return type(self)(**columns)


@dataclass(frozen=True)
class Batch(_Rows):
    """Hold n fixtures whose features rest on one state.

    Attributes:
        home, away, competition, season: Rows in the ledgers; 0 is one never seen before.
        day: Days since 1970-01-01.
        level: Division, 1 for the top one, NaN for a cup.
        at_home: 1.0, or 0.0 at a neutral venue.
        odds: Decimal odds before kick-off, home, draw, away; NaN where not on offer. Shape (n, 3).
    """

    home: Index
    away: Index
    competition: Index
    season: Index
    day: Array
    level: Array
    at_home: Array
    odds: Array

    @property
    def sides(self) -> Index:
        """Return the home clubs above the away clubs. Shape (2, n)."""
        return np.array([self.home, self.away])


@dataclass(frozen=True)
class Standing(_Rows):
    """Hold what is known of both clubs of each fixture before any rating is looked at.

    Attributes:
        home_is_new, away_is_new: The club has no match on record.
        home_trust, away_trust: 1.0, falling towards 0 with a long absence; what a rating is still worth.
    """

    home_is_new: Flags
    away_is_new: Flags
    home_trust: Array
    away_trust: Array

    def home(self, rating: Array, mean: Array, deficit: float) -> Array:
        """Return the home side's rating as far as it can be trusted; a new club starts a deficit below the mean."""
        return np.where(self.home_is_new, mean - deficit, mean + (rating - mean) * self.home_trust)

    def away(self, rating: Array, mean: Array, deficit: float) -> Array:
        """Return the away side's rating as far as it can be trusted; a new club starts a deficit below the mean."""
        return np.where(self.away_is_new, mean - deficit, mean + (rating - mean) * self.away_trust)


@dataclass(frozen=True)
class Results(_Rows):
    """Hold what a batch of played matches brought; no club appears twice in one."""

    home_goals: Array
    away_goals: Array
    home_xg: Array
    away_xg: Array

    @property
    def home_points(self) -> Array:
        """Return 3 for a win, 1 for a draw, 0 for a defeat. Shape (n,)."""
        return _points(self.home_goals - self.away_goals)

    @property
    def away_points(self) -> Array:
        """Return the away side's points. Shape (n,)."""
        return _points(self.away_goals - self.home_goals)


def _points(margin: Array) -> Array:
    return np.where(margin > 0, 3.0, np.where(margin == 0, 1.0, 0.0))


def divisions_below_top(level: Array) -> Array:
    """Return how many divisions lie above each one; a cup counts as the top. Shape (n,).

    >>> divisions_below_top(np.array([1.0, 3.0, np.nan])).tolist()
    [0.0, 2.0, 0.0]
    """
    below: Array = np.nan_to_num(level, nan=1.0) - 1.0
    return below
