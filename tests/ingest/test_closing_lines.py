"""Closing odds from a file of the user's: only looked at, never stored."""

import pytest

from ingest import football_data
from ingest.closing_lines import read_closing_lines
from ingest.errors import NoClosingOdds
from store.reads import read_directory, revision
from store.writes import save

HEADER = "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR"
PLAYED = ("E0,13/08/21,20:00,Brentford,Arsenal,2,0,H", "E0,22/08/21,16:30,Arsenal,Chelsea,0,2,A")


def _file(*lines):
    return "\r\n".join(lines).encode()


@pytest.fixture
def filled(engine):
    """A store that has the two matches and no odds."""
    save(engine, football_data.read(_file(HEADER, *PLAYED), "E0.csv"), may_register_teams=True)
    return engine


def _ids(engine):
    return {row.source_home: row.match_id for row in read_directory(engine)}


def test_closing_odds_come_by_match_and_nothing_is_saved(filled):
    """Of each row the first complete closing triple counts; prices on offer earlier are not looked at."""
    columns = "B365H,B365D,B365A,PSCH,PSCD,PSCA,AvgCH,AvgCD,AvgCA"
    before = revision(filled)

    lines = read_closing_lines(
        filled,
        _file(
            f"{HEADER},{columns}",
            f"{PLAYED[0]},4,3.4,1.95,3.95,3.6,1.98,3.9,3.5,1.96",
            f"{PLAYED[1]},3,3.5,2.3,,,,3.4,3.4,2.1",
        ),
        "E0.csv",
    )

    ids = _ids(filled)
    assert lines.odds == {ids["Brentford"]: (3.95, 3.6, 1.98), ids["Arsenal"]: (3.4, 3.4, 2.1)}
    assert (lines.rows, lines.rejects) == (2, [])
    assert revision(filled) == before


def test_rows_of_no_use_are_refused_and_rows_without_odds_left_out(filled):
    """A bad row and a row of a match that the store has not are refused with reasons; an empty price is neither."""
    lines = read_closing_lines(
        filled,
        _file(
            f"{HEADER},B365CH,B365CD,B365CA",
            "E0,29/08/21,16:30,Chelsea,Arsenal,1,0,H,1.5,4,7",
            f"{PLAYED[0]},3.9,3.5,1.96",
            f"{PLAYED[1]},,,",
            "E0,29.08.21,16:30,Chelsea,Brentford,1,0,H,1.5,4,7",
        ),
        "E0.csv",
    )

    assert list(lines.odds.values()) == [(3.9, 3.5, 1.96)]
    assert lines.rows == 4
    bad, unknown = lines.rejects
    assert (bad.line, "dd/mm/yy" in bad.reason) == (5, True)
    assert (unknown.origin, "the store has no such match" in unknown.reason) == ("E0.csv, line 2", True)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((f"{HEADER},B365H,B365D,B365A", f"{PLAYED[0]},3.9,3.5,1.96"), "expected columns such as PSCH, PSCD, PSCA or"),
        (
            (f"{HEADER},PSCH,PSCD,PSCA", "E0,29/08/21,16:30,Chelsea,Arsenal,1,0,H,1.5,4,7"),
            "closing odds in 1 rows, but of no match in the store. The first row that was refused: the store has no",
        ),
        (("<!DOCTYPE html>", "<html>"), "The first row that was refused: "),
    ],
)
def test_a_file_that_helps_nowhere_is_an_error_that_says_why(filled, lines, told):
    """Without closing columns, or with other matches only, there is nothing to compare."""
    with pytest.raises(NoClosingOdds, match=r"E0\.csv has") as error:
        read_closing_lines(filled, _file(*lines), "E0.csv")

    assert told in str(error.value)
