"""Attack and defence strengths: prior, one match by hand, decay, xG, and the weekly look back."""

from __future__ import annotations

import numpy as np
import pytest
from feature_world import after, described, match

from features.batch import Batch, Results
from features.strengths import Strengths
from features.transform import MatchFeatures

DAY = 17_003.0


def fixture(home, away, *, day=DAY, at_home=1.0, level=1.0):
    """One fixture of competition 1 as the family sees it."""
    home, away, one = (np.array([code], dtype=np.int64) for code in (home, away, 1))
    return Batch(home, away, one, one, np.array([day]), np.array([level]), np.array([at_home]), np.full((1, 3), np.nan))


def score(home_goals, away_goals, home_xg=np.nan, away_xg=np.nan):
    return Results(*(np.array([float(value)]) for value in (home_goals, away_goals, home_xg, away_xg)))


def strengths(*, xg_weight=0.0, revised_day=DAY):
    """A family with room for four clubs; no look back is due in the week of ``revised_day``."""
    family = Strengths("goals", xg_weight=xg_weight)
    family.clubs.grow(5)
    family.competitions.grow(2)
    family.revised_day = revised_day
    return family


def shown(family, batch):
    return {name.removeprefix("goals_"): float(column[0]) for name, column in family.describe(batch).items()}


@pytest.mark.parametrize(("level", "attack", "defence"), [(1.0, 0.9, 1.1), (2.0, 0.675, 1.43), (3.0, 0.50625, 1.859)])
def test_a_club_without_a_match_has_the_prior_of_its_division(level, attack, defence):
    """
    Attack 0.9 and defence 1.1 in the top division; a quarter weaker and 1.3 times leakier with every one below.
    """
    features = shown(strengths(), fixture(1, 2, level=level))

    assert (features["attack_home"], features["defence_home"]) == pytest.approx((attack, defence))
    assert features["expected_home"] == pytest.approx(1.5 * attack * defence)
    assert features["expected_away"] == pytest.approx(1.15 * attack * defence)


def test_one_match_by_hand():
    """
    A 3-1: goals plus 15 prior goals, over the goals expected against that opponent plus 15.
    """
    family = strengths()

    family.learn(fixture(1, 2), score(3, 1))

    features = shown(family, fixture(1, 2))
    # Expected of the home side 1.5 * 1.1 = 1.65, of the away side 1.15 * 1.1 = 1.265;
    # the attacks that the defences met: 1.15 * 0.9 = 1.035 and 1.5 * 0.9 = 1.35.
    assert features["attack_home"] == pytest.approx((3 + 13.5) / (1.65 + 15))
    assert features["defence_home"] == pytest.approx((1 + 16.5) / (1.035 + 15))
    assert features["attack_away"] == pytest.approx((1 + 13.5) / (1.265 + 15))
    assert features["defence_away"] == pytest.approx((3 + 16.5) / (1.35 + 15))


def test_a_match_counts_half_after_400_days():
    """
    Goals and expected goals both halve with the half-life, and the prior does not.
    """
    family = strengths()
    family.learn(fixture(1, 2), score(3, 1))

    features = shown(family, fixture(1, 2, day=DAY + 400))

    assert features["attack_home"] == pytest.approx((1.5 + 13.5) / (0.825 + 15))


def test_goals_expected_follow_the_competition():
    """
    The base rates are 60 prior matches of 1.5 and 1.15 goals, fading by a 600th with each match.
    """
    family = strengths()
    family.learn(fixture(1, 2), score(3, 1))

    features = shown(family, fixture(3, 4))

    base_home = (90 * 599 / 600 + 3) / (60 * 599 / 600 + 1)
    base_away = (69 * 599 / 600 + 1) / (60 * 599 / 600 + 1)
    assert features["expected_home"] == pytest.approx(base_home * 0.9 * 1.1)
    assert features["expected_away"] == pytest.approx(base_away * 0.9 * 1.1)


def test_a_neutral_venue_shares_the_goals_and_teaches_no_base_rate():
    """
    At a neutral venue both sides expect the geometric mean of the two rates, and the score leaves the rates alone.
    """
    family = strengths()

    family.learn(fixture(1, 2, at_home=0.0), score(9, 0))

    neutral, at_home = shown(family, fixture(3, 4, at_home=0.0)), shown(family, fixture(3, 4))
    assert neutral["expected_home"] == neutral["expected_away"] == pytest.approx((1.5 * 1.15) ** 0.5 * 0.99)
    assert at_home["expected_home"] == pytest.approx(1.5 * 0.99)


@pytest.mark.parametrize(
    ("xg_weight", "home_xg", "goals"), [(0.7, 1.0, 1.6), (0.7, np.nan, 3.0), (0.0, 1.0, 3.0), (1.0, 1.0, 1.0)]
)
def test_xg_counts_seven_to_three_where_it_is_known(xg_weight, home_xg, goals):
    """
    3 goals from 1.0 xG count as 0.3 * 3 + 0.7 * 1 = 1.6 goals; without xG the goals stand alone.
    """
    family = strengths(xg_weight=xg_weight)

    family.learn(fixture(1, 2), score(3, 1, home_xg))

    assert shown(family, fixture(1, 2))["attack_home"] == pytest.approx((goals + 13.5) / (1.65 + 15))


