"""FiveThirtyEight's club matches."""

import csv
import datetime as dt

import pytest

from ingest import fivethirtyeight
from store.records import MatchRecord, Status

HEADER = (
    "date,league_id,league,team1,team2,spi1,spi2,prob1,prob2,probtie,proj_score1,proj_score2,importance1,importance2,"
    "score1,score2,xg1,xg2,nsxg1,nsxg2,adj_score1,adj_score2"
)


def _row(day="2019-08-17", league="2411", score=("2.0", "1.0"), xg=("1.4", "0.6"), nsxg=("", "")):
    return ",".join([day, league, "A League", "Arsenal", "Burnley", *[""] * 9, *score, *xg, *nsxg, "", ""])


def _read(*rows):
    return list(fivethirtyeight.read("\n".join([HEADER, *rows]).encode(), "spi_matches.csv"))


def test_a_played_match_has_score_and_expected_goals():
    """The season follows from the date, which is all that is known of the kick-off; forecasts are left out."""
    (record,) = _read(_row())

    assert isinstance(record, MatchRecord)
    assert (record.competition, record.season, record.status) == ("en.1", "2019-20", Status.PLAYED)
    assert (record.kickoff, record.is_date_only) == (dt.datetime(2019, 8, 17, tzinfo=dt.UTC), True)
    assert (record.home_goals, record.away_goals, record.statistics.home_xg) == (2, 1, 1.4)
    assert record.statistics.odds_home is None


@pytest.mark.parametrize(
    ("xg", "nsxg", "expected"),
    [
        (("1.5", "0.6"), ("2.0", "1.0"), (1.75, 0.8)),
        (("", ""), ("2.0", "1.0"), (2.0, 1.0)),
        (("1.5", ""), ("2.0", ""), (1.75, None)),
    ],
)
def test_expected_goals_are_the_mean_of_both_counts(xg, nsxg, expected):
    """Chances from shots and from all else near a goal count alike; one stands alone where the other is missing."""
    (record,) = _read(_row(xg=xg, nsxg=nsxg))

    assert isinstance(record, MatchRecord)
    assert (record.statistics.home_xg, record.statistics.away_xg) == expected


def test_a_row_without_score_is_a_fixture():
    """No goals, no expected goals."""
    (record,) = _read(_row(score=("", ""), xg=("", "")))

    assert isinstance(record, MatchRecord)
    assert (record.status, record.home_goals, record.statistics.home_xg) == (Status.SCHEDULED, None, None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (_row(league="99"), "league_id '99' (A League)"),
        (_row(day="17/08/2019"), "YYYY-MM-DD"),
        (_row(score=("1.5", "0")), "whole number"),
        (_row(xg=("much", "0")), "xg1 is 'much'"),
        (_row(nsxg=("0.5", "few")), "nsxg2 is 'few'"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_the_rest_kept(row, reason):
    """The reject names the line and the reason."""
    bad, good = _read(row, _row())

    assert bad.line == 2
    assert reason in bad.reason
    assert isinstance(good, MatchRecord)


@pytest.mark.real_data
def test_every_league_of_the_real_file_has_a_competition(archive):
    """The table covers the file, and each league_id one of its own (Mexico's two halves share one)."""
    with (archive / "fivethirtyeight" / "spi_matches.csv").open(encoding="utf-8", newline="") as file:
        leagues = {row["league_id"] for row in csv.DictReader(file)}

    assert leagues == set(fivethirtyeight.COMPETITIONS)
    assert len(set(fivethirtyeight.COMPETITIONS.values())) == len(leagues) - 1
