"""Results and fixtures that an operator posts, on their way into the match store."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from features.matches import SECONDS_PER_DAY
from runners.errors import PredictionFailure
from runners.queries import ReceivedOutcome, ReceivedResult
from runners.snapshot import Snapshot, view_of
from store.reads import MatchRow, changes_since
from store.records import MatchRecord, Status
from store.reports import SaveReport
from store.writes import save

SOURCE: Final = "operator"

_SEASON = re.compile(r"\d{4}(-\d{2})?")


class _Facts(NamedTuple):
    """Say which match a row means, under the names of a match record."""

    competition: str
    season: str
    kickoff: dt.datetime | None
    is_date_only: bool
    home: str
    away: str
    is_neutral_venue: bool


class Refused(Exception):
    """Say why a row is not taken, and which of its fields is at fault."""

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(reason)
        self.path = path


def receive(engine: sa.Engine, snapshot: Snapshot, rows: Sequence[ReceivedResult]) -> list[ReceivedOutcome]:
    """Save rows in one transaction and say in order what became of each; a refused row harms no other."""
    outcomes: dict[int, ReceivedOutcome] = {}
    records: dict[int, MatchRecord] = {}
    for place, row in enumerate(rows):
        try:
            records[place] = record_of(row, snapshot, origin=f"results[{place}]")
        except Refused as refusal:
            outcomes[place] = ReceivedOutcome("refused", row.match_id, str(refusal), refusal.path)
    report = save(engine, list(records.values()), may_register_teams=False)
    refusals = {reject.origin: reject.reason for reject in report.rejects}
    touched = _touched(engine, report)
    seen: set[str] = set()
    for position, (place, record) in enumerate(records.items()):
        match_id = report.match_ids.get(position)
        if match_id is None:
            reason = refusals.get(record.origin, "the row was not taken")
            outcomes[place] = ReceivedOutcome("refused", rows[place].match_id, reason)
        else:
            outcomes[place] = ReceivedOutcome(_outcome(match_id, touched - seen, snapshot), match_id)
            seen.add(match_id)
    return [outcomes[place] for place in range(len(rows))]


def record_of(row: ReceivedResult, snapshot: Snapshot, *, origin: str) -> MatchRecord:
    """Turn a posted row into a record: the named match with what the row says of it, or the described one.

    Raises:
        Refused: If the match is unknown, or the description incomplete.
    """
    try:
        known = None if row.match_id is None else snapshot.row(row.match_id)
        return _described(row, snapshot, origin) if known is None else _named(row, known, snapshot, origin)
    except PredictionFailure as failure:
        raise Refused(failure.message, failure.path) from failure


def _named(row: ReceivedResult, known: MatchRow, snapshot: Snapshot, origin: str) -> MatchRecord:
    for field, stored in (("competition", known.competition), ("season", known.season)):
        given = getattr(row, field)
        if given is not None and given != stored:
            raise Refused(f"Match {row.match_id!r} is of {field} {stored!r}, not {given!r}.", f"$.{field}")
    for field, stored in (("home_team", known.home), ("away_team", known.away)):
        given = getattr(row, field)
        if given is not None and snapshot.resolve(known.competition, given, path=f"$.{field}") != stored:
            raise Refused(f"Match {row.match_id!r} has the {field} {stored!r}, not {given!r}.", f"$.{field}")
    facts = _Facts(
        known.competition,
        known.season,
        row.kickoff or view_of(known).kickoff,
        row.is_date_only if row.kickoff is not None else bool(known.is_date_only),
        known.source_home,
        known.source_away,
        row.is_neutral_venue or bool(known.neutral_venue),
    )
    return _record(row, facts, origin)


def _described(row: ReceivedResult, snapshot: Snapshot, origin: str) -> MatchRecord:
    if row.competition is None or row.home_team is None or row.away_team is None:
        field = next(name for name in ("competition", "home_team", "away_team") if getattr(row, name) is None)
        raise Refused("A row names its match by match_id, or by competition, home_team and away_team.", f"$.{field}")
    snapshot.require_competition(row.competition)
    for field in ("home_team", "away_team"):
        snapshot.resolve(row.competition, getattr(row, field), path=f"$.{field}")
    if row.season is not None and not _SEASON.fullmatch(row.season):
        raise Refused(f"Season {row.season!r} is no season; expected such as '2015-16' or '2019'.", "$.season")
    day = None if row.kickoff is None else int(row.kickoff.timestamp()) // SECONDS_PER_DAY
    season = row.season or snapshot.season_on(row.competition, day)
    facts = _Facts(
        row.competition, season, row.kickoff, row.is_date_only, row.home_team, row.away_team, row.is_neutral_venue
    )
    return _record(row, facts, origin)


def _record(row: ReceivedResult, facts: _Facts, origin: str) -> MatchRecord:
    status = Status(row.status)
    if status is Status.PLAYED and facts.kickoff is None:
        raise Refused("A played match needs the time of its kick-off, and the store knows none.", "$.kickoff")
    return MatchRecord(
        **facts._asdict(),
        status=status,
        home_goals=row.home_goals,
        away_goals=row.away_goals,
        round=row.round,
        source=SOURCE,
        origin=origin,
    )


def _touched(engine: sa.Engine, report: SaveReport) -> set[str]:
    if not report.changed:
        return set()
    return {row.match_id for row in changes_since(engine, report.revision - 1)}


def _outcome(match_id: str, touched: set[str], snapshot: Snapshot) -> str:
    if match_id not in touched:
        return "unchanged"
    return "updated" if snapshot.has(match_id) else "inserted"
