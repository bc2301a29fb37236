"""The sample: a wheel that is checked, read and never installed."""

import hashlib
import importlib.util
import json
import zipfile

import pytest

from ingest import sample
from ingest.errors import DownloadFailed, SampleChanged
from store.records import MatchRecord, Status
from store.rejects import Reject

HEADER = "date_time,matchday,home_team,home_score,guest_score,guest_team,season"
ROWS = (
    "2014-08-22T20:30:00,1,FC Bayern München,2,1,VfL Wolfsburg,2014",
    "2015-08-14T20:30:00,1,FC Bayern München,1,0,Hamburger SV,2015",
    "2021-01-16T15:30:00,16,Werder Bremen,2,0,FC Augsburg,2020",
)
REQUIREMENT = "bl-predictor==1.2"


def _csv(*rows):
    return "\n".join([HEADER, *rows]).encode()


@pytest.fixture
def wheel(tmp_path):
    """A small wheel with the sample's file, as a package index could serve it."""
    folder = tmp_path / "index"
    folder.mkdir()
    file = folder / sample.WHEEL
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(sample.MEMBER, _csv(*ROWS))
        archive.writestr("bl_predictor/__init__.py", "raise RuntimeError('imported')")
        info = "bl_predictor-1.2.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: bl-predictor\nVersion: 1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return file


@pytest.fixture
def local_index(wheel, monkeypatch):
    """Let pip look into a folder of the test only."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_the_wheel_is_fetched_checked_and_kept(local_index, wheel, tmp_path):
    """The second time nothing is downloaded: the index may be gone."""
    first = sample.fetch_wheel(tmp_path / "kept", sha256=local_index)
    wheel.unlink()
    second = sample.fetch_wheel(tmp_path / "kept", sha256=local_index)

    assert first == second
    assert sample.read_wheel(second) == _csv(*ROWS)
    assert [file.name for file in (tmp_path / "kept").iterdir()] == [sample.WHEEL]
    assert importlib.util.find_spec("bl_predictor") is None


def test_another_wheel_of_that_name_is_refused(local_index, tmp_path):
    """A digest that differs from the known one stops everything, and nothing is kept."""
    with pytest.raises(SampleChanged, match=local_index):
        sample.fetch_wheel(tmp_path / "kept")

    assert list((tmp_path / "kept").iterdir()) == []


def test_a_damaged_wheel_on_disk_is_fetched_anew(local_index, tmp_path):
    """What a broken disk left behind is replaced."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / sample.WHEEL).write_bytes(b"half")

    fetched = sample.fetch_wheel(tmp_path / "kept", sha256=local_index)

    assert hashlib.sha256(fetched.read_bytes()).hexdigest() == local_index


def test_a_download_that_fails_says_why(local_index, wheel, tmp_path):
    """pip's last error is the reason; a file of another name is one too."""
    with pytest.raises(DownloadFailed, match="No matching distribution"):
        sample.fetch_wheel(tmp_path / "kept", requirement="bl-predictor==9.9", sha256=local_index)
    with pytest.raises(DownloadFailed, match=r"no other\.whl"):
        sample.fetch_wheel(tmp_path / "kept", wheel="other.whl", sha256=local_index)


def test_a_wheel_without_the_file_is_refused(tmp_path):
    """Neither a zip without it nor a file that is no zip is read."""
    empty = tmp_path / "empty.whl"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("other.txt", "")
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"no zip")

    for file in (empty, broken):
        with pytest.raises(SampleChanged, match=r"crawled_data\.csv"):
            sample.read_wheel(file)


def test_rows_become_matches_in_german_time():
    """20:30 in August is 18:30 UTC, 15:30 in January is 14:30 UTC."""
    summer, winter = sample.read(_csv(ROWS[0], ROWS[2]))

    assert isinstance(summer, MatchRecord)
    assert isinstance(winter, MatchRecord)
    assert (summer.kickoff.hour, winter.kickoff.hour) == (18, 14)
    assert (summer.competition, summer.season, summer.round) == ("de.1", "2014-15", "Matchday 1")
    assert (summer.home, summer.home_goals, summer.status) == ("FC Bayern München", 2, Status.PLAYED)


def test_seasons_with_half_time_scores_are_left_out():
    """Bayern v Hamburg of August 2015 ended 5-0; the file's 1-0 is the score at half-time."""
    entries = list(sample.read(_csv(*ROWS)))

    assert [entry.season for entry in entries] == ["2014-15", "2020-21"]
    assert sample.left_out(_csv(*ROWS)) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("22.08.2014,1,A,2,1,B,2014", "2004-08-06T21:35:00"),
        ("2014-08-22T20:30:00,1,A,2,1,B,", "season is missing"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(row, reason):
    """The reject names the line and the reason."""
    (bad,) = sample.read(_csv(row))

    assert isinstance(bad, Reject)
    assert bad.line == 2
    assert reason in bad.reason


def test_the_real_sample_gives_results_and_fixtures(football, stored):
    """3,566 results are taken in, the season that the file breaks off is completed by 108 undated fixtures, once."""
    result = football("sample", "--json")
    if result.exit_code == 1 and "pip cannot download" in result.stderr:
        pytest.skip(f"the package index is out of reach: {result.stderr.strip()}")
    report = json.loads(result.stdout)
    again = json.loads(football("sample", "--json").stdout)
    fixtures = [match for match in stored() if match.status == "scheduled"]

    assert (report["inserted"], report["rejected"], report["left_out"], report["fixtures_added"]) == (
        3566,
        0,
        1530,
        108,
    )
    assert (again["inserted"], again["updated"], again["fixtures_added"]) == (0, 0, 0)
    assert len(fixtures) == 108
    assert {match.season for match in fixtures} == {"2020-21"}
    assert all(match.kickoff is None for match in fixtures)
    goals = [match.home_goals + match.away_goals for match in stored() if match.status == "played"]
    assert 2.7 < sum(goals) / len(goals) < 3.1
