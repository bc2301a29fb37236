"""Played matches with their features as of kick-off: what every fit and every evaluation starts from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.frame import FeatureFrame
from features.matches import SECONDS_PER_DAY, MatchTable
from features.transform import MatchFeatures


class TooLittleData(ValueError):
    """Say how many matches there are, how many are needed, and how to get them."""


@dataclass(frozen=True, slots=True)
class History:
    """Hold played matches by kick-off, each with its features from earlier days only."""

    matches: MatchTable
    features: FeatureFrame

    def __len__(self) -> int:
        return len(self.matches)

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return the chosen matches; a slice of them shares its memory with this history."""
        return type(self)(self.matches.take(rows), self.features.take(rows))

    def before(self, day: int) -> Self:
        """Return the matches of days before a day (days since 1970-01-01)."""
        return self.take(slice(0, self._place(day)))

    def between(self, first: int, end: int) -> Self:
        """Return the matches of days from ``first`` up to, not including, ``end``."""
        return self.take(slice(self._place(first), self._place(end)))

    def after_warm_up(self, days: int) -> Self:
        """Return the matches later than the first so many days of the data, whose ratings have settled."""
        return self.take(slice(self._place(int(self.matches.day[0]) + days), None))

    def _place(self, day: int) -> int:
        return int(np.searchsorted(self.matches.kickoff, day * SECONDS_PER_DAY))


def walk(matches: MatchTable) -> tuple[MatchFeatures, History]:
    """Walk through all played matches once; return the features' state after them, and the matches described.

    Raises:
        TooLittleData: If no match has been played.
    """
    played = matches.take(matches.played).by_kickoff()
    if len(played) == 0:
        raise TooLittleData("the match store holds no played match; run `football ingest sample` or another source")
    state = MatchFeatures()
    return state, History(played, state.update(played))


def day_number(date: dt.date) -> int:
    """Return a date as days since 1970-01-01.

    >>> day_number(dt.date(1970, 1, 2))
    1
    """
    return date.toordinal() - dt.date(1970, 1, 1).toordinal()


def date_of(day: int) -> dt.date:
    """Return the date of a day number.

    >>> date_of(1)
    datetime.date(1970, 1, 2)
    """
    return dt.datetime.fromtimestamp(int(day) * SECONDS_PER_DAY, tz=dt.UTC).date()
