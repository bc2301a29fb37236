"""What a new row does to a match that the store already has.

The source that told the score owns the row and may correct it. Another source
fills what is unknown and never overwrites a score. Nothing makes a played
match unplayed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from store.records import Status
from store.schema import STATISTICS

Row = dict[str, object]
"""One row of the table ``matches`` by column name."""

DERIVED = "derived"
"""Source of fixtures that nobody told us: every other source knows better."""

_OPEN = frozenset({Status.SCHEDULED, Status.POSTPONED})


@dataclass(frozen=True, slots=True)
class Change:
    """Hold what a row changes: new values by column, and those that replace another known value."""

    values: Row = field(default_factory=dict)
    corrected: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    refusal: str | None = None


def merge(stored: Mapping[str, object], incoming: Mapping[str, object]) -> Change:
    """Return what an incoming row changes of a stored one, or why it is refused.

    Both are rows of ``matches``; ``match_id`` and ``changed_at`` are left alone.
    """
    if stored["source"] == incoming["source"]:
        return _same_source(stored, incoming)
    if stored["source"] == DERIVED or (stored["status"] in _OPEN and incoming["status"] not in _OPEN):
        return _change(stored, _told(incoming), is_news=True)
    if incoming["source"] == DERIVED:
        return Change()
    return _another_source(stored, incoming)


def _same_source(stored: Mapping[str, object], incoming: Mapping[str, object]) -> Change:
    if stored["status"] not in _OPEN and incoming["status"] in _OPEN:
        return Change(refusal=f"the match was {_result(stored)} and cannot be {incoming['status']} again")
    values = _told(incoming)
    if incoming["is_date_only"] and _same_day(stored, incoming):
        del values["kickoff"], values["is_date_only"]
    if incoming["status"] not in _OPEN and incoming["home_goals"] is None:
        values |= {"home_goals": None, "away_goals": None}
    return _change(stored, values, is_news=stored["status"] in _OPEN and incoming["status"] not in _OPEN)


def _another_source(stored: Mapping[str, object], incoming: Mapping[str, object]) -> Change:
    if stored["status"] in _OPEN:
        return _change(stored, _unknown(stored, incoming) | _new_date(stored, incoming), is_news=False)
    if incoming["status"] in _OPEN:
        return Change()
    if stored["status"] == Status.ABANDONED and incoming["status"] == Status.PLAYED and not _same_day(stored, incoming):
        return _change(stored, _told(incoming), is_news=True)
    if stored["status"] != incoming["status"] or Status.PLAYED not in {stored["status"], incoming["status"]}:
        return Change()
    if _goals(stored) != _goals(incoming):
        return Change(
            refusal=f"{incoming['source']} says {_result(incoming)}, but {stored['source']} said {_result(stored)} "
            f"({stored['origin']}); the first score is kept"
        )
    return _change(stored, _unknown(stored, incoming) | _time_of_day(stored, incoming), is_news=False)


def _change(stored: Mapping[str, object], values: Mapping[str, object], *, is_news: bool) -> Change:
    """Keep what differs; a replaced value is a correction unless the match was only now played."""
    changed = {name: value for name, value in values.items() if value != stored[name]}
    if set(changed) <= {"origin"}:
        return Change()
    gains_time = stored["is_date_only"] and _same_day(stored, {**stored, **changed})
    silent = {"origin", "is_date_only", "source", "source_home", "source_away"} | ({"kickoff"} if gains_time else set())
    corrected = {
        name: (stored[name], value)
        for name, value in changed.items()
        if stored[name] is not None and name not in silent and not is_news
    }
    return Change(values=changed, corrected=corrected)


def _told(incoming: Mapping[str, object]) -> Row:
    """Return the columns that a row says something about."""
    skipped = {"match_id", "changed_at", "competition", "season", "home", "away", "leg"}
    told = {name: value for name, value in incoming.items() if value is not None and name not in skipped}
    if incoming["kickoff"] is None:
        told.pop("is_date_only", None)
    return told


def _unknown(stored: Mapping[str, object], incoming: Mapping[str, object]) -> Row:
    names = (*STATISTICS, "round")
    return {name: incoming[name] for name in names if stored[name] is None and incoming[name] is not None}


def _new_date(stored: Mapping[str, object], incoming: Mapping[str, object]) -> Row:
    """Return date and status that another source may give to a match that is still open."""
    if incoming["kickoff"] is None:
        return {}
    date = {"kickoff": incoming["kickoff"], "is_date_only": incoming["is_date_only"]}
    if stored["kickoff"] is None:
        return date
    if (
        stored["status"] == Status.POSTPONED
        and incoming["status"] == Status.SCHEDULED
        and not _same_day(stored, incoming)
    ):
        return date | {"status": incoming["status"]}
    if stored["status"] == Status.SCHEDULED and incoming["status"] == Status.POSTPONED:
        return {"status": incoming["status"]}
    return _time_of_day(stored, incoming)


def _time_of_day(stored: Mapping[str, object], incoming: Mapping[str, object]) -> Row:
    if stored["is_date_only"] and not incoming["is_date_only"] and _same_day(stored, incoming):
        return {"kickoff": incoming["kickoff"], "is_date_only": False}
    return {}


def _same_day(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Say whether two kick-offs can be one date; a date alone is the local one, which begins up to 14 h before UTC's."""
    first, second = one["kickoff"], other["kickoff"]
    if not isinstance(first, int) or not isinstance(second, int):
        return False
    if one["is_date_only"] == other["is_date_only"]:
        return first // 86_400 == second // 86_400
    day, time = (first, second) if one["is_date_only"] else (second, first)
    return day - 14 * 3_600 <= time < day + 36 * 3_600


def _goals(row: Mapping[str, object]) -> tuple[object, object]:
    return row["home_goals"], row["away_goals"]


def _result(row: Mapping[str, object]) -> str:
    score = "" if row["home_goals"] is None else f" {row['home_goals']}-{row['away_goals']}"
    return f"{row['status']}{score}"


def shown(column: str, value: object) -> str:
    """Return a value for people: a kick-off as a UTC time, anything else as it is.

    >>> shown("kickoff", 1440180000), shown("home_goals", 2)
    ('2015-08-21 18:00', '2')
    """
    if column == "kickoff" and isinstance(value, int):
        return f"{dt.datetime.fromtimestamp(value, tz=dt.UTC):%Y-%m-%d %H:%M}"
    return str(value)
