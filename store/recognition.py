"""Which matches of the store the rows of a source are of, without saving anything.

The same names, the same legs and the same refusals as when rows are saved.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from features.matches import association_of
from store.database import reading
from store.identity import Appointment, assign_legs, is_repeat
from store.plausibility import implausible
from store.records import MatchRecord, Status
from store.rejects import Reject, reject_of, result_of
from store.rosters import settle_roster
from store.schema import matches
from store.teams import TeamDirectory, load_directory

_Pairing = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Recognition:
    """Hold the match id of each record that was recognised, by its position, and why the others were not."""

    match_ids: dict[int, str] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Stored:
    """Hold what tells a stored match from another."""

    match_id: str
    appointment: Appointment
    score: tuple[int | None, int | None]


def recognise(engine: sa.Engine, records: Sequence[MatchRecord], *, now: dt.datetime | None = None) -> Recognition:
    """Find the stored match of each record; the store stays as it is.

    A record is refused where it cannot be true, where a team is unknown, where the store has no such match or
    another score of it, and where it repeats an earlier record.

    Args:
        engine: From ``open_store``.
        records: Of any competitions and seasons.
        now: Aware; no match is over that kicks off later. None is the clock's.
    """
    now = now or dt.datetime.now(dt.UTC)
    found = Recognition()
    seasons: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position, record in enumerate(records):
        reason = implausible(record, now=now)
        if reason is None:
            seasons[record.competition, record.season].append(position)
        else:
            found.rejects.append(reject_of(record, reason))
    with reading(engine) as connection:
        directory = load_directory(connection, {association_of(competition) for competition, _ in seasons})
        for season in sorted(seasons):
            stored = _stored(connection, season)
            for pairing, positions in _by_pairing(directory, records, seasons[season], found).items():
                _find(records, positions, stored.get(pairing, {}), found)
    return found


def _by_pairing(
    directory: TeamDirectory, records: Sequence[MatchRecord], positions: Sequence[int], found: Recognition
) -> dict[_Pairing, list[int]]:
    roster = settle_roster(directory, [records[position] for position in positions], may_register=False)
    pairings: dict[_Pairing, list[int]] = defaultdict(list)
    for position in positions:
        record = records[position]
        problem = roster.problem_of(record)
        if problem is None:
            pairings[roster.team_of[record.home], roster.team_of[record.away]].append(position)
        else:
            found.rejects.append(reject_of(record, problem))
    return pairings


def _find(
    records: Sequence[MatchRecord], positions: Sequence[int], stored: Mapping[int, _Stored], found: Recognition
) -> None:
    """Give the records of one pairing the legs that the store has."""
    kept: list[int] = []
    for position in positions:
        appointment = _appointment(records[position])
        first = next((other for other in kept if is_repeat(appointment, _appointment(records[other]))), None)
        if first is None:
            kept.append(position)
        else:
            found.rejects.append(reject_of(records[position], f"repeats {records[first].origin}; the first is kept"))
    known = [(leg, stored[leg].appointment) for leg in sorted(stored)]
    legs = assign_legs([_appointment(records[position]) for position in kept], known)
    for position, leg in zip(kept, legs, strict=True):
        problem = _differs(records[position], stored.get(leg))
        if problem is None:
            found.match_ids[position] = stored[leg].match_id
        else:
            found.rejects.append(reject_of(records[position], problem))


def _differs(record: MatchRecord, stored: _Stored | None) -> str | None:
    if stored is None:
        return f"the store has no such match in {record.competition} {record.season}; ingest the season first"
    if record.status is Status.PLAYED and stored.appointment.is_played:
        told = (record.home_goals, record.away_goals)
        if told != stored.score:
            return f"says {result_of(record)}, but the store has {stored.score[0]}-{stored.score[1]}"
    return None


def _appointment(record: MatchRecord) -> Appointment:
    kickoff = None if record.kickoff is None else int(record.kickoff.timestamp())
    return Appointment(record.round, kickoff, record.status is Status.PLAYED)


def _stored(connection: sa.Connection, season: tuple[str, str]) -> dict[_Pairing, dict[int, _Stored]]:
    competition, year = season
    query = sa.select(matches).where(matches.c.competition == competition, matches.c.season == year)
    legs: dict[_Pairing, dict[int, _Stored]] = defaultdict(dict)
    for row in connection.execute(query):
        appointment = Appointment(row.round, row.kickoff, row.status == Status.PLAYED)
        legs[row.home, row.away][row.leg] = _Stored(row.match_id, appointment, (row.home_goals, row.away_goals))
    return legs
