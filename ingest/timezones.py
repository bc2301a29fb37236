"""From local kick-off times to UTC.

Each association has one time zone here: that of its league office, in which
fixture lists are written. Clubs far from it (Perth, Vladivostok, Manaus) play
by their own clocks, so their kick-offs may be some hours off; days stay right.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

from features.matches import association_of
from store.records import MatchRecord

_ZONES = {
    "ar": "America/Argentina/Buenos_Aires", "at": "Europe/Vienna", "au": "Australia/Sydney", "be": "Europe/Brussels",
    "br": "America/Sao_Paulo", "ch": "Europe/Zurich", "cn": "Asia/Shanghai", "cz": "Europe/Prague",
    "de": "Europe/Berlin", "dk": "Europe/Copenhagen", "en": "Europe/London", "en-w": "Europe/London",
    "es": "Europe/Madrid", "fi": "Europe/Helsinki", "fr": "Europe/Paris", "gr": "Europe/Athens",
    "hu": "Europe/Budapest", "ie": "Europe/Dublin", "it": "Europe/Rome", "jp": "Asia/Tokyo",
    "mx": "America/Mexico_City", "nl": "Europe/Amsterdam", "no": "Europe/Oslo", "pl": "Europe/Warsaw",
    "pt": "Europe/Lisbon", "ro": "Europe/Bucharest", "ru": "Europe/Moscow", "sco": "Europe/London",
    "se": "Europe/Stockholm", "tr": "Europe/Istanbul", "us": "America/New_York", "us-w": "America/New_York",
    "za": "Africa/Johannesburg",
    # Continental fixture lists are written in Central European Time, wherever the match is.
    "uefa": "Europe/Zurich",
}  # fmt: skip

UNITED_KINGDOM = ZoneInfo("Europe/London")
GERMANY = ZoneInfo("Europe/Berlin")


def zone_of(competition: str) -> ZoneInfo | None:
    """Return the time zone in which a competition's fixture list is written, None where we know none."""
    name = _ZONES.get(association_of(competition))
    return None if name is None else _zone(name)


def kickoff_of(day: dt.date, time: dt.time | None, zone: ZoneInfo | None) -> tuple[dt.datetime, bool]:
    """Return the kick-off in UTC, and whether only its day is known.

    Midnight UTC of the same day where there is no time, or no zone to read it in.

    >>> kickoff_of(dt.date(2015, 8, 14), dt.time(20, 30), GERMANY)
    (datetime.datetime(2015, 8, 14, 18, 30, tzinfo=datetime.timezone.utc), False)
    """
    if time is None or zone is None:
        return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC), True
    return _to_utc(day, time, zone), False


def local_day(record: MatchRecord) -> dt.date | None:
    """Return the day of the match on its own fixture list, None where it has none."""
    if record.kickoff is None:
        return None
    zone = zone_of(record.competition)
    if record.is_date_only or zone is None:
        return record.kickoff.date()
    return _local(record.kickoff, zone).date()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=1 << 15)
def _to_utc(day: dt.date, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, time, tzinfo=zone).astimezone(dt.UTC)


@lru_cache(maxsize=1 << 15)
def _local(instant: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return instant.astimezone(zone)
