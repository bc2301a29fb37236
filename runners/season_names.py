"""Which season a day belongs to, told from the days on which a competition's seasons were played."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

SUMMER_BREAK_DAYS: Final = (
    45  # longer than any pause within a season of the archive's leagues, shorter than most summers
)
FIRST_MONTH: Final = 7
EPOCH: Final = dt.date(1970, 1, 1)


def season_on(spans: Mapping[str, tuple[int, int]], day: int | None) -> str:
    """Return the season that a day belongs to, or would belong to after the last known one.

    Args:
        spans: First and last day (days since 1970-01-01) of each season; at least one.
        day: None for the latest season.

    >>> season_on({"2014-15": (16300, 16570), "2015-16": (16660, 16930)}, 16700)
    '2015-16'
    >>> season_on({"2015-16": (16660, 16930)}, 17100), season_on({"2015": (16500, 16760)}, 16900)
    ('2016-17', '2016')
    """
    ordered = sorted(spans, key=lambda season: (spans[season][0], season))
    latest = ordered[-1]
    if day is None:
        return latest
    if day > spans[latest][1] + SUMMER_BREAK_DAYS:
        return max(latest, _named(EPOCH + dt.timedelta(days=day), is_split="-" in latest))
    begun = [season for season in ordered if spans[season][0] <= day]
    return begun[-1] if begun else ordered[0]


def may_hold(season: str, date: dt.date) -> bool:
    """Return whether a date lies in a year that a season is named for.

    >>> may_hold("2015-16", dt.date(2016, 5, 1)), may_hold("2015", dt.date(2016, 5, 1))
    (True, False)
    """
    first = int(season[:4])
    return first <= date.year <= first + ("-" in season)


def _named(date: dt.date, *, is_split: bool) -> str:
    if not is_split:
        return str(date.year)
    first = date.year if date.month >= FIRST_MONTH else date.year - 1
    return f"{first}-{(first + 1) % 100:02d}"
