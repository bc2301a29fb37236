"""The features of a model moving forward through the results that the store has.

A timeline is a pure function of the model and of the played matches: all
workers that read the same store hold the same states, bit for bit, and show
the same digest.

It starts from the state that was saved with the model, where the store still
holds exactly what the model was trained on, and replays what was played since.
Where the store says otherwise about those matches, it starts from nothing and
replays everything: the store is right. Where the store holds much less than
the model knows, such as an empty one, the saved state is kept and every answer
says so.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.matches import SECONDS_PER_DAY, MatchTable
from features.transform import NEVER, MatchFeatures
from runners.past import Lookback, Past
from runners.replay import latest_before, replay, thinned
from store.reads import data_digest

log = logging.getLogger("football.timeline")

FEWEST_SHARE: Final = 0.9
"""Share of the training matches that the store must hold for it to overrule the saved state."""


@dataclass(frozen=True, slots=True)
class Base:
    """Hold the state to start from, and which matches it learned: their digest and number."""

    state: MatchFeatures
    data_digest: str
    data_matches: int

    def blank(self) -> MatchFeatures:
        """Return a state of the same class that knows nothing; the class travels with the model."""
        return type(self.state)()

    @classmethod
    def nothing(cls, like: MatchFeatures) -> Base:
        """Return the base that knows no match."""
        empty = MatchTable.from_columns(match_id=[], competition=[], season=[], kickoff=[], home=[], away=[])
        return cls(type(like)(), data_digest(empty), 0)


@dataclass(frozen=True, slots=True)
class Described:
    """Hold features that were kept: one row, the digest of what was known then, and its newest kick-off."""

    values: Array
    version: str
    newest: int | None


class Timeline:
    """Hold the states that features went through. Never changed once made; ``advanced`` makes the next one.

    Attributes:
        table: The played matches, in replay order.
        first: Rows from here on were replayed from ``base``; earlier ones are in ``past``.
        current: The state after every match.
        degraded: Why all answers rest on less than they should; empty when all is well.
        described_fixtures: Features of matches to come that the current state has described so far; its users bound it.
    """

    def __init__(
        self,
        base: Base,
        table: MatchTable,
        past: Past,
        recent: tuple[Array, NDArray[np.object_]],
        states: tuple[MatchFeatures, ...],
        degraded: tuple[str, ...],
        lookback: Lookback,
    ) -> None:
        self.base, self.table, self.past, self.degraded = base, table, past, degraded
        self.first = len(past.table)
        self.current = states[-1]
        self._values, self._versions = recent
        self._states = states
        self._lookback = lookback
        self.described_fixtures: dict[Any, Array] = {}
        self._row_of = dict(zip(table.match_id.tolist(), range(len(table)), strict=True))
        self._newest: list[int] = list(accumulate(table.kickoff.tolist(), max))
        self._days = _days_of(table)
        # Plain lists: looking one value up in an array takes ten times as long.
        days: list[int] = table.day.tolist()
        self._day = days
        self._team_day: dict[str, int] = dict(zip(table.home.tolist(), days, strict=True))
        for team, day in zip(table.away.tolist(), days, strict=True):
            self._team_day[team] = max(day, self._team_day.get(team, day))

    @classmethod
    def begin(cls, base: Base, table: MatchTable) -> Timeline:
        """Start from a base; ``table`` holds the played matches in replay order."""
        state, degraded = _start(base, table)
        first = int(np.searchsorted(table.day, state.last_day, side="right"))
        past = Past(base.blank, table.take(slice(0, first)))
        done = replay(state, table.take(slice(first, None)))
        states = (state, *done.checkpoints, done.state)
        return cls(base, table, past, (done.values, done.versions), states, degraded, Lookback())

    def advanced(self, table: MatchTable) -> Timeline:
        """Return the timeline of another table: late, corrected and new results cost a replay of the days after them."""
        row = first_difference(self.table, table)
        if row is None:
            return self
        day = min(int(one.day[row]) for one in (self.table, table) if row < len(one))
        start = latest_before(self._states, day)
        if start is None:
            return Timeline.begin(self.base, table)
        known = int(np.searchsorted(table.day, start.last_day, side="right"))
        done = replay(start, table.take(slice(known, None)))
        kept = known - self.first
        values = np.concatenate([self._values[:kept], done.values])
        versions = np.concatenate([self._versions[:kept], done.versions])
        older = tuple(state for state in self._states[1:] if state.last_day <= start.last_day)
        states = (self._states[0], *thinned((*older, *done.checkpoints), done.state.last_day), done.state)
        lookback = self._lookback.up_to(known)
        return Timeline(self.base, table, self.past, (values, versions), states, self.degraded, lookback)

    def row_of(self, match_id: str) -> int | None:
        """Return the row of a played match, None for any other."""
        return self._row_of.get(match_id)

    def is_row_at_hand(self, row: int) -> bool:
        """Return whether the features of a row can be had without a replay."""
        return row >= self.first or self.past.is_recalled

    def described(self, row: int) -> Described:
        """Return the features that a played match had before its kick-off, as training saw them."""
        values, versions, newest = self.described_many([row])
        return Described(values[0], versions[0], newest[0])

    def described_many(self, rows: Sequence[int]) -> tuple[Array, list[str], list[int | None]]:
        """Return of played matches their features, the digests of what was known then, and its newest kick-offs."""
        known = [bisect_left(self._day, self._day[row]) for row in rows]
        newest = [None if before == 0 else self._newest[before - 1] for before in known]
        if min(rows) >= self.first:
            places = [row - self.first for row in rows]
            return self._values[places], [self._versions[place] for place in places], newest
        if len(rows) > 1 and max(rows) >= self.first:
            kept = [self.described(row) for row in rows]
            return np.array([one.values for one in kept]), [one.version for one in kept], newest
        old = self.past.recall()
        return old.values[list(rows)], [old.versions[row] for row in rows], newest

    def known_before(self, day: int) -> int:
        """Return the number of matches of earlier days."""
        return bisect_left(self._day, day)

    def state_at_hand(self, day: int) -> MatchFeatures | None:
        """Return the state that knows exactly the days before a day, if no replay is needed for it."""
        if day > self.current.last_day:
            return self.current
        return self._lookback.get(self.known_before(day))

    def state_before(self, day: int) -> MatchFeatures:
        """Return the state that knows exactly the days before a day; may take a replay."""
        state = self.state_at_hand(day)
        if state is None:
            state = self._lookback.build(self.known_before(day), day, self.table, self._starts(day))
        return state

    def newest_kickoff(self, state: MatchFeatures) -> int | None:
        """Return the kick-off of the newest result that a state knows, None if it knows none."""
        if state.matches_known == 0:
            return None
        known = bisect_right(self._day, state.last_day)
        at_least = int(state.last_day) * SECONDS_PER_DAY
        return max(at_least, self._newest[known - 1]) if known else at_least

    def newest_day(self, competition: str, before: int) -> int | None:
        """Return the day of the newest result of a competition before a day, None if there is none."""
        days = self._days.get(competition)
        known = 0 if days is None else bisect_left(days, before)
        return None if days is None or known == 0 else days[known - 1]

    def newest_team_day(self, team: str) -> int:
        """Return the day of the newest match of a team; far in the past if there is none."""
        return self._team_day.get(team, NEVER)

    def _starts(self, day: int) -> tuple[MatchFeatures, ...]:
        if latest_before(self._states, day) is not None:
            return self._states
        return (self.base.blank(), *self.past.recall().checkpoints, *self._states)


def first_difference(one: MatchTable, other: MatchTable) -> int | None:
    """Return the first row in which two tables differ, None if they are equal."""
    shared = min(len(one), len(other))
    differs = np.zeros(shared, dtype=bool)
    for field in fields(MatchTable):
        left, right = getattr(one, field.name)[:shared], getattr(other, field.name)[:shared]
        unequal = left != right
        if left.dtype.kind == "f":
            unequal &= ~(np.isnan(left) & np.isnan(right))
        differs |= unequal.astype(bool)
    if differs.any():
        return int(differs.argmax())
    return None if len(one) == len(other) else shared


def _start(base: Base, table: MatchTable) -> tuple[MatchFeatures, tuple[str, ...]]:
    trained = table.take(table.day <= base.state.last_day)
    if len(trained) == base.data_matches and data_digest(trained) == base.data_digest:
        return base.state, ()
    if len(trained) < FEWEST_SHARE * base.data_matches:
        reason = (
            f"store_incomplete: the match store holds {len(trained)} of the {base.data_matches} results "
            "that the model was trained on; the state saved with the model is used"
        )
        return base.state, (reason,)
    told: dict[str, Any] = {"matches_trained_on": base.data_matches, "matches_in_store": len(trained)}
    log.info("the store tells of other results than the model was trained on; replaying all of them", extra=told)
    return base.blank(), ()


def _days_of(table: MatchTable) -> Mapping[str, list[int]]:
    codes, numbers = np.unique(table.competition.astype(str), return_inverse=True)
    return {str(code): table.day[numbers == number].tolist() for number, code in enumerate(codes)}
