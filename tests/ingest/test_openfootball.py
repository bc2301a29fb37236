"""football.json: every shape of its rows, and every way to name its files."""

import json
import zipfile

import pytest
from small_league import round_robin, write_archive

from ingest import openfootball
from ingest.errors import DownloadFailed, SourceMissing
from store.records import MatchRecord, Status
from store.rejects import Reject


def _match(**changes):
    return {"date": "2019-11-09", "team1": "SC Freiburg", "team2": "VfB Stuttgart", **changes}


def _read(*matches, competition="de.1"):
    return list(openfootball.read(json.dumps({"name": "x", "matches": list(matches)}).encode(), "2019-20", competition))


def _one(**changes):
    (entry,) = _read(_match(**changes))
    return entry


def test_a_played_match_has_goals_of_ninety_minutes():
    """Half-time and full-time are kept, extra time and penalties left out; the kick-off becomes UTC."""
    record = _one(time="20:45", round="Final", score={"ht": [1, 0], "ft": [1, 1], "et": [2, 1], "p": [4, 3]})

    assert isinstance(record, MatchRecord)
    assert (record.home_goals, record.away_goals) == (1, 1)
    assert (record.statistics.home_half_time_goals, record.statistics.away_half_time_goals) == (1, 0)
    assert record.status is Status.PLAYED
    assert record.kickoff is not None
    assert record.kickoff.isoformat() == "2019-11-09T19:45:00+00:00"
    assert record.origin == "2019-20/de.1.json, match 1"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, Status.SCHEDULED),
        ({"score": {}}, Status.SCHEDULED),
        ({"score": {"ft": [2, 0]}}, Status.PLAYED),
        ({"score": {}, "status": "cancelled"}, Status.ABANDONED),
        ({"status": "postponed"}, Status.POSTPONED),
        ({"score": {"ft": [0, 3]}, "status": "awarded"}, Status.AWARDED),
    ],
)
def test_the_status_follows_from_mark_and_score(changes, status):
    """A mark wins; without one a score means played, and none means to come."""
    record = _one(**changes)

    assert isinstance(record, MatchRecord)
    assert record.status is status
    assert record.is_date_only


def test_stage_and_round_together_name_the_round():
    """A play-off's matchday is not the regular season's."""
    record = _one(stage="Playoffs", round="Matchday 1")

    assert isinstance(record, MatchRecord)
    assert record.round == "Playoffs, Matchday 1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date": "2019-13-01"}, "does not exist"),
        ({"date": "09.11.2019"}, "YYYY-MM-DD"),
        ({"time": "evening"}, "HH:MM"),
        ({"team1": None}, "team1"),
        ({"score": {"ft": [1]}}, "score.ft"),
        ({"score": {"ft": ["1", "0"]}}, "score.ft"),
        ({"score": {"ht": [1, 0]}}, "after 90 minutes"),
        ({"status": "forgotten"}, "forgotten"),
    ],
)
def test_a_bad_row_is_refused_with_its_number_and_the_rest_kept(changes, reason):
    """The reject names file, match and reason, and carries the row."""
    bad, good = _read(_match(**changes), _match(team1="Hertha BSC"))

    assert isinstance(bad, Reject)
    assert bad.origin == "2019-20/de.1.json, match 1"
    assert reason in bad.reason
    assert "VfB Stuttgart" in bad.row
    assert isinstance(good, MatchRecord)


def test_a_row_that_is_no_object_is_refused():
    """A stray word between two matches harms neither."""
    entries = _read("oops", _match())

    assert [type(entry) for entry in entries] == [Reject, MatchRecord]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<!DOCTYPE html><html>404</html>", "HTML"),
        (b'{"matches": [', "not valid JSON"),
        (b"[]", "no list 'matches'"),
        (b'{"matches": 3}', "no list 'matches'"),
        (b'{"name": "M\xfcnchen", "matches": []}', "byte 0xfc in line 1"),
        (b"", "empty"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole(data, reason):
    """One reject, with what is wrong and what to do."""
    (reject,) = openfootball.read(data, "2019-20", "de.1")

    assert isinstance(reject, Reject)
    assert reason in reject.reason


def test_files_are_found_in_every_kind_of_place(tmp_path):
    """A folder of seasons, one season, one file and a zip give the same files in order; others are ignored."""
    matches = round_robin("2019-20")
    folder = write_archive(tmp_path / "a", {"2019-20/de.1": matches, "2019/br.1": matches, "notes/de.1": matches})
    (folder / "2019-20" / "de.1.clubs.json").write_text("{}")
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.rglob("*.json"):
            archive.write(file, f"football.json-master/{file.relative_to(folder)}")

    def found(place):
        return [(file.origin, bool(file.load())) for file in openfootball.find_files(str(place))]

    assert found(folder) == [("2019/br.1.json", True), ("2019-20/de.1.json", True)]
    assert found(packed) == found(folder)
    assert found(folder / "2019-20") == [("2019-20/de.1.json", True)]
    assert found(folder / "2019-20" / "de.1.json") == [("2019-20/de.1.json", True)]


def test_a_place_without_season_files_says_what_was_expected(tmp_path):
    """The message tells how files must be named."""
    with pytest.raises(SourceMissing, match=r"2015-16/de\.1\.json"):
        openfootball.find_files(str(tmp_path))
    with pytest.raises(SourceMissing, match="no file or folder"):
        openfootball.find_files(str(tmp_path / "nowhere"))


def test_a_file_is_read_over_http(web):
    """An address is fetched, its last two parts name season and competition; an error names the answer."""
    web.pages["/football.json/2019-20/de.1.json"] = json.dumps({"matches": [_match()]}).encode()

    (file,) = openfootball.find_files(f"{web.url}/football.json/2019-20/de.1.json")

    assert file.origin == "2019-20/de.1.json"
    assert len(list(openfootball.read(file.load(), file.season, file.competition))) == 1
    with pytest.raises(DownloadFailed, match="404"):
        openfootball.find_files(f"{web.url}/2018-19/de.1.json")


def test_a_server_that_is_away_is_a_failed_download():
    """Nothing listens on port 9 of this machine."""
    with pytest.raises(DownloadFailed, match="cannot be fetched"):
        openfootball.find_files("http://127.0.0.1:9/2018-19/de.1.json")
