"""The match table: one row a match, one array a column.

This is the one shape in which matches travel between the store, the features,
the models and training. It holds facts only; nothing here is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_LENGTH_ERROR = "column {name!r} has {given} values, expected {expected}: every column of a match table is equally long"

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class MatchTable:
    """Hold n matches column by column, in any order.

    Text columns are object arrays of ``str``; a team is written
    ``"association:Canonical Name"`` so that two clubs of one name in two
    countries never meet. Unknown numbers are NaN, never zero.

    Attributes:
        match_id: Stable identity; does not change when the date moves.
        competition: Code such as ``"de.1"``; the part before the first dot is the association.
        season: ``"2015-16"``, or ``"2019"`` for one that lies in one calendar year.
        kickoff: Seconds since 1970-01-01 UTC (int64). Midnight for a match known by date only.
        home, away: Team ids.
        neutral: True where neither side is at home.
        home_goals, away_goals: After 90 minutes and stoppage; NaN until played.
        home_xg, away_xg: Expected goals of the match as played; NaN where not given.
        odds_home, odds_draw, odds_away: Decimal odds on offer before kick-off, never closing ones; NaN where not given.
    """

    match_id: NDArray[np.object_]
    competition: NDArray[np.object_]
    season: NDArray[np.object_]
    kickoff: NDArray[np.int64]
    home: NDArray[np.object_]
    away: NDArray[np.object_]
    neutral: NDArray[np.bool_]
    home_goals: NDArray[np.float64]
    away_goals: NDArray[np.float64]
    home_xg: NDArray[np.float64]
    away_xg: NDArray[np.float64]
    odds_home: NDArray[np.float64]
    odds_draw: NDArray[np.float64]
    odds_away: NDArray[np.float64]

    def __post_init__(self) -> None:
        expected = len(self.match_id)
        for field in fields(self):
            given = len(getattr(self, field.name))
            if given != expected:
                raise ValueError(_LENGTH_ERROR.format(name=field.name, given=given, expected=expected))

    def __len__(self) -> int:
        return len(self.match_id)

    @property
    def day(self) -> NDArray[np.int64]:
        """Return the UTC date of each kick-off, as days since 1970-01-01. Shape (n,)."""
        return self.kickoff // SECONDS_PER_DAY

    @property
    def played(self) -> NDArray[np.bool_]:
        """Return which matches have a result that counts. Shape (n,)."""
        return ~np.isnan(self.home_goals) & ~np.isnan(self.away_goals)

    @property
    def outcome(self) -> NDArray[np.int64]:
        """Return 0 for a home win, 1 for a draw, 2 for an away win, -1 where not played. Shape (n,)."""
        difference = self.home_goals - self.away_goals
        return np.where(self.played, 1 - np.sign(np.nan_to_num(difference)), -1).astype(np.int64)

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return the chosen rows (indices, a mask or a slice) as a table of their own."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def by_kickoff(self) -> Self:
        """Return the same matches ordered by kick-off, then by match id, so that every run sees one order."""
        return self.take(np.lexsort((self.match_id.astype(str), self.kickoff)))

    def without_results(self) -> Self:
        """Return the same fixtures with everything that only a played match can know blanked out."""
        blank = np.full(len(self), np.nan)
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        columns |= dict.fromkeys(("home_goals", "away_goals", "home_xg", "away_xg"), blank)
        return type(self)(**columns)

    @classmethod
    def from_columns(
        cls,
        *,
        match_id: Sequence[str],
        competition: Sequence[str],
        season: Sequence[str],
        kickoff: Sequence[int] | NDArray[np.int64],
        home: Sequence[str],
        away: Sequence[str],
        **optional: Any,
    ) -> Self:
        """Build a table from plain sequences; columns not given are unknown (NaN), ``neutral`` is False.

        Raises:
            ValueError: If the columns differ in length, or one is not a column of a match table.
        """
        n = len(match_id)
        numeric = [field.name for field in fields(cls)][7:]
        unknown = set(optional) - {*numeric, "neutral"}
        if unknown:
            raise ValueError(f"unknown columns {sorted(unknown)}; a match table may also have {[*numeric, 'neutral']}")
        return cls(
            match_id=_text(match_id),
            competition=_text(competition),
            season=_text(season),
            kickoff=np.asarray(kickoff, dtype=np.int64),
            home=_text(home),
            away=_text(away),
            neutral=np.asarray(optional.get("neutral", np.zeros(n)), dtype=bool),
            **{name: np.asarray(optional.get(name, np.full(n, np.nan)), dtype=np.float64) for name in numeric},
        )

    @classmethod
    def concatenate(cls, tables: Sequence[Self]) -> Self:
        """Join tables one below the other; at least one is needed."""
        return cls(**{f.name: np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)})


def association_of(competition: str) -> str:
    """Return the football association, the part before the first dot.

    >>> association_of("de.2")
    'de'
    """
    return competition.partition(".")[0]


def level_of(competition: str) -> float:
    """Return the division's level, 1 for the top one, NaN for a cup or a national-team competition.

    >>> level_of("de.2"), level_of("de.cup")
    (2.0, nan)
    """
    tail = competition.partition(".")[2]
    return float(tail) if tail.isdecimal() else float("nan")


def team_name(team: str) -> str:
    """Return the canonical name, without the association.

    >>> team_name("de:Bayern München")
    'Bayern München'
    """
    return team.partition(":")[2]


def _text(values: Sequence[str]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
