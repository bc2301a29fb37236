"""A rival's forecasts from a file of theirs: found by match, only looked at, never stored."""

import csv
import io

import pytest

from ingest import fivethirtyeight
from ingest.errors import NoRivalForecasts
from ingest.rival_forecasts import read_rival_forecasts
from store.reads import read_directory, revision
from store.writes import save

COLUMNS = ("date", "league_id", "league", "team1", "team2", "prob1", "prob2", "probtie", "score1", "score2")
OPENING = {
    "date": "2019-08-17", "league_id": "2411", "league": "Premier League", "team1": "Arsenal", "team2": "Burnley",
    "prob1": "0.6", "prob2": "0.15", "probtie": "0.25", "score1": "2.0", "score2": "1.0",
}  # fmt: skip
SECOND = OPENING | {"date": "2019-08-24", "team1": "Chelsea", "team2": "Arsenal", "prob1": "0.5", "prob2": "0.25"}


def _file(*rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.fixture
def filled(engine):
    """A store that has both matches."""
    save(engine, fivethirtyeight.read(_file(OPENING, SECOND), "spi_matches.csv"), may_register_teams=True)
    return engine


def _read(engine, *rows):
    return read_rival_forecasts(engine, "fivethirtyeight", _file(*rows), "spi_matches.csv")


def test_forecasts_come_by_match_and_nothing_is_saved(filled):
    """Home, draw and away of each match, whatever the order of the file's columns, made to sum to one."""
    before = revision(filled)

    told = _read(filled, OPENING, SECOND | {"prob1": "0.5004"})

    ids = {row.source_home: row.match_id for row in read_directory(filled)}
    assert told.proba[ids["Arsenal"]] == (0.6, 0.25, 0.15)
    assert told.proba[ids["Chelsea"]] == pytest.approx((0.5004 / 1.0004, 0.25 / 1.0004, 0.25 / 1.0004), abs=1e-12)
    assert (told.rows, list(told.rejects)) == (2, [])
    assert revision(filled) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prob1": ""}, "prob1 '', probtie '0.25', prob2 '0.25'; expected three probabilities that sum to 1"),
        ({"prob1": "-0.5", "prob2": "1.25"}, "expected three probabilities that sum to 1"),
        ({"prob1": "0.6"}, "expected three probabilities that sum to 1"),
        ({"prob1": "likely"}, "prob1 is 'likely'; expected a number"),
        ({"team2": "Burnley", "score1": "2.0"}, "the store has no such match"),
        ({"score1": "5.0"}, "says played 5-1, but the store has 2-1"),
    ],
)
def test_a_row_that_is_no_forecast_of_a_stored_match_is_refused(filled, change, reason):
    """The others are kept; the reason names what was given."""
    told = _read(filled, OPENING, SECOND | change)

    assert len(told.proba) == 1
    (refused,) = told.rejects
    assert reason in refused.reason


def test_a_file_that_helps_nowhere_is_an_error_that_says_why(filled):
    """Without the columns of forecasts, or with other matches only, there is nothing to compare."""
    with pytest.raises(NoRivalForecasts, match=r"spi_matches\.csv has no forecast by fivethirtyeight.*no such match"):
        _read(filled, OPENING | {"team2": "Chelsea"})
    without = b"\n".join(line.replace(b"probtie", b"tie") for line in _file(OPENING).splitlines())
    with pytest.raises(NoRivalForecasts, match="the columns probtie are missing"):
        read_rival_forecasts(filled, "fivethirtyeight", without, "spi_matches.csv")
