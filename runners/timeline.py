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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.matches import SECONDS_PER_DAY, MatchTable
from features.transform import NEVER, MatchFeatures
from runners.degraded import Reason
from runners.past import Lookback, Past
from runners.played import Played, first_difference
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
        played: The played matches.
        first: Rows from here on were replayed from ``base``; earlier ones are in ``past``.
        current: The state after every match.
        degraded: Why all answers rest on less than they should; empty when all is well.
        described_fixtures: Features of matches to come that the current state has described so far; its users bound it.
    """

    def __init__(
        self,
        base: Base,
        played: Played,
        past: Past,
        recent: tuple[Array, NDArray[np.object_]],
        states: tuple[MatchFeatures, ...],
        degraded: tuple[str, ...],
        lookback: Lookback,
    ) -> None:
        self.base, self.played, self.past, self.degraded = base, played, past, degraded
        self.first = len(past.table)
        self.current = states[-1]
        self._values, self._versions = recent
        self._states = states
        self._lookback = lookback
        self.described_fixtures: dict[Any, Array] = {}
        self._newest, self._day = played.newest, played.days

    @classmethod
    def begin(cls, base: Base, played: Played) -> Timeline:
        """Start from a base."""
        table = played.table
        state, digest, degraded = _start(base, table)
        first = int(np.searchsorted(table.day, state.last_day, side="right"))
        past = Past(base.blank, table.take(slice(0, first)), digest)
        done = replay(state, table.take(slice(first, None)))
        states = (state, *done.checkpoints, done.state)
        return cls(base, played, past, (done.values, done.versions), states, degraded, Lookback())

    @property
    def table(self) -> MatchTable:
        """Return the played matches, in replay order."""
        return self.played.table

    def advanced(self, played: Played, *, same: int = 0) -> Timeline:
        """Return the timeline of other matches: late, corrected and new results cost a replay of the days after them.

        Args:
            same: So many leading rows are known to be those of this timeline.
        """
        table, rest = played.table, slice(same, None)
        row = first_difference(self.table.take(rest), table.take(rest))
        if row is None:
            return self
        day = min(one.days[same + row] for one in (self.played, played) if same + row < len(one))
        start = latest_before(self._states, day)
        if start is None:
            return Timeline.begin(self.base, played)
        known = int(np.searchsorted(table.day, start.last_day, side="right"))
        done = replay(start, table.take(slice(known, None)))
        kept = known - self.first
        values = np.concatenate([self._values[:kept], done.values])
        versions = np.concatenate([self._versions[:kept], done.versions])
        older = tuple(state for state in self._states[1:] if state.last_day <= start.last_day)
        states = (self._states[0], *thinned((*older, *done.checkpoints), done.state.last_day), done.state)
        lookback = self._lookback.up_to(known)
        return Timeline(self.base, played, self.past, (values, versions), states, self.degraded, lookback)

    def row_of(self, match_id: str) -> int | None:
        """Return the row of a played match, None for any other."""
        return self.played.row_of.get(match_id)

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
        return self.past.features(rows), [old.versions[row] for row in rows], newest

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
        days = self.played.days_of.get(competition)
        known = 0 if days is None else bisect_left(days, before)
        return None if days is None or known == 0 else days[known - 1]

    def newest_team_day(self, team: str) -> int:
        """Return the day of the newest match of a team; far in the past if there is none."""
        return self.played.team_day.get(team, NEVER)

    def _starts(self, day: int) -> tuple[MatchFeatures, ...]:
        if latest_before(self._states, day) is not None:
            return self._states
        return (self.base.blank(), *self.past.recall().checkpoints, *self._states)


def _start(base: Base, table: MatchTable) -> tuple[MatchFeatures, str | None, tuple[str, ...]]:
    """Return the state to start from, the digest of the matches of its days if it is known, and why it knows too little."""
    trained = table.take(table.day <= base.state.last_day)
    if len(trained) == base.data_matches and data_digest(trained) == base.data_digest:
        return base.state, base.data_digest, ()
    if len(trained) < FEWEST_SHARE * base.data_matches:
        told = (
            f"the match store holds {len(trained)} of the {base.data_matches} results "
            "that the model was trained on; the state saved with the model is used"
        )
        return base.state, None, (Reason.STORE_INCOMPLETE.told(told),)
    replayed: dict[str, Any] = {"matches_trained_on": base.data_matches, "matches_in_store": len(trained)}
    log.info("the store tells of other results than the model was trained on; replaying all of them", extra=replayed)
    return base.blank(), None, ()
