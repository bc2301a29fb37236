"""The whole openfootball archive, where it lies beside the project."""

import datetime as dt
import json
from collections import Counter

import pytest

from ingest import openfootball
from ingest.repair import settle_dates
from ingest.seasons import window
from ingest.timezones import local_day
from store.records import MatchRecord, Status

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def records(archive):
    """Every record of the archive, by file."""
    files = openfootball.find_files(str(archive / "openfootball"))
    return {file.origin: list(openfootball.read(file.load(), file.season, file.competition)) for file in files}


def test_every_row_of_every_file_is_understood(records):
    """71,796 rows of 215 files, none refused: 71,167 played, 46 awarded, 583 cancelled."""
    rows = [row for file in records.values() for row in file]

    assert len(records) == 215
    assert all(isinstance(row, MatchRecord) for row in rows)
    assert Counter(row.status for row in rows) == {Status.PLAYED: 71167, Status.AWARDED: 46, Status.ABANDONED: 583}


def test_the_dates_that_are_wrong_by_a_year_are_repaired_and_no_others(records):
    """The archive writes July 2020 as July 2019 in four files; all of it is moved, and every date is in its window."""
    settled = [settle_dates(rows) for rows in records.values()]
    repairs = [repair for file in settled for repair in file.repairs]

    assert Counter(repair.origin.partition(",")[0] for repair in repairs) == {
        "2019-20/at.1.json": 12,
        "2019-20/at.2.json": 40,
        "2019-20/en.1.json": 66,
        "2019-20/en.2.json": 77,
    }
    assert all(dt.date(2020, 7, 1) <= repair.used <= dt.date(2020, 7, 31) for repair in repairs)
    assert not any(file.rejects for file in settled)
    kept = [record for file in settled for record in file.records]
    assert all(local_day(record) in window(record.competition, record.season) for record in kept)


def test_no_round_is_played_before_the_first_one(records):
    """After repair, no match of the last ten rounds of a league lies before the median of its first round."""
    for origin, rows in records.items():
        by_round = {}
        for record in settle_dates(rows).records:
            prefix, _, number = (record.round or "").rpartition("Matchday ")
            if number.isdecimal() and not prefix:
                by_round.setdefault(int(number), []).append(local_day(record))
        if len(by_round) > 20:
            first = sorted(by_round[1])[len(by_round[1]) // 2]
            assert min(day for number in sorted(by_round)[-10:] for day in by_round[number]) > first, origin


def test_the_archive_is_taken_in_once(football, archive):
    """All but a mislabelled copy of a league is kept, and the second time nothing changes."""
    first = json.loads(football("openfootball", archive / "openfootball", "--json").stdout)
    second = json.loads(football("openfootball", archive / "openfootball", "--json").stdout)

    assert first["read"] == 71796
    assert first["repaired"] == 195
    assert first["inserted"] + first["rejected"] == 71796
    copies = [reject for reject in first["rejects"] if "is in ru.1 already" in reject["reason"]]
    assert len(copies) == 240
    assert first["rejected"] - len(copies) <= 100  # names that the alias table does not settle
    assert (second["inserted"], second["updated"], second["corrections"]) == (0, 0, [])
    assert second["unchanged"] == first["inserted"]
