"""``football ingest`` as a person runs it: summary, JSON, rejects file and exit codes."""

import json
from pathlib import Path

import pytest
from small_league import round_robin, write_archive

from cli.ingest import Order, _add_fixtures
from cli.ingest_report import plain, summary
from ingest.intake import IntakeReport

HEADER = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,FTR"
GOOD = "D1,14/08/2015,SC Freiburg,VfB Stuttgart,1,0,H"


@pytest.fixture
def folder(tmp_path):
    """Two seasons of the small league, one of which has two bad rows."""
    bad = round_robin("2018-19")
    bad[0]["score"] = {"ft": [-1, 0]}
    bad[1]["date"] = "2018-02-30"
    return write_archive(tmp_path / "football.json", {"2017-18/de.1": round_robin("2017-18"), "2018-19/de.1": bad})


def test_all_rows_kept_is_exit_code_0(football, folder, settings):
    """The summary counts; no rejects file is made."""
    result = football("openfootball", folder / "2017-18")

    assert result.exit_code == 0
    assert result.stdout.startswith("Read 12 rows of 1 files: 12 inserted, 0 updated, 0 unchanged, 0 refused.\n")
    assert not (settings.home / "rejects.jsonl").exists()


def test_some_rows_refused_is_exit_code_3(football, folder, settings, stored):
    """The rest is kept, each refusal stands in the summary and the rejects file, once however often it is told."""
    first = football("openfootball", folder)
    second = football("openfootball", folder)
    rejects = [json.loads(line) for line in (settings.home / "rejects.jsonl").read_text("utf-8").splitlines()]

    assert (first.exit_code, second.exit_code) == (3, 3)
    assert len(stored()) == 22
    assert "0 inserted, 0 updated, 22 unchanged, 2 refused" in second.stdout
    assert "refused 2018-19/de.1.json, match 2: date '2018-02-30' does not exist" in first.stdout
    assert sorted(reject["origin"] for reject in rejects) == [
        "2018-19/de.1.json, match 1",
        "2018-19/de.1.json, match 2",
    ]


def test_left_out_seasons_and_fixtures_stand_in_the_summary():
    """The sample's own facts are told like those of every source."""
    facts = plain(IntakeReport(files=1, read=2, inserted=2))

    text = summary(
        facts | {"left_out": 306, "left_out_seasons": ("2015-16", "2019-20"), "fixtures_added": 108}, Path("r")
    )

    assert "Left out: 306 rows of 2015-16 to 2019-20, whose scores are those at half-time." in text
    assert "Fixtures added to the unfinished season: 108." in text


def test_nothing_kept_is_exit_code_1(football, tmp_path):
    """A web page saved as CSV leaves nothing to keep."""
    page = tmp_path / "D1.csv"
    page.write_text("<html><body>Please log in</body></html>")

    result = football("csv", page)

    assert result.exit_code == 1
    assert "HTML" in result.stdout
    assert "Nothing was kept." in result.stdout


@pytest.mark.parametrize("source", ["csv", "openfootball", "fivethirtyeight", "internationals"])
def test_a_missing_file_is_exit_code_1(football, source, tmp_path):
    """The message names the path and goes to standard error."""
    result = football(source, tmp_path / "nowhere.csv")

    assert result.exit_code == 1
    assert "nowhere.csv" in result.stderr
    assert not result.stdout


def test_a_store_that_cannot_be_opened_is_exit_code_1(football, folder):
    """A URL that is none is said, without a stack trace."""
    result = football("openfootball", folder, "--database", "nonsense")

    assert result.exit_code == 1
    assert "nonsense" in result.stderr


