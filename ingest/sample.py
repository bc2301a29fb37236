"""The sample for a fresh machine: Bundesliga matches, 2004 to February 2021.

They lie as a CSV file in the wheel bl-predictor 1.2 on PyPI (MIT licence; from
OpenLigaDB). The wheel is downloaded and checked, and the file read out of it;
it is never installed nor imported. Times are German local times.

Of its 5,096 rows 1,530 are left out: in five seasons the score is the one at half-time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ingest.cells import count
from ingest.csv_table import Fields, read_table
from ingest.errors import DownloadFailed, RowRefused, SampleChanged
from ingest.seasons import split_season
from ingest.timezones import GERMANY
from store.records import MatchRecord, Status
from store.rejects import Reject

SOURCE = "sample"
COMPETITION = "de.1"
UNFINISHED_SEASON = "2020-21"
"""The last season of the sample; its matches after 26 February 2021 are missing."""

# Its crawler kept the first result that OpenLigaDB lists, which in these seasons is the one at half-time: 1.2 to 1.4
# goals a match rather than 2.7 to 3.2, and 1,237 of 1,530 scores equal openfootball's half-time scores and not its final ones.
HALF_TIME_SEASONS = ("2015-16", "2016-17", "2017-18", "2018-19", "2019-20")
"""Seasons whose rows are left out, for their results are unknown."""

REQUIREMENT = "bl-predictor==1.2"
WHEEL = "bl_predictor-1.2-py3-none-any.whl"
SHA256 = "dfcbc7b4fa1746f757b73bc07ebb1334990cfa42ccbd96739c8014aad3faad05"  # pragma: allowlist secret
MEMBER = "bl_predictor/crawled_data.csv"

_REQUIRED = ("date_time", "matchday", "home_team", "home_score", "guest_score", "guest_team", "season")
_DOWNLOAD_TIMEOUT_S = 180


def fetch_wheel(folder: Path, *, requirement: str = REQUIREMENT, wheel: str = WHEEL, sha256: str = SHA256) -> Path:
    """Return the checked wheel in ``folder``; download it there unless it lies there already.

    Raises:
        DownloadFailed: If pip gets no such wheel.
        SampleChanged: If the wheel is not the one that this program knows.
    """
    kept = folder / wheel
    if kept.is_file() and _digest(kept) == sha256:
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    # Inside the folder, so that the last step is a rename on one file system: a killed download leaves no half wheel.
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as temporary:
        found = Path(temporary) / wheel
        _download(requirement, Path(temporary))
        if not found.is_file():
            raise DownloadFailed(f"pip downloaded {requirement} but no {wheel}; the package index serves another file.")
        digest = _digest(found)
        if digest != sha256:
            raise SampleChanged(
                f"{wheel} has SHA-256 {digest}, expected {sha256}. Do not use it; the package index serves another file."
            )
        found.replace(kept)
    return kept


def read_wheel(wheel: Path) -> bytes:
    """Return the CSV file that lies in the wheel.

    Raises:
        SampleChanged: If there is none.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(MEMBER)
    except (KeyError, zipfile.BadZipFile) as error:
        raise SampleChanged(f"{wheel.name} holds no {MEMBER}: {error}. Delete {wheel} and ingest again.") from error


def read(data: bytes, origin: str = MEMBER) -> Iterator[MatchRecord | Reject]:
    """Read the CSV file, without the seasons whose scores are those at half-time."""
    for entry in _entries(data, origin):
        if isinstance(entry, Reject) or entry.season not in HALF_TIME_SEASONS:
            yield entry


def left_out(data: bytes, origin: str = MEMBER) -> int:
    """Return how many rows ``read`` leaves out."""
    return sum(isinstance(entry, MatchRecord) and entry.season in HALF_TIME_SEASONS for entry in _entries(data, origin))


def _entries(data: bytes, origin: str) -> Iterator[MatchRecord | Reject]:
    return read_table(data, origin, required=_REQUIRED).records(_record)


def _download(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--retries=2", "--timeout=15", "--dest", str(folder), requirement]
    try:
        # No shell, and every word of the command is ours.
        done = subprocess.run(  # noqa: S603 - see above
            command, capture_output=True, text=True, timeout=_DOWNLOAD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(
            f"pip did not download {requirement} in {_DOWNLOAD_TIMEOUT_S} s. Check the network and try again."
        ) from error
    if done.returncode != 0:
        last = next(
            (line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), "no reason given"
        )
        raise DownloadFailed(f"pip cannot download {requirement}: {last}. The sample needs the package index once.")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _record(cells: Fields, origin: str) -> MatchRecord:
    year = count(cells["season"], "season")
    if year is None:
        raise RowRefused("season is missing; expected the year in which it begins")
    return MatchRecord(
        competition=COMPETITION,
        season=split_season(year),
        kickoff=_kickoff(cells["date_time"]),
        is_date_only=False,
        home=cells["home_team"],
        away=cells["guest_team"],
        status=Status.PLAYED if cells["home_score"] else Status.SCHEDULED,
        home_goals=count(cells["home_score"], "home_score"),
        away_goals=count(cells["guest_score"], "guest_score"),
        round=f"Matchday {count(cells['matchday'], 'matchday')}",
        source=SOURCE,
        origin=origin,
    )


@lru_cache(maxsize=4096)
def _kickoff(text: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=GERMANY).astimezone(dt.UTC)
    except ValueError as error:
        raise RowRefused(f"date_time {text!r} is not written like 2004-08-06T21:35:00") from error
