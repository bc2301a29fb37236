"""The dates between which a season is played, and the season a date belongs to.

A season is written ``"2015-16"`` where it spans two years, ``"2019"`` where it
lies in one. A date outside its season's window is never used as it stands.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache

from features.matches import association_of
from ingest.errors import RowRefused

_SEASON = re.compile(r"(\d{4})(?:-(\d{2}))?")

# Associations whose season is a calendar year, and since when. A year before that means a season over two years.
_CALENDAR_YEAR_SINCE = {
    "ar": 2020, "br": 1971, "by": 1992, "cn": 1994, "ee": 1992, "fi": 1908, "fo": 1942, "ie": 2003, "int": 1872,
    "is": 1912, "jp": 1993, "kr": 1983, "kz": 1992, "lt": 1991, "lv": 1992, "no": 1963, "se": 1959, "us": 1996,
    "us-w": 2013,
}  # fmt: skip

# Last days of the seasons that the pandemic moved. Most leagues that went on ended by the English play-off final of
# 4 August; the named ones ended later, or had begun the next season by then.
_PANDEMIC_LAST_DAY = dt.date(2020, 8, 5)
_PANDEMIC_CUP_LAST_DAY = dt.date(2020, 9, 15)
_EXCEPTIONAL_LAST_DAY = {
    ("ar", "2020"): dt.date(2021, 1, 31),
    ("au", "2019-20"): dt.date(2020, 8, 31),
    ("br", "2020"): dt.date(2021, 2, 28),
    ("ch", "2019-20"): dt.date(2020, 8, 10),
    ("es", "2019-20"): dt.date(2020, 8, 23),
    ("it", "2019-20"): dt.date(2020, 8, 20),
    ("mx", "2019-20"): dt.date(2020, 6, 30),
    ("ro", "2019-20"): dt.date(2020, 8, 15),
    ("sco", "2019-20"): dt.date(2020, 6, 30),
    ("uefa", "2019-20"): dt.date(2020, 8, 23),
    ("za", "2019-20"): dt.date(2020, 9, 30),
}


@dataclass(frozen=True, slots=True)
class Window:
    """Hold the first and the last day on which a season may be played, both included."""

    first: dt.date
    last: dt.date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, dt.date) and self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@lru_cache(maxsize=4096)
def window(competition: str, season: str) -> Window:
    """Return the window of a season: 1 July to 30 June, or 1 January to 31 December, save known exceptions.

    Continental seasons open on 20 June with their qualifying rounds.

    Raises:
        RowRefused: If ``season`` is neither of the two forms.

    >>> print(window("de.1", "2015-16"), window("br.1", "2020"), sep="; ")
    2015-07-01 to 2016-06-30; 2020-01-01 to 2021-02-28
    """
    year = first_year(season)
    association = association_of(competition)
    if "-" in season:
        first = dt.date(year, 6, 20) if association == "uefa" else dt.date(year, 7, 1)
        last = dt.date(year + 1, 6, 30)
    else:
        first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    if season == "2019-20":
        last = _PANDEMIC_CUP_LAST_DAY if competition.endswith(".cup") else _PANDEMIC_LAST_DAY
    return Window(first, _EXCEPTIONAL_LAST_DAY.get((association, season), last))


@lru_cache(maxsize=1 << 15)
def season_of(competition: str, day: dt.date) -> str:
    """Return the season in which a competition plays on a day; the earlier one where two overlap.

    >>> season_of("en.1", dt.date(2016, 5, 15)), season_of("br.1", dt.date(2021, 2, 25))
    ('2015-16', '2020')
    """
    since = _CALENDAR_YEAR_SINCE.get(association_of(competition), dt.MAXYEAR)
    for year in (day.year - 1, day.year):
        season = str(year) if year >= since else split_season(year)
        if day in window(competition, season):
            return season
    # Windows of neighbouring seasons meet or overlap, so one of the two holds the day.
    raise AssertionError("unreachable")


def split_season(first_year: int) -> str:
    """Return the name of a season that begins in one year and ends in the next.

    >>> split_season(1999)
    '1999-00'
    """
    return f"{first_year}-{(first_year + 1) % 100:02d}"


def first_year(season: str) -> int:
    """Return the year in which a season begins.

    Raises:
        RowRefused: If it is not written like "2015-16" or "2019".
    """
    found = _SEASON.fullmatch(season)
    if found is None or (found[2] is not None and int(found[2]) != (int(found[1]) + 1) % 100):
        raise RowRefused(f"season {season!r} is not written like '2015-16' or '2019'")
    return int(found[1])
