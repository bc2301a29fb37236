"""What was known long ago: features of old matches and states to look back from, replayed once when first needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from features.batch import Array
from features.matches import MatchTable
from features.transform import MatchFeatures
from runners.kept_past import KeptPast
from runners.laid_down import LaidDown, laid_down
from runners.replay import Replayed, latest_before, replay
from store.reads import data_digest

REMEMBERED_STATES: Final = 4


class Past:
    """Hold the replay of a table from nothing. Safe to ask from several threads; one of them does the work.

    Args:
        blank: Makes a state that knows nothing.
        table: Played matches, in replay order.
        digest: Of the table, by ``data_digest``; None to take it when it is needed.
    """

    def __init__(self, blank: Callable[[], MatchFeatures], table: MatchTable, digest: str | None = None) -> None:
        self.table, self._digest = table, digest
        self._blank = blank
        self._lock = threading.Lock()
        self._replayed: Replayed | None = None
        self._values: Array | LaidDown | None = None

    @property
    def is_recalled(self) -> bool:
        """Return whether the replay is done, so that asking is quick."""
        return self._replayed is not None or len(self.table) == 0

    def recall(self, kept: KeptPast | None = None) -> Replayed:
        """Return the replay without its features and its last state; the first call takes seconds for many matches.

        Args:
            kept: Where another process may have left it, and where this one leaves it for others.
        """
        with self._lock:
            if self._replayed is not None:
                return self._replayed
            digest = (self._digest or data_digest(self.table)) if kept else ""
            self._replayed, self._values = (kept and kept.read(digest, self._blank)) or (None, None)
            if self._replayed is None:
                done = replay(self._blank(), self.table, keeps_recent_days=False)
                self._values = (kept and kept.write(digest, done)) or laid_down(done.values)
                self._replayed = replace(done, values=np.empty((0, done.values.shape[1])), state=self._blank())
            return self._replayed

    def features(self, rows: Sequence[int]) -> Array:
        """Return the features that matches had before their kick-off, by row. Shape (n, f). May replay as ``recall``."""
        self.recall()
        assert self._values is not None
        return self._values[list(rows)]


class Lookback:
    """Remember the few states of the past that were asked for last.

    Looking one up never waits for a replay; replays take turns, so that they
    leave the interpreter to others and each begins where the last one ended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for moments only: the event loop takes it
        self._turn = threading.Lock()  # held during a replay, by threads only
        self._states: OrderedDict[int, MatchFeatures] = OrderedDict()

    def up_to(self, known: int) -> Lookback:
        """Return a memory of the states that knew no more than so many rows; those of a table that changed later."""
        other = Lookback()
        with self._lock:
            other._states.update({key: state for key, state in self._states.items() if key <= known})
        return other

    def get(self, known: int) -> MatchFeatures | None:
        """Return the state after so many rows, if it is remembered."""
        with self._lock:
            return self._states.get(known)

    def build(self, known: int, day: int, table: MatchTable, starts: tuple[MatchFeatures, ...]) -> MatchFeatures:
        """Return the state after the first ``known`` rows of a table, all of days before ``day``; remember it.

        Args:
            starts: States to move forward from; at least one is older than ``day``.
        """
        with self._turn:
            with self._lock:
                remembered = dict(self._states)
            # Another thread may have made it while this one waited for its turn.
            state = remembered.get(known)
            if state is None:
                state = _moved(known, day, table, (*starts, *remembered.values()))
            self._remember(known, state)
            return state

    def _remember(self, known: int, state: MatchFeatures) -> None:
        with self._lock:
            self._states[known] = state
            self._states.move_to_end(known)
            while len(self._states) > REMEMBERED_STATES:
                self._states.popitem(last=False)


def _moved(known: int, day: int, table: MatchTable, starts: tuple[MatchFeatures, ...]) -> MatchFeatures:
    start = latest_before(starts, day)
    assert start is not None, "a state that knows nothing is among the starts"
    missing = table.take(slice(0, known))
    missing = missing.take(missing.day > start.last_day)
    if len(missing) == 0:
        return start
    state = start.copy()
    state.update(missing)
    return state
