"""Rows that were refused, and the file in which a person finds them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from store.records import MatchRecord


@dataclass(frozen=True, slots=True)
class Reject:
    """Hold one refused row.

    Attributes:
        origin: Where in the source, as the record says it: file, and match or line.
        reason: What was given, what was expected, what to do.
        row: The row as text.
        line: Line of the file, where the source has lines.
    """

    origin: str
    reason: str
    row: str
    line: int | None = None


def reject_of(record: MatchRecord, reason: str) -> Reject:
    """Return the reject of a record that was read but cannot be used."""
    date = "no date" if record.kickoff is None else f"{record.kickoff:%Y-%m-%d %H:%M}"
    row = f"{record.competition} {record.season} {date} {record.home} v {record.away}: {result_of(record)}"
    return Reject(origin=record.origin, reason=reason, row=row)


def result_of(record: MatchRecord) -> str:
    """Return status and score, such as ``"played 2-1"``."""
    score = "" if record.home_goals is None else f" {record.home_goals}-{record.away_goals}"
    return f"{record.status}{score}"


def append_rejects(path: Path, rejects: Iterable[Reject]) -> int:
    """Append rejects to a file, one JSON object a line (origin, reason, row, line), and return how many.

    Makes the folder where it is missing; touches nothing when there is no reject.
    """
    lines = [json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in rejects]
    if lines:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(lines)
    return len(lines)
