"""football.json as openfootball publishes it: ``<season>/<competition>.json``.

The file's name gives the competition, its folder the season. Times are local.
Goals are those after 90 minutes (``ft``); extra time and penalties are left
out. The source marks no neutral venues, so finals count as at home.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ingest.cells import iso_day, time_of_day
from ingest.download import fetch
from ingest.errors import RowRefused, SourceMissing
from ingest.json_file import parsed, rejected
from ingest.timezones import kickoff_of, zone_of
from store.records import MatchRecord, Statistics, Status
from store.rejects import Reject

SOURCE = "openfootball"

_SEASON_FOLDER = re.compile(r"\d{4}(-\d{2})?")
_COMPETITION_FILE = re.compile(r"([a-z][a-z-]*\.(?:[a-z]+|\d+))\.json")

_STATUSES = {
    "scheduled": Status.SCHEDULED,
    "played": Status.PLAYED,
    "postponed": Status.POSTPONED,
    "awarded": Status.AWARDED,
    "abandoned": Status.ABANDONED,
    # A cancelled match was never begun; like an abandoned one it has no result and will not be played.
    "cancelled": Status.ABANDONED,
    "canceled": Status.ABANDONED,
}


@dataclass(frozen=True, slots=True)
class SeasonFile:
    """Name one file of the archive, and how to get its bytes."""

    season: str
    competition: str
    load: Callable[[], bytes]

    @property
    def origin(self) -> str:
        """Return its name within the archive."""
        return f"{self.season}/{self.competition}.json"


def find_files(place: str) -> list[SeasonFile]:
    """Find the season files of a folder, a season folder, a zip, one file, or an http(s) address of one of the two.

    Raises:
        SourceMissing: If there is no such place, or nothing in it is named ``<season>/<competition>.json``.
        DownloadFailed: If an address does not answer.
    """
    if urlsplit(place).scheme in {"http", "https"}:
        data = fetch(place)
        files = _in_zip(data) if data.startswith(b"PK") else _named({urlsplit(place).path: lambda: data})
    else:
        files = _on_disk(Path(place))
    if not files:
        raise SourceMissing(
            f"{place} holds no file named like 2015-16/de.1.json; expected the folder football.json, a folder of one "
            "season, a zip of them, one such file, or its http(s) address."
        )
    return files


def read(data: bytes, season: str, competition: str) -> Iterator[MatchRecord | Reject]:
    """Read one season file: a JSON object with ``matches``; rejects count matches from 1 as lines."""
    origin = f"{season}/{competition}.json"
    document = parsed(data, origin)
    if isinstance(document, Reject):
        yield document
        return
    matches = document.get("matches") if isinstance(document, dict) else None
    if not isinstance(matches, list):
        yield Reject(
            origin=origin, reason="the file has no list 'matches'; expected openfootball's football.json", row=""
        )
        return
    for number, match in enumerate(matches, 1):
        try:
            yield _record(match, season, competition, f"{origin}, match {number}")
        except RowRefused as refusal:
            yield rejected(origin, number, refusal, match)


def _on_disk(path: Path) -> list[SeasonFile]:
    if not path.exists():
        raise SourceMissing(f"There is no file or folder {str(path)!r}. Give the path of a copy of football.json.")
    if path.is_file():
        if zipfile.is_zipfile(path):
            return _in_zip(path.read_bytes())
        return _named({path.resolve().as_posix(): path.read_bytes})
    folder = path.resolve()
    return _named({file.as_posix(): file.read_bytes for file in [*folder.glob("*.json"), *folder.glob("*/*.json")]})


def _in_zip(data: bytes) -> list[SeasonFile]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    return _named({name: partial(archive.read, name) for name in archive.namelist()})


def _named(found: Mapping[str, Callable[[], bytes]]) -> list[SeasonFile]:
    """Keep what is named like a season file, in order of season and competition."""
    files = []
    for name, load in found.items():
        path = PurePosixPath(name)
        competition = _COMPETITION_FILE.fullmatch(path.name)
        if competition is not None and _SEASON_FOLDER.fullmatch(path.parent.name):
            files.append(SeasonFile(path.parent.name, competition[1], load))
    return sorted(files, key=lambda file: (file.season, file.competition))


def _record(match: Any, season: str, competition: str, origin: str) -> MatchRecord:
    try:
        row = msgspec.convert(match, _Match)
    except msgspec.ValidationError as error:
        raise RowRefused(f"not a match of football.json: {error}") from error
    status = _status(row)
    goals = row.score.ft or (None, None)
    half = row.score.ht or (None, None)
    kickoff, is_date_only = kickoff_of(iso_day(row.date), time_of_day(row.time or ""), zone_of(competition))
    return MatchRecord(
        competition=competition,
        season=season,
        kickoff=kickoff,
        is_date_only=is_date_only,
        home=row.team1.strip(),
        away=row.team2.strip(),
        status=status,
        home_goals=goals[0],
        away_goals=goals[1],
        round=", ".join(filter(None, (row.stage, row.round))) or None,
        statistics=_NOTHING
        if half[0] is None
        else Statistics(home_half_time_goals=half[0], away_half_time_goals=half[1]),
        source=SOURCE,
        origin=origin,
    )


class _Score(msgspec.Struct):
    ft: tuple[int, int] | None = None
    ht: tuple[int, int] | None = None
    et: tuple[int, int] | None = None
    p: tuple[int, int] | None = None


class _Match(msgspec.Struct):
    date: str
    team1: str
    team2: str
    round: str | None = None
    stage: str | None = None
    time: str | None = None
    status: str | None = None
    score: _Score = msgspec.field(default_factory=_Score)


_NOTHING = Statistics()


def _status(row: _Match) -> Status:
    if row.status is not None:
        if row.status.lower() not in _STATUSES:
            raise RowRefused(f"status {row.status!r} is none of {', '.join(sorted(_STATUSES))}")
        return _STATUSES[row.status.lower()]
    if row.score.ft is not None:
        return Status.PLAYED
    if row.score.ht or row.score.et or row.score.p:
        raise RowRefused("the score after 90 minutes ('ft') is missing though others are given")
    return Status.SCHEDULED
