"""Football years, from 1 July to 30 June: the seasons that a search may look at, and the one it may not.

Days are numbers since 1970-01-01; the end of a window is not included.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.matches import MatchTable
from store.reads import dated
from training.history import TooLittleData, date_of, day_number
from training.walk_forward import FEWEST_TO_FIT

SEARCHED: Final = 4
"""Seasons that are searched unless the first day is given: as many as a search takes an evening for."""
COMPLETE_SHARE: Final = 0.9  # of the matches of the season before; a season broken off by a plague has fewer
_FIRST_MONTH: Final = 7


class Window(NamedTuple):
    """Hold a first day and the day after the last."""

    first: int
    end: int

    def to_plain(self) -> dict[str, str]:
        """Return the first and the last day as dates."""
        return {"from": date_of(self.first).isoformat(), "to": date_of(self.end - 1).isoformat()}

    def overlaps(self, other: Window) -> bool:
        """Return whether a day lies in both."""
        return self.first < other.end and other.first < self.end


@dataclass(frozen=True, slots=True)
class Windows:
    """Hold what is searched and what is kept for the decision, which follows it.

    Attributes:
        competitions: Codes that are predicted; None for all. All are learned from.
    """

    searched: Window
    untouched: Window
    competitions: tuple[str, ...] | None

    def to_plain(self) -> dict[str, Any]:
        """Return the windows as plain data, the competitions where they were chosen; model cards hold no null."""
        chosen = {} if self.competitions is None else {"competitions": list(self.competitions)}
        return {"searched": self.searched.to_plain(), "untouched": self.untouched.to_plain(), **chosen}


def year_of(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the calendar year in which the football year of each day began. Shape (n,).

    >>> year_of(np.array([day_number(dt.date(2020, 6, 30)), day_number(dt.date(2020, 7, 1))])).tolist()
    [2019, 2020]
    """
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 12 * 1970
    return (months - (_FIRST_MONTH - 1)) // 12


def windows_of(
    matches: MatchTable,
    *,
    warm_up_days: int,
    competitions: Sequence[str] | None = None,
    first: dt.date | None = None,
    until: dt.date | None = None,
) -> Windows:
    """Return the newest complete season, and the seasons before it that are searched.

    A season is complete when none of its matches is still to come and it has nine tenths of the matches of the season
    before.

    Args:
        matches: The whole store, fixtures included.
        warm_up_days: Days at the start of the data that are not learned from.
        first: First day that is searched; None takes four seasons, or as many as there is something to learn before.
        until: Take the newest season that was complete on this day; None takes all the data there is.

    Raises:
        TooLittleData: If there is no complete season, or none before it to search.
    """
    matches = matches.take(dated(matches))
    learned = matches.day[matches.played]
    if competitions is not None:
        matches = matches.take(np.isin(matches.competition, list(competitions)))
    if until is not None:
        matches = matches.take(matches.day <= day_number(until))
    year = _newest_complete(matches)
    untouched = _season(year)
    earliest = _earliest(learned, warm_up_days)
    if first is None:
        usable = [y for y in range(year - SEARCHED, year) if _season(y).first >= earliest]
        start = _season(usable[0]).first if usable else untouched.first
    else:
        start = day_number(first)
    searched = Window(start, untouched.first)
    days = matches.day[matches.played]
    if start >= untouched.first or not ((days >= start) & (days < untouched.first)).any():
        raise TooLittleData(
            f"the newest complete season begins on {date_of(untouched.first)}, and no season before it is left to search; "
            "start earlier or ingest earlier seasons"
        )
    return Windows(searched, untouched, None if competitions is None else tuple(sorted(competitions)))


def _newest_complete(matches: MatchTable) -> int:
    year = year_of(matches.day)
    played = dict(zip(*(part.tolist() for part in np.unique(year[matches.played], return_counts=True)), strict=True))
    newest_result = matches.day[matches.played].max(initial=-(2**31))
    unfinished = set(year[~matches.played & (matches.day > newest_result)].tolist())
    for one in sorted(played, reverse=True):
        if one not in unfinished and played[one] >= COMPLETE_SHARE * played.get(one - 1, np.inf):
            return int(one)
    raise TooLittleData(
        f"no season of the chosen matches is complete: played by football year, {played or 'none'}. Ingest whole seasons"
    )


def _season(year: int) -> Window:
    first, end = (day_number(dt.date(one, _FIRST_MONTH, 1)) for one in (year, year + 1))
    return Window(first, end)


def _earliest(learned: NDArray[np.int64], warm_up_days: int) -> int:
    """Return the first day before which there is enough to fit a model."""
    settled = np.sort(learned[learned >= learned.min(initial=2**31) + warm_up_days])
    return int(settled[FEWEST_TO_FIT - 1]) + 1 if len(settled) >= FEWEST_TO_FIT else 2**31
