"""The match table and the feature frame: shapes that hold facts and refuse nonsense."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from feature_world import FIRST_DAY, match, random_matches, table

from features.frame import FeatureFrame
from features.matches import MatchTable, association_of, level_of, team_name


def test_columns_of_different_length_are_refused_by_name():
    """
    The error names the column, its length and the one expected.
    """
    with pytest.raises(ValueError, match="column 'home' has 1 values, expected 2"):
        MatchTable.from_columns(
            match_id=["1", "2"], competition=["c"] * 2, season=["s"] * 2, kickoff=[0, 0], home=["a"], away=["b", "c"]
        )


def test_unknown_columns_are_refused_by_name():
    """
    A misspelt column is an error that lists the columns there are.
    """
    with pytest.raises(ValueError, match=r"unknown columns \['home_gaols'\].*'home_goals'.*'neutral'"):
        MatchTable.from_columns(
            match_id=["1"], competition=["c"], season=["s"], kickoff=[0], home=["a"], away=["b"], home_gaols=[1]
        )


def test_outcomes_and_played_matches():
    """
    0 for home, 1 for a draw, 2 for away; a match with only half a score is not played.
    """
    matches = table(
        match("a", "b", 2, 1, day=0),
        match("a", "b", 0, 0, day=1),
        match("a", "b", 1, 4, day=2),
        match("a", "b", day=3),
        match("a", "b", 1, day=4),
    )

    assert matches.outcome.tolist() == [0, 1, 2, -1, -1]
    assert matches.played.tolist() == [True, True, True, False, False]
    assert matches.day.tolist() == [FIRST_DAY + day for day in range(5)]


def test_days_before_1970_are_days_too():
    """
    A kick-off at noon of 31 December 1969 is of day -1.
    """
    assert table(match("a", "b", day=-FIRST_DAY - 1, second=43_200)).day.tolist() == [-1]


def test_order_by_kickoff_is_the_same_for_every_order_of_rows():
    """
    Ties of kick-off are settled by match id.
    """
    matches = random_matches(1)
    matches = MatchTable.concatenate([matches, matches.take(slice(0, 0))])
    shuffled = matches.take(np.random.default_rng(2).permutation(len(matches)))

    assert shuffled.by_kickoff().match_id.tolist() == matches.by_kickoff().match_id.tolist()
    assert (np.diff(matches.by_kickoff().kickoff) >= 0).all()


def test_without_results_keeps_what_is_known_before_kickoff():
    """
    Goals and xG go, odds and everything else stay.
    """
    matches = random_matches(3)

    blank = matches.without_results()

    for field in fields(MatchTable):
        before, after = getattr(matches, field.name), getattr(blank, field.name)
        if field.name in ("home_goals", "away_goals", "home_xg", "away_xg"):
            assert np.isnan(after).all()
        else:
            np.testing.assert_array_equal(after, before)


def test_parts_of_codes():
    """
    Association, level and name are read off the codes; a code without a dot has no level.
    """
    assert (association_of("int"), level_of("int"), team_name("de:SC: Freiburg")) == (
        "int", pytest.approx(np.nan, nan_ok=True), "SC: Freiburg",
    )  # fmt: skip


@pytest.fixture
def frame():
    """Three rows of two features."""
    return FeatureFrame(("a", "b"), np.arange(6.0).reshape(3, 2))


def test_a_frame_finds_columns_by_name(frame):
    """
    Columns may be read, chosen in another order, and cut to rows.
    """
    assert len(frame) == 3
    assert frame.column("b").tolist() == [1, 3, 5]
    assert frame.select(["b", "a"]).values[0].tolist() == [1, 0]
    assert frame.take(np.array([2])).values.tolist() == [[4, 5]]


def test_a_frame_names_what_it_has_when_asked_for_more(frame):
    """
    An unknown name is an error that lists the known ones, in reading and in writing.
    """
    with pytest.raises(KeyError, match="no feature is called 'c'; this frame has a, b"):
        frame.column("c")
    with pytest.raises(KeyError, match="no feature is called 'c'"):
        frame.replace(0, {"c": 1.0})


def test_values_are_replaced_in_one_row_only(frame):
    """
    An override reaches its row and its column.
    """
    frame.replace(1, {"b": -1.0})

    assert frame.values.tolist() == [[0, 1], [2, -1], [4, 5]]


@pytest.mark.parametrize(
    ("names", "message"), [(("a", "a"), "repeat"), (("a",), r"\(3, 2\) do not fit 1 names; expected \(n, 1\)")]
)
def test_a_frame_refuses_names_that_do_not_fit(names, message):
    """
    Names are as many as columns, each its own.
    """
    with pytest.raises(ValueError, match=message):
        FeatureFrame(names, np.zeros((3, 2)))
