"""Rows that are matched to the store's matches without being saved."""

import datetime as dt

import pytest

from store.reads import read_closing_odds, read_directory, revision
from store.recognition import recognise
from store.records import Statistics
from store.writes import save

NOW = dt.datetime(2016, 7, 1, tzinfo=dt.UTC)


@pytest.fixture
def filled(engine, record):
    """A season with a pairing that meets twice at one ground, and a fixture to come."""
    rows = [
        record("SC Freiburg", "VfB Stuttgart", (2, 1), "2015-08-15"),
        record("SC Freiburg", "VfB Stuttgart", (0, 0), "2016-03-12"),
        record("VfB Stuttgart", "SC Freiburg", day="2016-05-14"),
    ]
    assert not save(engine, rows, may_register_teams=True, now=NOW).rejects
    return engine


def test_a_row_is_the_match_that_saving_it_would_change(filled, record):
    """Other spellings and sources find the same matches as a save does, leg by leg, and the store stays as it was."""
    rows = [
        record("Stuttgart", "Freiburg", (3, 3), "2016-05-14", source="football-data"),
        record("Freiburg", "Stuttgart", (0, 0), "2016-03-12", source="football-data"),
        record("Freiburg", "Stuttgart", (2, 1), "2015-08-15", source="football-data"),
    ]
    before = revision(filled), read_directory(filled)

    found = recognise(filled, rows, now=NOW)

    assert (revision(filled), read_directory(filled)) == before
    assert found.rejects == []
    assert found.match_ids == save(filled, rows, may_register_teams=False, now=NOW).match_ids
    assert len(set(found.match_ids.values())) == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"score": (2, 0)}, "says played 2-0, but the store has 2-1"),
        ({"home": "SC Freiberg"}, "Unknown team 'SC Freiberg' in association 'de'"),
        ({"home": "Elsewhere"}, "Unknown team 'Elsewhere' in association 'de'"),
        ({"away": "Hertha BSC"}, "the store has no such match in de.1 2015-16; ingest the season first"),
        ({"season": "2014-15", "day": "2014-08-15"}, "the store has no such match in de.1 2014-15"),
        ({"score": (50, 0)}, "impossible score 50-0"),
    ],
)
def test_what_is_not_in_the_store_is_refused_with_its_reason(filled, record, changes, reason):
    """A row of no match, of another score or of an unknown club is refused; the row beside it is recognised."""
    told = {"home": "SC Freiburg", "away": "VfB Stuttgart", "score": (2, 1), "day": "2015-08-15", "origin": "E.csv, 7"}

    found = recognise(filled, [record(**told | changes), record(score=(0, 0), day="2016-03-12")], now=NOW)

    assert set(found.match_ids) == {1}
    (reject,) = found.rejects
    assert reason in reject.reason
    assert reject.origin == "E.csv, 7"


def test_of_two_rows_on_one_match_the_first_counts(filled, record):
    """A repeated row is refused and names the first."""
    rows = [record(score=(2, 1), origin="E.csv, line 2"), record(score=(2, 1), origin="E.csv, line 3")]

    found = recognise(filled, rows, now=NOW)

    assert set(found.match_ids) == {0}
    assert [(reject.origin, reject.reason) for reject in found.rejects] == [
        ("E.csv, line 3", "repeats E.csv, line 2; the first is kept")
    ]


def test_closing_odds_are_read_by_match_where_all_three_are_known(filled, record):
    """Matches without closing odds, or with two of three, are not among them."""
    whole = Statistics(closing_home=1.9, closing_draw=3.5, closing_away=4.2, odds_home=2.0)
    rows = [
        record(score=(2, 1), statistics=whole),
        record(score=(0, 0), day="2016-03-12", statistics=Statistics(closing_home=1.8, closing_draw=3.6)),
    ]
    saved = save(filled, rows, may_register_teams=False, now=NOW)

    assert read_closing_odds(filled) == {saved.match_ids[0]: (1.9, 3.5, 4.2)}
