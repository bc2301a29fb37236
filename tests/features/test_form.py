"""Form over the last five and ten matches, and at the venue."""

from __future__ import annotations

import numpy as np
import pytest
from feature_world import after, described, match

from features.transform import MatchFeatures


def season_of_a():
    """Twelve matches of A, home and away by turns; at home it wins 2-0, 4-0, 6-0 ..., away it loses 0-1, 0-3 ..."""
    rivals = "bcdefghijklm"
    for i, rival in enumerate(rivals):
        yield match("a", rival, i + 2, 0, day=7 * i) if i % 2 == 0 else match(rival, "a", i, 0, day=7 * i)


def test_windows_hold_the_last_five_and_ten():
    """
    The last five are away, home, away, home, away (0, 10+2, 0, 8+2, 0 scored); ten are five of each.
    """
    features = described(after(*season_of_a()), match("a", "z", day=100))

    assert features["form5_points_home"] == pytest.approx(2 * 3 / 5)
    assert features["form5_goals_for_home"] == pytest.approx((12 + 10) / 5)
    assert features["form5_goals_against_home"] == pytest.approx((11 + 9 + 7) / 5)
    assert features["form10_points_home"] == pytest.approx(1.5)
    assert features["form10_goals_for_home"] == pytest.approx((12 + 10 + 8 + 6 + 4) / 10)
    assert features["form10_goals_against_home"] == pytest.approx((11 + 9 + 7 + 5 + 3) / 10)


def test_the_venue_window_holds_home_and_away_apart():
    """
    At home A has won all of its last five home matches; away it has lost all of its last five away.
    """
    state = after(*season_of_a())

    at_home, away = described(state, match("a", "z", day=100)), described(state, match("z", "a", day=100))

    assert (at_home["venue5_points_home"], away["venue5_points_away"]) == (3.0, 0.0)
    assert at_home["venue5_goals_for_home"] == pytest.approx((12 + 10 + 8 + 6 + 4) / 5)
    assert away["venue5_goals_against_away"] == pytest.approx((11 + 9 + 7 + 5 + 3) / 5)


def test_a_short_record_is_averaged_over_what_there_is():
    """
    After one 2-2 the means are those of that match; a window without a match is missing.
    """
    features = described(after(match("a", "b", 2, 2, day=0)), match("b", "z", day=9))

    assert (features["form5_points_home"], features["form10_goals_for_home"]) == (1.0, 2.0)
    assert np.isnan(features["venue5_points_home"])
    assert np.isnan([value for name, value in features.items() if name.startswith("form") and "away" in name]).all()


def test_a_neutral_venue_is_neither_home_nor_away():
    """
    A match at a neutral venue counts for form and for no venue.
    """
    features = described(after(match("a", "b", 2, 0, day=0, neutral=True)), match("a", "b", day=9))

    assert features["form5_points_home"] == 3.0
    assert np.isnan([features["venue5_points_home"], features["venue5_points_away"]]).all()


def test_cup_matches_count():
    """
    Form knows no competitions.
    """
    features = described(after(match("a", "b", 2, 0, day=0, competition="xx.cup")), match("a", "b", day=9))

    assert features["form5_points_home"] == 3.0


def test_both_matches_of_one_day_count():
    """
    A club that plays twice in a day has two matches in its form, its rest and its experience.
    """
    state = after(match("a", "b", 3, 0, day=0), match("a", "c", 1, 1, day=0))

    features = described(state, match("a", "c", day=4))

    assert (features["form5_points_home"], features["form5_goals_for_home"]) == (2.0, 2.0)
    assert (features["matches_known_home"], features["matches_14_days_home"], features["rest_days_home"]) == (2, 2, 4)
    assert features["season_matches_home"] == 2


def test_matches_of_one_day_are_learned_in_the_order_of_their_ids():
    """
    Where a third match holds up a club's first one, its second still comes second: it is the newest of six.
    """
    earlier = [match("x", "w", 0, 0, day=-day) for day in range(1, 5)]
    today = [
        match("p", "q", 0, 0, day=0, match_id="1"),
        match("q", "x", 0, 5, day=0, match_id="2"),
        match("x", "z", 7, 0, day=0, match_id="3"),
    ]

    state = after(*earlier, *today)

    memory = state.form.clubs["overall"][state.club_codes.numbers["x"]]
    assert memory[:2, 1].tolist() == [7.0, 5.0]


def test_an_unknown_club_has_no_form():
    """
    Every window of a club never seen is missing.
    """
    features = described(MatchFeatures(), match("a", "b", day=0))

    form = [value for name, value in features.items() if name.startswith(("form", "venue5"))]
    assert len(form) == 18
    assert np.isnan(form).all()
