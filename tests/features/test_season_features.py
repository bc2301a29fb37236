"""Where a club stands in its season, and who is new in a division."""

from __future__ import annotations

import numpy as np
import pytest
from feature_world import after, described, match

from features.transform import MatchFeatures


def newcomers(state, *pairs, competition="xx.1", season="2", day=400):
    """Whether home and away side are newcomers, pair by pair."""
    features = [described(state, match(*pair, day=day, competition=competition, season=season)) for pair in pairs]
    return [(row["newcomer_home"], row["newcomer_away"]) for row in features]


def two_divisions():
    """One season of two divisions: a, b, c, d above e, f, g, h."""
    return [match(*pair, 1, 0, day=0) for pair in ("ab", "cd")] + [
        match(*pair, 1, 0, day=0, competition="xx.2") for pair in ("ef", "gh")
    ]


def test_the_season_is_counted_for_both_sides():
    """
    A has beaten B 3-0 and drawn 1-1 at C: two matches, two points a match, a margin of 1.5.
    """
    state = after(match("a", "b", 3, 0, day=0), match("c", "a", 1, 1, day=7))

    features = described(state, match("b", "a", day=14))

    assert (features["season_matches_away"], features["season_points_away"], features["season_margin_away"]) == (
        2,
        2,
        1.5,
    )
    assert (features["season_matches_home"], features["season_points_home"], features["season_margin_home"]) == (
        1,
        0,
        -3,
    )


def test_a_new_season_starts_from_nothing():
    """
    In the first match of a season there are no matches, and points and margin are missing.
    """
    features = described(after(match("a", "b", 3, 0, day=0)), match("a", "b", day=300, season="2"))

    assert (features["season_matches_home"], features["season_phase"]) == (0, 0)
    assert np.isnan([features["season_points_home"], features["season_margin_away"]]).all()


def test_a_cup_leaves_the_season_alone_and_has_no_newcomers():
    """
    A cup match counts for no league season; in it, level and newcomers are missing and its own counts are zero.
    """
    state = after(match("a", "b", 1, 0, day=0), match("a", "b", 9, 0, day=3, competition="xx.cup"))

    league = described(state, match("a", "b", day=7))
    cup = described(state, match("a", "b", day=7, competition="xx.cup"))

    assert (league["season_matches_home"], league["season_margin_home"]) == (1, 1)
    assert np.isnan([cup["newcomer_home"], cup["newcomer_away"], cup["competition_level"]]).all()
    assert cup["season_matches_home"] == 0


def test_promoted_and_relegated_clubs_are_newcomers():
    """
    E has come up and D has gone down: both are new where they now play, and those who stayed are not.
    """
    state = after(*two_divisions())

    assert newcomers(state, "ea", "bc") == [(1, 0), (0, 0)]
    assert newcomers(state, "df", "gh", competition="xx.2") == [(1, 0), (0, 0)]


def test_a_newcomer_stays_one_for_its_whole_season_and_not_longer():
    """
    Promoted E is a newcomer in its second match of the season too, and none the season after.
    """
    state = after(
        *two_divisions(), match("e", "a", 1, 0, day=400, season="2"), match("b", "c", 1, 0, day=400, season="2")
    )

    assert newcomers(state, "eb", day=407) == [(1, 0)]
    assert newcomers(state, "eb", season="3", day=800) == [(0, 0)]


def test_nobody_is_new_in_the_first_recorded_season():
    """
    Where a division has no past nobody is new, neither on its first day nor on a later one.
    """
    assert newcomers(MatchFeatures(), "ab", season="1", day=0) == [(0, 0)]
    assert newcomers(after(match("a", "b", 1, 0, day=0)), "cd", "ac", season="1", day=7) == [(0, 0), (0, 0)]


def test_a_club_never_seen_is_new_from_the_second_recorded_season_on():
    """
    On the season's first day as on a later one.
    """
    first_day = after(match("a", "b", 1, 0, day=0))
    later = after(match("a", "b", 1, 0, day=0), match("a", "b", 1, 0, day=400, season="2"))

    assert newcomers(first_day, "za") == newcomers(later, "za", day=407) == [(1, 0)]


def test_a_club_that_comes_back_after_a_season_away_is_a_newcomer():
    """
    A club that was last seen in this division two seasons ago was not in it last season, wherever it was.
    """
    played = [match("a", "b", 1, 0, day=0), match("a", "c", 1, 0, day=400, season="2")]

    first_day, later = after(*played), after(*played, match("a", "c", 1, 0, day=800, season="3"))

    assert newcomers(first_day, "ba", season="3", day=800) == [(1, 0)]
    assert newcomers(later, "bc", season="3", day=807) == [(1, 0)]
    assert newcomers(after(*played, match("b", "a", 1, 0, day=800, season="3")), "bc", season="3", day=807) == [(1, 0)]


def test_the_phase_is_measured_by_the_length_of_the_last_season():
    """
    The first season is taken to have 34 matches; the second has as many as the first turned out to have.
    """
    first = [match("a", "b", 1, 0, day=7 * i) for i in range(17)]
    second = [match("a", "b", 1, 0, day=400 + 7 * i, season="2") for i in range(4)]

    half_way = described(after(*first), match("a", "b", day=130))
    quarter = described(after(*first, *second), match("a", "b", day=450, season="2"))
    over = described(after(*first, *(second * 5)), match("a", "b", day=450, season="2"))

    assert half_way["season_phase"] == 0.5
    assert quarter["season_phase"] == pytest.approx(4 / 17)
    assert over["season_phase"] == 1.0


def test_draws_are_counted_by_competition():
    """
    The draw rate starts as 26 % of 60 matches and follows the competition's own results.
    """
    state = after(match("a", "b", 1, 1, day=0), match("c", "d", 1, 0, day=0, competition="xx.2"))

    rates = [
        described(state, match("a", "b", day=7, competition=code))["draw_rate"] for code in ("xx.1", "xx.2", "xx.3")
    ]

    assert rates == pytest.approx([(15.6 * 599 / 600 + 1) / (60 * 599 / 600 + 1), 15.6 * 599 / (60 * 599 + 600), 0.26])


@pytest.mark.parametrize(
    ("competition", "level"), [("xx.1", 1), ("xx.4", 4), ("xx.cup", np.nan), ("friendlies", np.nan)]
)
def test_level_and_venue_are_said(competition, level):
    """
    The division's level is missing in a cup; a neutral venue says so.
    """
    features = described(MatchFeatures(), match("a", "b", day=0, competition=competition, neutral=True))

    assert features["competition_level"] == pytest.approx(level, nan_ok=True)
    assert features["neutral_venue"] == 1.0
