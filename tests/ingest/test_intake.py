"""Readers and store together: what a report says of every row."""

import json
from collections.abc import Iterable

from small_league import round_robin

from ingest import openfootball
from ingest.intake import SourceFile, take_in
from store.records import MatchRecord, Status
from store.rejects import Reject


def _file(matches, competition="de.1", season="2019-20"):
    data = json.dumps({"matches": matches}).encode()

    def read() -> Iterable[MatchRecord | Reject]:
        return openfootball.read(data, season, competition)

    return SourceFile(f"{season}/{competition}.json", read)


def test_every_row_is_counted_once(engine):
    """Read rows are inserted, updated, unchanged or refused; a second run finds nothing to do."""
    matches = round_robin("2019-20")
    matches[3]["date"] = "soon"
    matches[4]["score"] = {"ft": [99, 0]}
    matches[5]["date"] = "2022-09-09"

    first = take_in(engine, [_file(matches)])
    second = take_in(engine, [_file(matches)])

    assert (first.files, first.read, first.inserted, len(first.rejects)) == (1, 12, 9, 3)
    assert first.kept + len(first.rejects) == first.read
    assert (second.inserted, second.updated, second.unchanged, len(second.rejects)) == (0, 0, 9, 3)
    assert not second.new_teams


def test_a_corrected_score_is_written_and_reported(engine):
    """The source that told a score may correct it."""
    matches = round_robin("2019-20")
    take_in(engine, [_file(matches)])
    matches[2]["score"] = {"ft": [4, 3]}

    report = take_in(engine, [_file(matches)])

    assert (report.updated, report.unchanged) == (1, 11)
    assert any("home_goals 1 -> 4" in correction.text for correction in report.corrections)


def test_a_file_that_repeats_another_competition_is_refused(engine):
    """A league's matches under a second name would be learned from twice."""
    report = take_in(engine, [_file(round_robin("2019-20")), _file(round_robin("2019-20"), competition="de.2")])

    assert (report.read, report.inserted, len(report.rejects)) == (24, 12, 12)
    assert "is in de.1 already (2019-20/de.1.json, match 1)" in report.rejects[0].reason
    assert report.rejects[0].origin == "2019-20/de.2.json, match 1"


def test_a_second_meeting_on_another_day_is_no_repetition(engine):
    """Two clubs meet in league and cup; only the same day gives a copy away."""
    cup = [match | {"date": "2020-02-02"} for match in round_robin("2019-20")[:1]]

    report = take_in(engine, [_file(round_robin("2019-20")), _file(cup, competition="de.cup")])

    assert not report.rejects


def test_undated_rows_are_never_copies(engine):
    """Without a day there is nothing to compare."""
    undated = MatchRecord("de.1", "2019-20", None, True, "SC Freiburg", "VfB Stuttgart", Status.SCHEDULED, source="x")

    report = take_in(engine, [SourceFile("x", lambda: [undated])])

    assert report.inserted == 1


def test_unknown_clubs_may_be_refused(engine):
    """Where no club may be added, an unknown name is refused and named."""
    matches = round_robin("2019-20")
    for match in matches:
        match["team1"] = str(match["team1"]).replace("SC Freiburg", "Zweitvertretung Quappenhausen")

    report = take_in(engine, [_file(matches)], may_register_teams=False)

    assert {"Quappenhausen" in reject.reason for reject in report.rejects} == {True}
    assert report.kept + len(report.rejects) == 12


def test_progress_is_told_file_by_file(engine):
    """The caller hears of each file when it is done."""
    done = []

    take_in(engine, [_file([]), _file([], season="2018-19")], on_file=lambda file: done.append(file.origin))

    assert done == ["2019-20/de.1.json", "2018-19/de.1.json"]
