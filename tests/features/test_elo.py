"""Elo ratings against figures worked out by hand."""

from __future__ import annotations

import pytest
from feature_world import after, described, match

from features.transform import MatchFeatures

# Two new clubs start at 1500 - 80 = 1420. With 65 points of home advantage the home side is expected to take
# 1 / (1 + 10 ** (-65 / 400)) = 0.592466 of the points.
EXPECTED_HOME = 0.592466


@pytest.mark.parametrize(
    ("home_goals", "away_goals", "neutral", "move"),
    [
        (1, 0, False, 16 * (1 - EXPECTED_HOME)),  # 6.5206
        (4, 0, False, 16 * 2 * (1 - EXPECTED_HOME)),  # four goals weigh twice one goal
        (2, 2, False, 16 * (0.5 - EXPECTED_HOME)),  # a draw at home costs points
        (0, 1, False, -16 * EXPECTED_HOME),
        (0, 9, False, -16 * 3 * EXPECTED_HOME),
        (1, 0, True, 16 * 0.5),  # nobody is at home, so the sides are level
    ],
)
def test_a_result_moves_both_clubs_by_the_surprise(home_goals, away_goals, neutral, move):
    """
    The winner gains 16 points times the root of the margin times the surprise, and the loser pays them.
    """
    state = after(match("a", "b", home_goals, away_goals, day=0, neutral=neutral))

    features = described(state, match("a", "b", day=7))

    assert features["elo_home"] == pytest.approx(1420 + move, abs=1e-3)
    assert features["elo_away"] == pytest.approx(1420 - move, abs=1e-3)


def test_the_difference_holds_the_home_advantage_learned_so_far():
    """
    One home win moves the competition's advantage from 65 by a quarter of the surprise.
    """
    state = after(match("a", "b", 1, 0, day=0))

    features = described(state, match("b", "a", day=7))

    advantage = 65 + 0.25 * (1 - EXPECTED_HOME)
    assert features["elo_difference"] == pytest.approx(-2 * 6.5205 + advantage, abs=1e-3)


def test_a_neutral_venue_has_no_home_advantage_and_teaches_none():
    """
    At a neutral venue the difference is that of the ratings, and the result leaves the advantage at 65.
    """
    state = after(match("a", "b", 1, 0, day=0, neutral=True))

    at_home, neutral = (described(state, match("a", "b", day=7, neutral=where)) for where in (False, True))

    assert neutral["elo_difference"] == pytest.approx(16.0, abs=1e-9)
    assert at_home["elo_difference"] == pytest.approx(16.0 + 65.0, abs=1e-9)


@pytest.mark.parametrize(
    ("competition", "start"), [("xx.1", 1420), ("xx.2", 1250), ("xx.4", 910), ("friendlies", 1420)]
)
def test_a_new_club_starts_below_its_division(competition, start):
    """
    A club without a match starts 80 points below the mean; each division starts 170 points below the one above.
    """
    features = described(MatchFeatures(), match("a", "b", day=0, competition=competition))

    assert features["elo_home"] == features["elo_away"] == start


def test_a_long_absence_halves_what_is_known():
    """
    After the free 120 days and 500 days more, a club is half-way back to its competition's mean.
    """
    state = after(match("a", "b", 1, 0, day=0))

    features = described(state, match("a", "b", day=620))

    mean = 1500 + 0.02 * (1420 - 1500)  # the competition's mean follows its clubs by a fiftieth
    assert features["elo_home"] == pytest.approx((1426.5205 + mean) / 2, abs=1e-3)
    assert described(state, match("a", "b", day=120))["elo_home"] == pytest.approx(1426.5205, abs=1e-3)


def test_points_are_neither_made_nor_lost():
    """
    What one side gains the other pays: the ratings of a league keep their sum.
    """
    league = [match(*pair, i % 4, i % 3, day=i) for i, pair in enumerate(["ab", "bc", "ca", "ba", "cb"])]

    before, then = after(*league[:2]), after(*league)

    sums = [sum(described(state, match(club, "z", day=7))["elo_home"] for club in "abc") for state in (before, then)]
    assert sums[0] == pytest.approx(sums[1], abs=1e-9)
