"""The last line against impossible rows, whatever source they come from."""

from __future__ import annotations

import datetime as dt

from store.records import MatchRecord, Statistics, Status
from store.schema import STATISTICS

MOST_GOALS = 40
"""More goals of one team than ever in a match that counted (Arbroath 36, in 1885; Australia 31, in 2001)."""

_MOST = {"shots": 150, "shots_on_target": 100, "corners": 60, "yellow_cards": 30, "red_cards": 11, "xg": 30.0}

FIRST_YEAR = 1850
"""No kick-off is earlier: the first rules of more than one club are of 1863."""

_FURTHEST_AHEAD = dt.timedelta(days=3 * 366)
_CLOCKS_DIFFER = dt.timedelta(hours=3)
_DATES_DIFFER = dt.timedelta(days=1)  # midnight UTC of the local date, which begins up to 14 h before UTC's
_OVER = frozenset({Status.PLAYED, Status.AWARDED, Status.ABANDONED})


def implausible(record: MatchRecord, *, now: dt.datetime) -> str | None:
    """Say why a row cannot be true at an instant, or return None."""
    return (
        _teams(record)
        or _goals(record)
        or _kickoff(record)
        or _time(record, now)
        or _half_time(record)
        or _statistics(record.statistics)
    )


def _teams(record: MatchRecord) -> str | None:
    if not record.home.strip() or not record.away.strip():
        return f"a match needs two teams; given {record.home!r} and {record.away!r}"
    if record.home.strip() == record.away.strip():
        return f"{record.home!r} cannot play against itself"
    return None


def _goals(record: MatchRecord) -> str | None:
    home, away = record.home_goals, record.away_goals
    if (home is None) != (away is None):
        return f"one team's goals are missing: {_score(record)}"
    if home is None or away is None:
        return "a played match needs its goals" if record.status is Status.PLAYED else None
    if not (0 <= home <= MOST_GOALS and 0 <= away <= MOST_GOALS):
        return f"impossible score {_score(record)}; expected 0 to {MOST_GOALS} goals a team"
    if record.status in {Status.SCHEDULED, Status.POSTPONED}:
        return f"a {record.status} match cannot have the score {_score(record)}"
    return None


def _kickoff(record: MatchRecord) -> str | None:
    if record.kickoff is None:
        return "a played match needs its date" if record.status is Status.PLAYED else None
    if record.kickoff.utcoffset() is None:
        return f"the kick-off {record.kickoff} has no time zone; expected UTC"
    return None


def _time(record: MatchRecord, now: dt.datetime) -> str | None:
    if record.kickoff is None:
        return None
    ahead = record.kickoff - now
    given = f"{record.kickoff:%Y-%m-%d %H:%M} UTC"
    if record.status in _OVER and ahead > (_DATES_DIFFER if record.is_date_only else _CLOCKS_DIFFER):
        return f"a match that kicks off at {given} cannot be {record.status} already; it is {now:%Y-%m-%d %H:%M} UTC"
    if record.kickoff.year < FIRST_YEAR or ahead > _FURTHEST_AHEAD:
        return f"no match kicks off at {given}; expected {FIRST_YEAR} to 3 years from now"
    return None


def _half_time(record: MatchRecord) -> str | None:
    statistics = record.statistics
    for half, full in (
        (statistics.home_half_time_goals, record.home_goals),
        (statistics.away_half_time_goals, record.away_goals),
    ):
        if half is not None and (half < 0 or (full is not None and half > full)):
            given = f"{statistics.home_half_time_goals}-{statistics.away_half_time_goals}"
            return f"half-time score {given} is impossible with the full-time score {_score(record)}"
    return None


def _statistics(statistics: Statistics) -> str | None:
    if statistics == _NOTHING:
        return None
    for name in STATISTICS:
        value = getattr(statistics, name)
        if value is None or name.endswith("half_time_goals"):
            continue
        if name.startswith(("odds_", "closing_")):
            if not 1.0 < value <= 10_000:
                return f"{name} {value} are no decimal odds; expected more than 1 and at most 10000"
        elif not 0 <= value <= _MOST[name.partition("_")[2]]:
            return f"{name} {value} is impossible; expected 0 to {_MOST[name.partition('_')[2]]}"
    return None


def _score(record: MatchRecord) -> str:
    return f"{record.home_goals}-{record.away_goals}"


_NOTHING = Statistics()
