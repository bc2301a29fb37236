"""Moving a feature state through played matches day by day, and keeping what was known before each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.matches import MatchTable
from features.transform import MatchFeatures

# A state of 90,000 matches takes 13 MB, a replay of this many two seconds: a few of them bridge any past.
MATCHES_BETWEEN_CHECKPOINTS: Final = 30_000
RECENT_DAYS: Final = 10  # results are corrected or come late within days


@dataclass(frozen=True, slots=True)
class Replayed:
    """Hold what a replay of n matches left behind.

    Attributes:
        values: The features of each match as of its kick-off. Shape (n, f).
        versions: Digest of all that was known before the day of each match. Shape (n,).
        checkpoints: States on the way, oldest first.
        state: After the last match.
    """

    values: Array
    versions: NDArray[np.object_]
    checkpoints: tuple[MatchFeatures, ...]
    state: MatchFeatures


def in_replay_order(table: MatchTable) -> MatchTable:
    """Return the played matches by day, then match id: the order in which they are learned."""
    played = table.take(table.played)
    return played.take(np.lexsort((played.match_id.astype(str), played.day)))


def replay(
    start: MatchFeatures,
    table: MatchTable,
    *,
    spacing: int = MATCHES_BETWEEN_CHECKPOINTS,
    keeps_recent_days: bool = True,
) -> Replayed:
    """Learn a table in replay order, starting from a copy of a state that is older than all of it.

    ``keeps_recent_days`` adds the checkpoints that corrections of the last days are redone from.
    """
    state = start.copy() if len(table) else start
    values = np.empty((len(table), len(state.names)))
    versions = np.empty(len(table), dtype=object)
    checkpoints: list[MatchFeatures] = []
    starts = day_starts(table)
    wanted = _wanted(table, starts, state.matches_known, spacing, keeps_recent_days)
    for first, end in pairwise([*starts, len(table)]):
        if first in wanted:
            checkpoints.append(state.copy())
        versions[first:end] = state.digest
        values[first:end] = state.update(table.take(slice(first, end))).values
    return Replayed(values, versions, tuple(checkpoints), state)


def day_starts(table: MatchTable) -> list[int]:
    """Return the first row of each day of a table in replay order."""
    starts: list[int] = np.unique(table.day, return_index=True)[1].tolist()
    return starts


def latest_before(states: Sequence[MatchFeatures], day: int) -> MatchFeatures | None:
    """Return the newest state that knows nothing of a day or later, None if there is none."""
    older = [state for state in states if state.last_day < day]
    return max(older, key=lambda state: state.last_day, default=None)


def thinned(
    states: Sequence[MatchFeatures], newest_day: int, *, spacing: int = MATCHES_BETWEEN_CHECKPOINTS
) -> tuple[MatchFeatures, ...]:
    """Return the states worth keeping: one every so many matches, and those that recent days can be redone from."""
    by_day = {state.last_day: state for state in sorted(states, key=lambda state: state.last_day)}
    ordered = list(by_day.values())
    buckets = {state.matches_known // spacing: state for state in reversed(ordered)}
    kept = {id(state) for state in buckets.values()}
    settled = [state for state in ordered if state.last_day < newest_day - RECENT_DAYS]
    recent = [state for state in ordered if newest_day - RECENT_DAYS <= state.last_day < newest_day]
    kept |= {id(state) for state in (*settled[-1:], *recent[:1], *recent[-1:])}
    return tuple(state for state in ordered if id(state) in kept)


def _wanted(table: MatchTable, starts: list[int], known: int, spacing: int, keeps_recent_days: bool) -> set[int]:
    """Return the rows before which a checkpoint is taken."""
    if not starts:
        return set()
    days = table.day[starts]
    buckets = [(known + row) // spacing for row in starts]
    spaced = {row for row, (before, bucket) in zip(starts[1:], pairwise(buckets), strict=True) if before != bucket}
    recent = {starts[int(np.searchsorted(days, days[-1] - RECENT_DAYS))], starts[-1]}
    return (spaced | recent if keeps_recent_days else spaced) - {0}  # the first row is where the replay starts from
