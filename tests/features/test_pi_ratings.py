"""Pi-ratings against the arithmetic of Constantinou & Fenton (2013), done one number at a time."""

from __future__ import annotations

from math import log10

import numpy as np
import pytest
from feature_world import after, described, match

from features.batch import Batch, Results, Standing
from features.pi_ratings import PiRatings, goal_difference
from features.transform import MatchFeatures


def one_fixture(*, at_home=1.0):
    """Club 1 against club 2 in competition 1, both known and trusted."""
    one, no = np.ones(1), np.zeros(1, dtype=bool)
    code = np.ones(1, dtype=np.int64)
    batch = Batch(code, code + 1, code, code, one, one, np.array([at_home]), np.full((1, 3), np.nan))
    return batch, Standing(no, no, one, one)


def rated(home_of_1, away_of_1, home_of_2, away_of_2):
    """Ratings of clubs 1 and 2."""
    pi = PiRatings()
    pi.clubs.grow(3)
    pi.competitions.grow(2)
    pi.clubs["home"][1:3] = home_of_1, home_of_2
    pi.clubs["away"][1:3] = away_of_1, away_of_2
    return pi


def test_a_result_moves_four_ratings_as_in_the_paper():
    """
    A home side of 1.6 beats an away side of 0.8 by 4-1: every step of the paper's section 3 is done here by hand.
    """
    pi = rated(1.6, 0.4, 1.2, 0.8)
    batch, standing = one_fixture()

    pi.learn(batch, standing, Results(np.array([4.0]), np.array([1.0]), np.full(1, np.nan), np.full(1, np.nan)))

    expected = (10 ** (1.6 / 3) - 1) - (10 ** (0.8 / 3) - 1)  # 2.4145 - 0.8478 = 1.5667 goals
    error = 3 - expected  # 1.4333 goals better than expected
    damped = 3 * log10(1 + error)  # psi(e) = c log10(1 + e) = 1.1586
    assert (expected, error, damped) == pytest.approx((1.56670, 1.43330, 1.15858), abs=1e-5)
    assert pi.clubs["home"][1] == pytest.approx(1.6 + 0.04 * damped, abs=1e-12)
    assert pi.clubs["away"][1] == pytest.approx(0.4 + 0.7 * 0.04 * damped, abs=1e-12)
    assert pi.clubs["away"][2] == pytest.approx(0.8 - 0.04 * damped, abs=1e-12)
    assert pi.clubs["home"][2] == pytest.approx(1.2 - 0.7 * 0.04 * damped, abs=1e-12)


def test_less_than_expected_costs_a_winner_rating():
    """
    A side expected to win by 1.57 that wins by one goal falls: error -0.57, damped to 3 log10(1.5667).
    """
    pi = rated(1.6, 0.4, 1.2, 0.8)
    batch, standing = one_fixture()

    pi.learn(batch, standing, Results(np.array([1.0]), np.array([0.0]), np.full(1, np.nan), np.full(1, np.nan)))

    assert pi.clubs["home"][1] == pytest.approx(1.6 - 0.04 * 3 * log10(1.56670), abs=1e-6)


def test_the_fixture_shows_the_rating_of_the_venue():
    """
    The home side shows its home rating, the away side its away rating; a neutral venue the mean of each side's two.
    """
    pi = rated(1.6, 0.4, 1.2, 0.8)

    at_home = pi.describe(*one_fixture())
    neutral = pi.describe(*one_fixture(at_home=0.0))

    assert (at_home["pi_home"][0], at_home["pi_away"][0]) == pytest.approx((1.6, 0.8))
    assert at_home["pi_goal_difference"][0] == pytest.approx(1.56670, abs=1e-5)
    assert (neutral["pi_home"][0], neutral["pi_away"][0]) == pytest.approx((1.0, 1.0))
    assert neutral["pi_goal_difference"][0] == pytest.approx(0.0, abs=1e-12)


def test_goal_difference_is_odd():
    """
    A rating below zero stands for as many goals less as its opposite does for goals more.
    """
    ratings = np.linspace(-5, 5, 41)

    np.testing.assert_array_equal(goal_difference(-ratings), -goal_difference(ratings))


@pytest.mark.parametrize(("competition", "start"), [("xx.1", -0.15), ("xx.3", -0.85), ("xx.cup", -0.15)])
def test_a_new_club_starts_below_its_division(competition, start):
    """
    A club without a match starts 0.15 below the mean; each division starts 0.35 below the one above.
    """
    features = described(MatchFeatures(), match("a", "b", day=0, competition=competition))

    assert features["pi_home"] == pytest.approx(start, abs=1e-12)
    assert features["pi_goal_difference"] == 0.0


def test_new_clubs_learn_from_their_start():
    """
    Two new clubs at -0.15 expect nothing of each other; a 2-0 moves them by 0.04 * 3 log10(3) = 0.05725.
    """
    state = after(match("a", "b", 2, 0, day=0))

    first, turned = described(state, match("a", "b", day=7)), described(state, match("b", "a", day=7))

    assert (first["pi_home"], first["pi_away"]) == pytest.approx((-0.15 + 0.05725, -0.15 - 0.05725), abs=1e-5)
    assert (turned["pi_home"], turned["pi_away"]) == pytest.approx((-0.15 - 0.04008, -0.15 + 0.04008), abs=1e-5)