def test_json_is_one_object_with_counts_and_what_they_count(football, folder, tmp_path):
    """Programs get all of it: counts, teams, repairs, corrections and refused rows."""
    elsewhere = tmp_path / "a" / "rejects.jsonl"
    report = json.loads(football("openfootball", folder, "--json", "--rejects", elsewhere).stdout)

    assert {name: report[name] for name in ("files", "read", "inserted", "updated", "unchanged", "rejected")} == {
        "files": 2,
        "read": 24,
        "inserted": 22,
        "updated": 0,
        "unchanged": 0,
        "rejected": 2,
    }
    assert len(report["new_teams"]) == 4
    assert {reject["origin"] for reject in report["rejects"]} == {
        "2018-19/de.1.json, match 1",
        "2018-19/de.1.json, match 2",
    }
    assert len(elsewhere.read_text().splitlines()) == 2


def test_corrections_and_repairs_stand_in_the_summary(football, tmp_path):
    """What changed a known value, and what moved a date, is never silent."""
    matches = round_robin("2019-20")
    folder = write_archive(tmp_path / "a", {"2019-20/de.1": matches})
    football("openfootball", folder)
    matches[0]["score"] = {"ft": [7, 7]}
    matches[-1]["date"] = str(matches[-1]["date"]).replace("2019", "2020")
    write_archive(folder, {"2019-20/de.1": matches})

    result = football("openfootball", folder)

    assert "corrected de.1 2019-20" in result.stdout
    assert "home_goals 0 -> 7" in result.stdout
    assert "Dates repaired: 1, such as" in result.stdout
    assert "2020-10-08 -> 2019-10-08" in result.stdout


def test_a_long_list_of_refusals_is_cut_in_the_summary_only(football, tmp_path, settings):
    """Five are shown; the file has them all."""
    table = tmp_path / "D1.csv"
    table.write_text("\n".join([HEADER, GOOD, *[GOOD.replace("14/08", f"{40 + at}/08") for at in range(8)]]))

    result = football("csv", table)

    assert result.exit_code == 3
    assert result.stdout.count("  refused D1.csv, line ") == 5
    assert "... and 3 more refused" in result.stdout
    assert len((settings.home / "rejects.jsonl").read_text().splitlines()) == 8


def test_a_csv_file_reaches_the_store(football, tmp_path, stored):
    """The user's own file, in the column names that people know."""
    table = tmp_path / "D1.csv"
    table.write_text(f"{HEADER}\n{GOOD}\n")

    result = football("csv", table)
    (match,) = stored()

    assert result.exit_code == 0
    assert (match.competition, match.season, match.home_goals, match.away_goals) == ("de.1", "2015-16", 1, 0)
    assert (match.home, match.source_home) == ("de:SC Freiburg", "SC Freiburg")


def test_a_rejects_file_of_another_kind_is_only_added_to(football, folder, tmp_path):
    """Whatever stands in the named file stays there."""
    notes = tmp_path / "notes.txt"
    notes.write_bytes(b"my notes \xff\n[]\n")

    football("openfootball", folder, "--rejects", notes)

    assert notes.read_bytes().startswith(b"my notes \xff\n[]\n")
    assert len(notes.read_bytes().splitlines()) == 4


def test_a_season_that_is_no_round_robin_gets_no_fixtures(football, settings, tmp_path, capsys):
    """Where another source has told a pairing twice, the sample's season is left as it is, and that is said."""
    matches = round_robin("2020-21")
    matches.append(matches[0] | {"round": "Relegation", "date": "2021-05-29"})
    football("openfootball", write_archive(tmp_path / "a", {"2020-21/de.1": matches}))
    order = Order(
        settings.database_url, tmp_path / "rejects.jsonl", as_json=True, may_register_teams=True, downloads=tmp_path
    )
    facts = {}

    _add_fixtures(order, facts)

    assert facts == {"fixtures_added": 0}
    assert "no double round robin" in capsys.readouterr().err


def test_an_unknown_league_is_a_usage_error(football):
    """click names the leagues that there are."""
    result = football("openligadb", "xyz", 2021)

    assert result.exit_code == 2
    assert "bl1" in result.stderr