def test_only_the_chances_look_at_xg():
    """
    In the transform, xG moves the chances and not the goals.
    """
    without = described(after(match("a", "b", 3, 1, day=0)), match("a", "b", day=7))
    with_xg = described(after(match("a", "b", 3, 1, day=0, home_xg=1.0, away_xg=1.0)), match("a", "b", day=7))

    assert without["goals_attack_home"] == without["chances_attack_home"] == with_xg["goals_attack_home"]
    assert with_xg["chances_attack_home"] < with_xg["goals_attack_home"]


def test_the_weekly_look_back_weighs_opponents_as_they_are_seen_today():
    """
    Beating a side 2-0 is worth more once that side has proved hard to score against, without playing again.
    """

    def attack_of_a(goals_conceded_by_b):
        later = [match("c", "b", goals_conceded_by_b, 0, day=7 * week) for week in range(1, 9)]
        return described(after(match("a", "b", 2, 0, day=0), *later), match("a", "d", day=60))["goals_attack_home"]

    assert attack_of_a(0) > attack_of_a(1) > attack_of_a(5)


def test_the_look_back_equals_plain_loops():
    """
    One revision of three clubs and three matches equals its definition, written as loops over matches.
    """
    played = [(1, 2, 3, 1, DAY - 20), (2, 3, 0, 0, DAY - 13), (3, 1, 2, 4, DAY)]
    family = strengths(revised_day=DAY)
    for home, away, home_goals, away_goals, day in played[:2]:
        family.learn(fixture(home, away, day=day), score(home_goals, away_goals))
    family.revised_day = DAY - 13
    home, away, home_goals, away_goals, day = played[2]

    before = strengths(revised_day=DAY + 1)
    for row in played:
        before.learn(fixture(*row[:2], day=row[4]), score(*row[2:4]))
    family.learn(fixture(home, away, day=day), score(home_goals, away_goals))

    expected = looked_back(before, played)
    for club, (attack, defence) in expected.items():
        features = shown(family, fixture(club, 4))
        assert (features["attack_home"], features["defence_home"]) == pytest.approx((attack, defence), abs=1e-12)


def looked_back(before, played):
    """Attack and defence by club after two sweeps, starting from the running estimate."""
    weight = [0.5 ** ((DAY - day) / 400) for *_, day in played]
    base = [float(before.competitions[side][1] / before.competitions["matches"][1]) for side in ("home", "away")]
    now = {club: shown(before, fixture(club, 4)) for club in (1, 2, 3)}
    strength = {club: (now[club]["attack_home"], now[club]["defence_home"]) for club in now}
    for _ in range(2):
        sums = {club: [13.5, 15.0, 16.5, 15.0] for club in strength}
        for w, (home, away, home_goals, away_goals, _) in zip(weight, played, strict=True):
            for club, other, goals, against, own_base, other_base in (
                (home, away, home_goals, away_goals, base[0], base[1]),
                (away, home, away_goals, home_goals, base[1], base[0]),
            ):
                gains = (goals, own_base * strength[other][1], against, other_base * strength[other][0])
                sums[club] = [total + w * gain for total, gain in zip(sums[club], gains, strict=True)]
        strength = {club: (scored / due, conceded / threat) for club, (scored, due, conceded, threat) in sums.items()}
    return strength


def test_matches_older_than_four_years_are_forgotten():
    """
    A look back more than 1,500 days later no longer sees a match: both clubs are back at the prior.
    """
    state = after(match("a", "b", 9, 0, day=0), match("c", "d", 1, 1, day=1600))

    features = described(state, match("a", "b", day=1601))

    assert features["goals_attack_home"] == pytest.approx(0.9)
    assert features["goals_defence_away"] == pytest.approx(1.1)


def test_many_matches_outgrow_the_memory_without_losing_any():
    """
    The memory of past matches grows past its first thousand rows and drops only what is too old.
    """
    family = strengths()
    for day in range(3000):
        family.learn(fixture(1, 2, day=DAY + day), score(1, 1))

    kept = family.recent.since(DAY + 2999)

    assert kept.day.tolist() == [DAY + day for day in range(1499, 3000)]


def test_the_calendar_has_no_special_day():
    """
    Moving all days by whole weeks, also to before 1970, moves no feature.
    """
    days = (0, 3, 9, 16, 24)
    rows = [("ab", 2, 0), ("bc", 1, 1), ("ca", 0, 3), ("ba", 2, 2), ("cb", 1, 0)]

    def features_of(weeks):
        played = [match(*pair, hg, ag, day=day - 7 * weeks) for day, (pair, hg, ag) in zip(days, rows, strict=True)]
        return described(after(*played), match("a", "c", day=30 - 7 * weeks))

    assert features_of(0) == pytest.approx(features_of(3000), abs=0, rel=0, nan_ok=True)


def test_a_cup_match_uses_the_level_of_each_club():
    """
    In a cup a club keeps the prior of the division it last played in.
    """
    state = after(match("a", "b", 1, 1, day=0), match("c", "d", 1, 1, day=0, competition="xx.2"))

    cup = described(state, match("a", "c", day=0, competition="xx.cup"))

    assert cup["goals_attack_home"] > 0.85
    assert cup["goals_attack_away"] < 0.75
    new = described(MatchFeatures(), match("e", "f", day=0, competition="xx.cup"))
    assert new["goals_attack_home"] == pytest.approx(0.9)
