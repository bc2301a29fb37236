"""The played matches in replay order, found by id, day, competition and team.

Made once for all who look at the same matches; a new result shares with the
last one what it does not change. Work is done in steps of about a millisecond,
for each call into C keeps every other thread waiting.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from features.matches import MatchTable
from runners.places import Places
from runners.replay import in_replay_order

ROWS_IN_STEP: Final = 8_192  # one C call copies them, and no other thread runs meanwhile


@dataclass(frozen=True, slots=True)
class Played:
    """Hold a table of n played matches and where to find them. Never changed.

    Attributes:
        table: In replay order.
        row_of: Rows by match id.
        days: Of each row, as a plain list: looking one value up in an array takes ten times as long.
        newest: The newest kick-off up to each row.
        days_of: The days of each competition's rows, ascending.
        team_day: The day of each team's newest match.
    """

    table: MatchTable
    row_of: Places
    days: list[int]
    newest: list[int]
    days_of: Mapping[str, list[int]]
    team_day: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.days)

    @classmethod
    def of(cls, table: MatchTable) -> Self:
        """Look through a table in replay order."""
        days_of: dict[str, list[int]] = {}
        team_day: dict[str, int] = {}
        days = _listed(table.day)
        for code, home, away, day in zip(table.competition, table.home, table.away, days, strict=True):
            days_of.setdefault(code, []).append(day)
            team_day[home] = team_day[away] = day
        row_of = Places().moved((), table.match_id, 0)
        return cls(table, row_of, days, _newest([], table.kickoff), days_of, team_day)

    def followed(self, changed: MatchTable) -> tuple[Self, int]:
        """Return what is played once matches have changed, and the number of leading rows that surely stay as they are.

        Args:
            changed: Every match that was touched, in any order, whether it is played or not.
        """
        gone = sorted(row for one in changed.match_id if (row := self.row_of.get(one)) is not None)
        new = in_replay_order(changed)
        if first_difference(self.table.take(np.array(gone, dtype=np.int64)), new) is None:
            return self, len(self)
        at = [self._place(day, match_id) for day, match_id in zip(new.day.tolist(), new.match_id, strict=True)]
        first = min([*gone[:1], *at[:1]])
        table = _joined(self.table, gone, new, at, first)
        days = self.days[:first]
        days.extend(_listed(table.day[first:]))
        newest = self.newest[:first]
        left = [self.table.match_id[row] for row in gone]
        after = type(self)(
            table=table,
            row_of=self.row_of.moved(left, table.match_id[first:], first),
            days=days,
            newest=_newest(newest, table.kickoff[first:]),
            days_of=self._days_of(gone, new),
            team_day=self._team_day(gone, new, table, days),
        )
        return after, first

    def _place(self, day: int, match_id: str) -> int:
        """Return the row before which a match belongs."""
        first, end = bisect_left(self.days, day), bisect_right(self.days, day)
        return bisect_left(self.table.match_id, match_id, first, end)

    def _days_of(self, gone: Iterable[int], new: MatchTable) -> Mapping[str, list[int]]:
        left = [(self.table.competition[row], self.days[row]) for row in gone]
        came = list(zip(new.competition, new.day.tolist(), strict=True))
        after = dict(self.days_of)
        for code in {code for code, _ in (*left, *came)}:
            after[code] = list(after.get(code, ()))
        for code, day in left:
            del after[code][bisect_left(after[code], day)]
        for code, day in came:
            insort(after[code], day)
        return {code: days for code, days in after.items() if days}

    def _team_day(self, gone: Iterable[int], new: MatchTable, table: MatchTable, days: list[int]) -> Mapping[str, int]:
        after = dict(self.team_day)
        left = {team for row in gone for team in (self.table.home[row], self.table.away[row])}
        for home, away, day in zip(new.home, new.away, new.day.tolist(), strict=True):
            for team in (home, away):
                after[team] = max(day, after.get(team, day))
        for team in left:
            row = len(days) - 1
            while row >= 0 and table.home[row] != team != table.away[row]:
                row -= 1
            after.pop(team)
            if row >= 0:
                after[team] = days[row]
        return after


def first_difference(one: MatchTable, other: MatchTable) -> int | None:
    """Return the first row in which two tables differ, None if they are equal."""
    shared = min(len(one), len(other))
    for start in range(0, shared, ROWS_IN_STEP):
        rows = slice(start, min(shared, start + ROWS_IN_STEP))
        differs = np.zeros(rows.stop - start, dtype=bool)
        for field in fields(MatchTable):
            left, right = getattr(one, field.name)[rows], getattr(other, field.name)[rows]
            unequal = left != right
            if left.dtype.kind == "f":
                unequal &= ~(np.isnan(left) & np.isnan(right))
            differs |= unequal.astype(bool)
        if differs.any():
            return start + int(differs.argmax())
    return None if len(one) == len(other) else shared


def _joined(old: MatchTable, gone: list[int], new: MatchTable, at: list[int], first: int) -> MatchTable:
    """Return a table without some of its rows and with new ones before given rows; those before ``first`` stay."""
    kept = np.ones(len(old), dtype=bool)
    kept[gone] = False
    source = np.insert(np.where(kept, np.arange(len(old)), -1), at, len(old) + np.arange(len(new)))
    source = source[source >= 0]
    came = np.flatnonzero(source >= len(old))
    order = np.argsort(source[came])
    source[came] = 0  # any row, its values are overwritten

    def column(name: str) -> NDArray[Any]:
        before = getattr(old, name)
        after = np.empty(len(source), dtype=before.dtype)
        for start in range(0, len(source) if len(old) else 0, ROWS_IN_STEP):
            rows = slice(start, start + ROWS_IN_STEP)
            after[rows] = before[rows] if rows.stop <= first else before[source[rows]]
        after[came[order]] = getattr(new, name)
        return after

    return MatchTable(**{field.name: column(field.name) for field in fields(MatchTable)})


def _listed(values: NDArray[np.int64]) -> list[int]:
    listed: list[int] = []
    for start in range(0, len(values), ROWS_IN_STEP):
        listed.extend(values[start : start + ROWS_IN_STEP].tolist())
    return listed


def _newest(known: list[int], kickoffs: NDArray[np.int64]) -> list[int]:
    """Go on with a list of the newest kick-off up to each row."""
    for start in range(0, len(kickoffs), ROWS_IN_STEP):
        newest = accumulate([*known[-1:], *kickoffs[start : start + ROWS_IN_STEP].tolist()], max)
        known.extend(list(newest)[len(known[-1:]) :])
    return known
