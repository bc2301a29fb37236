"""Saving what sources tell into the match store, all of it or nothing."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import sqlalchemy as sa

from features.matches import association_of
from store.database import writing
from store.identity import Appointment, assign_legs, is_repeat, match_id
from store.merging import Change, Row, merge, shown
from store.plausibility import implausible
from store.records import MatchRecord, Statistics, Status
from store.rejects import reject_of, result_of
from store.reports import Correction, SaveReport
from store.rosters import settle_roster
from store.schema import STATISTICS, matches, state
from store.teams import TeamDirectory, insert_teams, load_directory

__all__ = ["Correction", "SaveReport", "save"]

_NO_STATISTICS = Statistics()
_NOTHING_KNOWN: Row = dict.fromkeys(STATISTICS)
_statistics_of = attrgetter(*STATISTICS)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Hold a record on its way: its position in the call and its teams."""

    position: int
    record: MatchRecord
    home: str
    away: str
    kickoff: int | None

    @property
    def appointment(self) -> Appointment:
        return Appointment(self.record.round, self.kickoff, self.record.status is Status.PLAYED)


def save(
    engine: sa.Engine,
    records: Iterable[MatchRecord],
    *,
    may_register_teams: bool,
    now: dt.datetime | None = None,
) -> SaveReport:
    """Save records in one transaction and report what became of each; rows that are refused harm no other.

    Args:
        engine: From ``open_store``.
        records: Of any competitions and seasons. Within a call, the first of two rows on one match is kept.
        may_register_teams: True for sources that name whole rosters; then a club that resembles no known one is added.
        now: Aware; no match is over that kicks off later. None is the clock's.
    """
    now = now or dt.datetime.now(dt.UTC)
    report = SaveReport()
    seasons: dict[tuple[str, str], list[tuple[int, MatchRecord]]] = defaultdict(list)
    for position, record in enumerate(records):
        reason = implausible(record, now=now)
        if reason is None:
            seasons[record.competition, record.season].append((position, record))
        else:
            report.rejects.append(reject_of(record, reason))
    with writing(engine) as connection:
        revision = connection.execute(sa.select(state.c.revision).with_for_update()).scalar_one()
        directory = load_directory(connection, {association_of(competition) for competition, _ in seasons})
        for season in sorted(seasons):
            entries = _resolve(directory, seasons[season], may_register_teams, report)
            _save_season(connection, season, entries, revision + 1, report)
        report.revision = _finish(connection, revision, report)
    return report


def _finish(connection: sa.Connection, revision: int, report: SaveReport) -> int:
    if not (report.changed or report.new_teams):
        return revision
    connection.execute(sa.update(state).values(revision=revision + 1))
    return revision + 1


def _resolve(
    directory: TeamDirectory, rows: Sequence[tuple[int, MatchRecord]], may_register: bool, report: SaveReport
) -> list[_Entry]:
    roster = settle_roster(directory, [record for _, record in rows], may_register=may_register)
    entries = []
    for position, record in rows:
        problem = roster.problem_of(record)
        if problem is not None:
            report.rejects.append(reject_of(record, problem))
            continue
        kickoff = None if record.kickoff is None else int(record.kickoff.timestamp())
        entries.append(_Entry(position, record, roster.team_of[record.home], roster.team_of[record.away], kickoff))
    return entries


@dataclass(slots=True)
class _Changes:
    """Gather what one season's rows change."""

    inserts: list[Row] = field(default_factory=list)
    updates: list[tuple[str, Row]] = field(default_factory=list)

    def place(self, before: Row | None, after: Row, entry: _Entry, report: SaveReport) -> None:
        """Turn one row into an insert, an update, nothing or a refusal."""
        identity = str(after["match_id"])
        change = Change() if before is None else merge(before, after)
        if change.refusal is not None:
            report.rejects.append(reject_of(entry.record, change.refusal))
            return
        report.match_ids[entry.position] = identity
        if before is None:
            self.inserts.append(after)
            report.inserted += 1
        elif change.values:
            self.updates.append((identity, change.values))
            report.updated += 1
            report.corrections += [_correction(before, name, *pair) for name, pair in change.corrected.items()]
        else:
            report.unchanged += 1

    def write(self, connection: sa.Connection, revision: int) -> None:
        if self.inserts:
            connection.execute(sa.insert(matches), [row | {"changed_at": revision} for row in self.inserts])
        for identity, values in self.updates:
            change = sa.update(matches).where(matches.c.match_id == identity)
            connection.execute(change.values(**values, changed_at=revision))


