"""What was known long ago: features of old matches and states to look back from, replayed once when first needed."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from features.batch import Array
from features.matches import MatchTable
from features.transform import MatchFeatures
from runners.replay import Replayed, latest_before, replay

log = logging.getLogger("football.timeline")

REMEMBERED_STATES: Final = 4
FEWEST_LAID_DOWN: Final = 4_096  # rows; fewer are not worth a file


class Past:
    """Hold the replay of a table from nothing. Safe to ask from several threads; one of them does the work."""

    def __init__(self, blank: Callable[[], MatchFeatures], table: MatchTable) -> None:
        self.table = table
        self._blank = blank
        self._lock = threading.Lock()
        self._replayed: Replayed | None = None
        self._values: Array | LaidDown | None = None

    @property
    def is_recalled(self) -> bool:
        """Return whether the replay is done, so that asking is quick."""
        return self._replayed is not None or len(self.table) == 0

    def recall(self) -> Replayed:
        """Return the replay without its features and its last state; the first call takes seconds for many matches."""
        with self._lock:
            if self._replayed is None:
                done = replay(self._blank(), self.table, keeps_recent_days=False)
                self._values = laid_down(done.values)
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


class LaidDown:
    """Hold the rows of an array in a temporary file without a name, which goes with it, and none of them in memory.

    Each is read when it is asked for: in a mapped file they would stay resident once they were.
    """

    def __init__(self, values: Array) -> None:
        with tempfile.TemporaryFile(prefix="football-features-") as file:
            file.write(np.ascontiguousarray(values).data)
            file.flush()
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self._width, self._dtype = values.shape[1], values.dtype

    def __getitem__(self, places: Sequence[int]) -> Array:
        """Return rows by their places. Shape (n, f). Raises OSError if the file is shorter than it was."""
        found = np.empty((len(places), self._width), dtype=self._dtype)
        row_bytes = self._width * self._dtype.itemsize
        for place, row in zip(places, found, strict=True):
            if os.preadv(self._descriptor, [row.data], place * row_bytes) != row_bytes:
                raise OSError(f"row {place} of the features of old matches cannot be read")
        return found


def laid_down(values: Array) -> Array | LaidDown:
    """Return the same rows from a file; few rows, or all where no file can be written, stay in memory. Shape (n, f)."""
    if len(values) < FEWEST_LAID_DOWN:
        return values
    try:
        return LaidDown(values)
    except OSError as error:  # such as a full disk
        log.warning("features of old matches stay in memory", extra={"reason": str(error)})
        return values
