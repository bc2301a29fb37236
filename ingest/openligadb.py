"""OpenLigaDB's open JSON API: results and fixtures of the German leagues.

Reads ``getmatchdata/{league}/{season}`` in both spellings of its fields
(``matchID`` today, ``MatchID`` before). Kick-offs are given in UTC. Of the
results type 1 is half-time and type 2 the end of normal time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec

from ingest.download import fetch
from ingest.errors import RowRefused, SourceMissing
from ingest.json_file import parsed, rejected
from ingest.seasons import split_season
from store.records import MatchRecord, Statistics, Status
from store.rejects import Reject

SOURCE = "openligadb"
BASE_URL = "https://api.openligadb.de"

COMPETITIONS = {"bl1": "de.1", "bl2": "de.2", "bl3": "de.3", "dfb": "de.cup"}
"""Our competition code by OpenLigaDB's league shortcut."""

_HALF_TIME, _NORMAL_TIME = 1, 2
_AFTER_NORMAL_TIME = ("verl", "elfm", "penalt", "extra")


def address(league: str, season: int, *, base_url: str = BASE_URL) -> str:
    """Return the address of a season's matches; ``season`` is the year it begins.

    Raises:
        SourceMissing: If the league is none that we know.
    """
    if league not in COMPETITIONS:
        raise SourceMissing(f"League {league!r} is not known; expected one of {', '.join(sorted(COMPETITIONS))}.")
    return f"{base_url.rstrip('/')}/getmatchdata/{league}/{season}"


def fetch_season(league: str, season: int, *, base_url: str = BASE_URL) -> bytes:
    """Download a season's matches.

    Raises:
        SourceMissing: If the league is none that we know.
        DownloadFailed: If the server does not answer 200.
    """
    return fetch(address(league, season, base_url=base_url))


def read(data: bytes, league: str, season: int) -> Iterator[MatchRecord | Reject]:
    """Read the answer of ``getmatchdata``: a JSON list of matches."""
    origin = f"getmatchdata/{league}/{season}"
    document = parsed(data, origin)
    if isinstance(document, Reject):
        yield document
        return
    if not isinstance(document, list):
        yield Reject(
            origin=origin,
            reason="the answer is no list of matches; expected that of getmatchdata",
            row=str(document)[:200],
        )
        return
    for number, match in enumerate(document, 1):
        try:
            yield _record(match, COMPETITIONS[league], split_season(season), f"{origin}, match {number}")
        except RowRefused as refusal:
            yield rejected(origin, number, refusal, match)


class _Team(msgspec.Struct):
    teamname: str


class _Group(msgspec.Struct):
    grouporderid: int | None = None
    groupname: str | None = None


class _Result(msgspec.Struct):
    pointsteam1: int
    pointsteam2: int
    resulttypeid: int | None = None
    resultname: str | None = None


class _Match(msgspec.Struct):
    team1: _Team
    team2: _Team
    matchisfinished: bool
    matchdatetimeutc: str | None = None
    group: _Group | None = None
    matchresults: list[_Result] = msgspec.field(default_factory=list)


def _record(match: Any, competition: str, season: str, origin: str) -> MatchRecord:
    try:
        row = msgspec.convert(_lower_keys(match), _Match)
    except msgspec.ValidationError as error:
        raise RowRefused(f"not a match of OpenLigaDB: {error}") from error
    # A match that is going on has results too, but not yet any that counts.
    goals = _normal_time(row) if row.matchisfinished else (None, None)
    half = _half_time(row) if row.matchisfinished else (None, None)
    return MatchRecord(
        competition=competition,
        season=season,
        kickoff=_kickoff(row.matchdatetimeutc),
        is_date_only=False,
        home=row.team1.teamname.strip(),
        away=row.team2.teamname.strip(),
        status=Status.PLAYED if row.matchisfinished else Status.SCHEDULED,
        home_goals=goals[0],
        away_goals=goals[1],
        round=_round(row.group, competition),
        statistics=Statistics(home_half_time_goals=half[0], away_half_time_goals=half[1]),
        source=SOURCE,
        origin=origin,
    )


def _normal_time(row: _Match) -> tuple[int, int]:
    """Return the goals after 90 minutes.

    Volunteers type the results in. Where extra time followed, normal time must have ended level (the cup has no
    second legs); an end result that is not level was typed in with the extra goals, and tells nothing of 90 minutes.
    """
    ends = [(r.pointsteam1, r.pointsteam2) for r in row.matchresults if r.resulttypeid == _NORMAL_TIME]
    if not ends:
        raise RowRefused("the match is marked as finished but has no end result (resultTypeID 2)")
    went_on = any(word in (r.resultname or "").lower() for r in row.matchresults for word in _AFTER_NORMAL_TIME)
    if went_on and ends[0][0] != ends[0][1]:
        raise RowRefused(
            f"extra time was played, so the score after 90 minutes was level; the end result says {ends[0][0]}-{ends[0][1]}"
        )
    return ends[0]


def _half_time(row: _Match) -> tuple[int, int] | tuple[None, None]:
    halves = [(r.pointsteam1, r.pointsteam2) for r in row.matchresults if r.resulttypeid == _HALF_TIME]
    return halves[0] if halves else (None, None)


def _round(group: _Group | None, competition: str) -> str | None:
    """Name the round as other sources of leagues do, so that both mean the same match."""
    if group is None:
        return None
    if competition.endswith(".cup") or group.grouporderid is None:
        return group.groupname
    return f"Matchday {group.grouporderid}"


def _kickoff(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise RowRefused(f"matchDateTimeUTC {text!r} is not written like 2021-08-13T18:30:00Z") from error
    return instant.astimezone(dt.UTC) if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


def _lower_keys(value: Any) -> Any:
    """Return JSON with the names of all fields in lower case."""
    if isinstance(value, dict):
        return {key.lower(): _lower_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower_keys(item) for item in value]
    return value