def _save_season(
    connection: sa.Connection, season: tuple[str, str], entries: list[_Entry], revision: int, report: SaveReport
) -> None:
    if not entries:
        return
    report.new_teams += insert_teams(connection, {team for entry in entries for team in (entry.home, entry.away)})
    stored = _stored_legs(connection, season)
    changes = _Changes()
    for pairing, rows in _by_pairing(entries).items():
        known = stored.get(pairing, {})
        for leg, entry in _with_legs(rows, known, report):
            changes.place(known.get(leg), _row(entry, leg), entry, report)
    changes.write(connection, revision)


def _with_legs(rows: Sequence[_Entry], known: Mapping[int, Row], report: SaveReport) -> list[tuple[int, _Entry]]:
    """Give the rows of one pairing their legs; a row that repeats an earlier one is counted or refused here."""
    kept: list[_Entry] = []
    repeats: list[tuple[_Entry, _Entry]] = []
    for row in rows:
        first = next((other for other in kept if is_repeat(row.appointment, other.appointment)), None)
        if first is None:
            kept.append(row)
        else:
            repeats.append((row, first))
    legs = assign_legs([row.appointment for row in kept], [(leg, _appointment(known[leg])) for leg in sorted(known)])
    leg_of = {row.position: leg for row, leg in zip(kept, legs, strict=True)}
    for row, first in repeats:
        if result_of(row.record) == result_of(first.record):
            report.unchanged += 1
            report.match_ids[row.position] = str(_row(first, leg_of[first.position])["match_id"])
        else:
            earlier = f"{first.record.origin or 'an earlier row'} ({result_of(first.record)})"
            reason = f"repeats {earlier} with {result_of(row.record)}; the first is kept"
            report.rejects.append(reject_of(row.record, reason))
    return [(leg_of[row.position], row) for row in kept]


def _by_pairing(entries: Sequence[_Entry]) -> dict[tuple[str, str], list[_Entry]]:
    pairings: dict[tuple[str, str], list[_Entry]] = defaultdict(list)
    for entry in entries:
        pairings[entry.home, entry.away].append(entry)
    return pairings


def _stored_legs(connection: sa.Connection, season: tuple[str, str]) -> dict[tuple[str, str], dict[int, Row]]:
    competition, year = season
    query = sa.select(matches).where(matches.c.competition == competition, matches.c.season == year)
    legs: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    for row in connection.execute(query).mappings():
        legs[row["home"], row["away"]][row["leg"]] = dict(row)
    return legs


def _appointment(row: Row) -> Appointment:
    kickoff, name = row["kickoff"], row["round"]
    return Appointment(
        name if isinstance(name, str) else None,
        kickoff if isinstance(kickoff, int) else None,
        row["status"] == Status.PLAYED,
    )


def _row(entry: _Entry, leg: int) -> Row:
    record = entry.record
    statistics = record.statistics
    is_bare = statistics == _NO_STATISTICS
    known = _NOTHING_KNOWN if is_bare else dict(zip(STATISTICS, _statistics_of(statistics), strict=True))
    return {
        "match_id": match_id(record.competition, record.season, entry.home, entry.away, leg),
        "competition": record.competition,
        "season": record.season,
        "leg": leg,
        "round": record.round,
        "kickoff": entry.kickoff,
        "is_date_only": record.is_date_only,
        "home": entry.home,
        "away": entry.away,
        "status": record.status.value,
        "home_goals": record.home_goals,
        "away_goals": record.away_goals,
        "neutral_venue": record.is_neutral_venue,
        **known,
        "source": record.source,
        "source_home": record.home,
        "source_away": record.away,
        "origin": record.origin,
    }


def _correction(row: Row, column: str, before: object, after: object) -> Correction:
    text = f"{row['competition']} {row['season']} {row['home']} v {row['away']}: {column} {shown(column, before)} -> {shown(column, after)}"
    return Correction(str(row["match_id"]), column, before, after, text)
