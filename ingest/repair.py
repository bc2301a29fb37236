"""Dates that cannot be: repaired by one stated rule, or refused; never used as they stand.

A match dated too early would let its result tell about matches before it.

The rule. A date is doubted if it lies outside the season's window, or before the
first round though the match is of a later one, or more than half a year before
or after the place that the order of rounds gives it. It is repaired if moving it
by exactly one year puts it inside the window and within 45 days of that place.
Otherwise it is refused, except that a match inside the window and later than its
place stays: matches are postponed by months, but none is played half a year
ahead of its round, nor before the season opens.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ingest.round_order import Place, places
from ingest.seasons import Window, window
from ingest.timezones import kickoff_of, local_day, zone_of
from store.records import MatchRecord
from store.rejects import Reject

_HALF_YEAR_DAYS = 183
_IN_ORDER_DAYS = 45


@dataclass(frozen=True, slots=True)
class Repair:
    """Say which match was moved, from which day to which, and why."""

    origin: str
    match: str
    given: dt.date
    used: dt.date
    reason: str


@dataclass(frozen=True, slots=True)
class SettledDates:
    """Hold the records whose dates can be true, what was repaired, and what was refused."""

    records: list[MatchRecord] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def settle_dates(records: Sequence[MatchRecord]) -> SettledDates:
    """Check each date against its season's window and the order of rounds, and repair or refuse it.

    Args:
        records: Of any competitions and seasons, in the source's order; undated fixtures pass.
    """
    settled = SettledDates()
    seasons: dict[tuple[str, str], list[tuple[MatchRecord, dt.date]]] = defaultdict(list)
    for record in records:
        day = local_day(record)
        if day is None:
            settled.records.append(record)
        else:
            seasons[record.competition, record.season].append((record, day))
    for (competition, season), rows in seasons.items():
        span = window(competition, season)
        where = places([record.round for record, _ in rows], [day for _, day in rows])
        for (record, day), place in zip(rows, where, strict=True):
            _settle(record, day, place, span, settled)
    return settled


def _settle(record: MatchRecord, day: dt.date, place: Place, span: Window, settled: SettledDates) -> None:
    is_inside = day in span
    is_too_early = place.is_before_opening(day) or place.days_early(day) > _HALF_YEAR_DAYS
    if is_inside and not is_too_early and place.days_late(day) <= _HALF_YEAR_DAYS:
        settled.records.append(record)
        return
    doubt = _doubt(record, day, place, span)
    moved = _moved_by_a_year(day, place, span)
    if moved is not None:
        settled.records.append(_on(record, day, moved))
        match = f"{record.home} v {record.away}"
        settled.repairs.append(Repair(record.origin, match, day, moved, f"{doubt}; one year on or back is in order"))
    elif is_inside and not is_too_early:
        settled.records.append(record)
    else:
        row = f"{record.competition} {record.season} {day} {record.home} v {record.away}"
        settled.rejects.append(Reject(origin=record.origin, reason=f"{doubt}; correct the date in the source", row=row))


def _moved_by_a_year(day: dt.date, place: Place, span: Window) -> dt.date | None:
    """Return the day one year on or back if it fits, the place being known; None if none does."""
    if not place.is_known:
        return None
    for years in (-1, 1):
        try:
            moved = day.replace(year=day.year + years)
        except ValueError:  # 29 February
            continue
        if moved in span and place.days_off(moved) <= _IN_ORDER_DAYS:
            return moved
    return None


def _doubt(record: MatchRecord, day: dt.date, place: Place, span: Window) -> str:
    if day not in span:
        return f"date {day} is outside the season {record.season} ({span})"
    direction = "before" if place.days_early(day) else "after"
    due = place.first if place.days_early(day) else place.last
    return f"date {day} is {place.days_off(day)} days {direction} {due}, when {record.round} was due"


def _on(record: MatchRecord, given: dt.date, day: dt.date) -> MatchRecord:
    """Return the record on another day, at the same local time."""
    if record.kickoff is None or record.is_date_only:
        return replace(record, kickoff=kickoff_of(day, None, None)[0])
    zone = zone_of(record.competition) or dt.UTC
    local = record.kickoff.astimezone(zone)
    shifted = local.replace(year=local.year + day.year - given.year)
    return replace(record, kickoff=shifted.astimezone(dt.UTC))
