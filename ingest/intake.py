"""Where readers meet the store: one file after the other, one transaction each.

A file is saved whole or not at all, so a killed run leaves a usable store, and
running again completes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from features.matches import association_of
from ingest.repair import Repair, settle_dates
from ingest.timezones import local_day
from store.records import MatchRecord
from store.rejects import Reject
from store.writes import Correction, save


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Name one file of a source and how its rows are read; ``read`` may raise IngestError."""

    origin: str
    read: Callable[[], Iterable[MatchRecord | Reject]]


@dataclass(slots=True)
class IntakeReport:
    """Say what became of every row of every file.

    Attributes:
        files: Number of files read.
        read: Number of rows, refused ones included.
        inserted, updated, unchanged: Numbers of matches in the store.
        repairs: Dates that were moved by the rule of ``ingest.repair``; their rows are kept.
        corrections: Known values that a source has replaced.
        new_teams: Team ids that the store had not met before.
        rejects: Refused rows, and files refused whole.
    """

    files: int = 0
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    repairs: list[Repair] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    new_teams: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """Return how many rows are in the store now, as they were told or as they had been before."""
        return self.inserted + self.updated + self.unchanged


def take_in(
    engine: sa.Engine,
    files: Sequence[SourceFile],
    *,
    may_register_teams: bool = True,
    on_file: Callable[[SourceFile], None] = lambda _: None,
) -> IntakeReport:
    """Read files into the store and report what became of their rows.

    Args:
        engine: From ``store.database.open_store``.
        files: In the order in which they are read; of two rows on one match the first is kept.
        may_register_teams: Whether a club that resembles no known one is added rather than refused.
        on_file: Called after each file, to show progress.
    """
    report = IntakeReport()
    seen = _SameDay()
    for file in files:
        _take_in_file(engine, file, report, seen, may_register_teams=may_register_teams)
        on_file(file)
    return report


def _take_in_file(
    engine: sa.Engine, file: SourceFile, report: IntakeReport, seen: _SameDay, *, may_register_teams: bool
) -> None:
    records: list[MatchRecord] = []
    rejects: list[Reject] = []
    for entry in file.read():
        if isinstance(entry, Reject):
            rejects.append(entry)
        else:
            records.append(entry)
    settled = settle_dates(records)
    fresh = [record for record in settled.records if seen.admits(record, rejects)]
    saved = save(engine, fresh, may_register_teams=may_register_teams)
    report.files += 1
    report.read += len(records) + len(rejects) - (len(settled.records) - len(fresh))
    report.inserted += saved.inserted
    report.updated += saved.updated
    report.unchanged += saved.unchanged
    report.repairs += settled.repairs
    report.corrections += saved.corrections
    report.new_teams += saved.new_teams
    report.rejects += [*rejects, *settled.rejects, *saved.rejects]


class _SameDay:
    """Know which pairings were met on which day, so that one match is not taken in as two competitions' match.

    Two clubs do not meet twice on one day. An archive may hold a league's file a second time under another name.
    """

    def __init__(self) -> None:
        self._met: dict[tuple[str, dt.date, str, str], MatchRecord] = {}

    def admits(self, record: MatchRecord, rejects: list[Reject]) -> bool:
        """Say whether a record is of a match not yet met in another competition; append the reject if it is."""
        day = local_day(record)
        if day is None:
            return True
        first = self._met.setdefault((association_of(record.competition), day, record.home, record.away), record)
        if first.competition == record.competition:
            return True
        reason = f"the same match, on the same day, is in {first.competition} already ({first.origin}); one of the two files is mislabelled"
        row = f"{record.competition} {record.season} {day} {record.home} v {record.away}"
        rejects.append(Reject(origin=record.origin, reason=reason, row=row))
        return False
