"""Reading: order, unknown values, changes and digests; and the fixtures that nobody told."""

from dataclasses import fields

import numpy as np
import pytest

from features.matches import MatchTable
from store.errors import NotARoundRobin
from store.fixtures import complete_round_robin
from store.reads import (
    UNDATED,
    changes_since,
    data_digest,
    dated,
    read_competitions,
    read_directory,
    read_everything,
    read_matches,
    read_teams,
    revision,
)
from store.records import Statistics, Status
from store.writes import save

CLUBS = ["1. FC Köln", "Hertha BSC", "SC Freiburg"]


@pytest.fixture
def filled(engine, record):
    rows = [
        record("SC Freiburg", "1. FC Köln", day=None),
        record(
            "Hertha BSC", "SC Freiburg", (2, 1), "2015-09-01T18:30", statistics=Statistics(home_xg=1.5, odds_home=2.0)
        ),
        record("1. FC Köln", "Hertha BSC", (0, 3), "2015-08-15", status=Status.AWARDED),
        record("Celtic FC", "Rangers FC", (1, 1), "2015-08-20", competition="sco.1", is_neutral_venue=True),
    ]
    save(engine, rows, may_register_teams=True)
    return engine


def test_matches_come_by_kickoff_with_undated_ones_last(filled):
    """Unknown numbers are NaN, an awarded score is none, and text is text."""
    table = read_matches(filled)

    assert list(table.home) == ["de:1. FC Köln", "sco:Celtic", "de:Hertha BSC", "de:SC Freiburg"]
    assert list(dated(table)) == [True, True, True, False]
    assert table.kickoff[-1] == UNDATED
    np.testing.assert_array_equal(table.home_goals, [np.nan, 1, 2, np.nan])
    np.testing.assert_array_equal(table.home_xg, [np.nan, np.nan, 1.5, np.nan])
    np.testing.assert_array_equal(table.odds_home, [np.nan, np.nan, 2.0, np.nan])
    assert list(table.neutral) == [False, True, False, False]


def test_everything_read_once_is_what_is_read_twice(filled, engine):
    """One pass gives the rows and the table that two give, bit for bit; its texts are the same objects in both."""
    rows, table = read_everything(filled)

    assert rows == read_directory(filled)
    expected = read_matches(filled)
    for field in fields(MatchTable):
        np.testing.assert_array_equal(getattr(table, field.name), getattr(expected, field.name))
    assert all(row.match_id is match_id for row, match_id in zip(rows, table.match_id, strict=True))


def test_an_empty_store_is_read_as_nothing(engine):
    """A store without matches has no rows and an empty table."""
    rows, table = read_everything(engine)

    assert (rows, len(table)) == ([], 0)


def test_matches_can_be_chosen_by_competition_and_by_change(filled, record):
    """An empty choice is an empty table, not an error."""
    before = revision(filled)
    save(filled, [record("SC Freiburg", "1. FC Köln", (1, 0), "2016-01-01")], may_register_teams=False)

    assert list(read_matches(filled, competitions=["sco.1"]).home) == ["sco:Celtic"]
    assert list(read_matches(filled, changed_after=before).home) == ["de:SC Freiburg"]
    assert len(read_matches(filled, competitions=["xx.1"])) == 0


def test_changes_since_a_revision_are_the_rows_touched_later(filled, record):
    """The directory shows what people look at, with None for what is unknown."""
    before = revision(filled)
    save(filled, [record("Hertha BSC", "SC Freiburg", (2, 2), "2015-09-01T18:30")], may_register_teams=False)

    (changed,) = changes_since(filled, before)
    assert (changed.home, changed.home_goals, changed.away_goals) == ("de:Hertha BSC", 2, 2)
    assert changes_since(filled, revision(filled)) == []
    assert [row.kickoff for row in read_directory(filled)][-1] is None
    assert len(read_directory(filled)) == 4


def test_competitions_and_teams_are_counted(filled):
    """Teams are those that play there."""
    german, scottish = read_competitions(filled)

    assert german == ("de.1", ("2015-16",), 3, 3)
    assert scottish == ("sco.1", ("2015-16",), 1, 2)
    assert [row.name for row in read_teams(filled, "sco.1")] == ["Celtic", "Rangers"]
    assert len(read_teams(filled)) == 5


def test_the_digest_sees_played_matches_in_any_order(filled, record):
    """Order and open fixtures do not matter; a corrected score does."""
    table = read_matches(filled)
    save(filled, [record("Hertha BSC", "1. FC Köln", day="2016-02-01")], may_register_teams=False)
    with_fixture = data_digest(read_matches(filled))
    save(filled, [record("Hertha BSC", "SC Freiburg", (2, 2), "2015-09-01T18:30")], may_register_teams=False)

    assert data_digest(table) == data_digest(table.take(np.arange(len(table))[::-1])) == with_fixture
    assert data_digest(read_matches(filled)) != with_fixture


def test_missing_pairings_of_a_double_round_robin_become_undated_fixtures(engine, record):
    """Three clubs play six matches; those untold are added once, and a source takes them over."""
    save(engine, [record(CLUBS[0], CLUBS[1], (1, 0)), record(CLUBS[1], CLUBS[2], (0, 0))], may_register_teams=False)
    added = complete_round_robin(engine, "de.1", "2015-16")
    again = complete_round_robin(engine, "de.1", "2015-16")
    told = save(engine, [record(CLUBS[2], CLUBS[0], (3, 0), "2016-03-01")], may_register_teams=False)

    assert len(added) == 4
    assert again == []
    assert (told.updated, told.corrections) == (1, [])
    rows = {row.match_id: row for row in read_directory(engine)}
    assert all(rows[fixture.match_id].home == fixture.home for fixture in added)
    assert sum(row.kickoff is None and row.status == "scheduled" for row in rows.values()) == 3
    assert rows[told.match_ids[0]].source_home == "SC Freiburg"


def test_a_repeated_pairing_is_no_double_round_robin(engine, record):
    """The error names the pairing and how often it was played."""
    legs = [record(score=(1, 0), round="Matchday 1"), record(score=(1, 0), day="2016-02-01", round="Matchday 20")]
    save(engine, legs, may_register_teams=False)

    with pytest.raises(NotARoundRobin, match="de:SC Freiburg has 2 matches at home to de:VfB Stuttgart"):
        complete_round_robin(engine, "de.1", "2015-16")


def test_an_empty_season_cannot_be_completed(engine):
    """A season without matches has no clubs."""
    with pytest.raises(NotARoundRobin, match="has no matches"):
        complete_round_robin(engine, "de.1", "2015-16")
