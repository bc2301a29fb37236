"""Rest, congestion and experience."""

from __future__ import annotations

import numpy as np
import pytest
from feature_world import after, described, match

from features.transform import MatchFeatures


@pytest.mark.parametrize(("day", "rest"), [(1, 1), (14, 14), (30, 30), (31, 30), (400, 30)])
def test_rest_is_counted_in_days_up_to_thirty(day, rest):
    """
    Days since the last match, at most 30.
    """
    assert described(after(match("a", "b", 1, 0, day=0)), match("a", "c", day=day))["rest_days_home"] == rest


def test_rest_of_a_date_that_lies_behind_is_none():
    """
    Asked about a day before the last match it knows, a state answers no rest rather than fewer days than none.
    """
    features = described(after(match("a", "b", 1, 0, day=10)), match("a", "b", day=0))

    assert (features["rest_days_home"], features["rest_days_away"]) == (0, 0)


def test_the_fortnight_holds_its_fourteenth_day():
    """
    A match 14 days ago is congestion, one 15 days ago is not.
    """
    state = after(match("a", "b", 1, 0, day=0), match("c", "a", 1, 0, day=10))

    assert described(state, match("a", "c", day=14))["matches_14_days_home"] == 2
    assert described(state, match("a", "c", day=15))["matches_14_days_home"] == 1
    assert described(state, match("a", "c", day=25))["matches_14_days_home"] == 0


def test_six_matches_of_a_fortnight_are_counted_at_most():
    """
    A tournament of eight matches in eight days shows as six.
    """
    state = after(*(match("a", "b", 1, 0, day=day) for day in range(8)))

    features = described(state, match("a", "b", day=9))

    assert features["matches_14_days_home"] == features["matches_14_days_away"] == 6


def test_experience_stops_at_a_hundred_matches():
    """
    Matches on record are counted up to 100.
    """
    rows = [match("a", "b", 1, 0, day=4 * i) for i in range(103)]

    assert described(after(*rows[:99]), match("a", "b", day=500))["matches_known_home"] == 99
    assert described(after(*rows), match("a", "b", day=500))["matches_known_away"] == 100


def test_an_unknown_club_has_neither_rest_nor_experience():
    """
    Rest is missing before the first match; the counts are zero.
    """
    features = described(MatchFeatures(), match("a", "b", day=0))

    assert np.isnan([features["rest_days_home"], features["rest_days_away"]]).all()
    assert (features["matches_14_days_home"], features["matches_known_home"]) == (0, 0)
