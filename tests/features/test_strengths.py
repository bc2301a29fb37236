"""Attack and defence with their doubt: newcomers, absence, xG, home advantage of the world, and a league recovered."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest
from feature_world import after, described, match, same_bits, table

from features.transform import MatchFeatures

BASES_VARIANCE = 0.02 + 0.25 * (0.01 + 0.01)  # of goals, and of half the own and half the world's home advantage


def pair(state, *, day, competition="xx.1", **more):
    """The features of two clubs that nobody has seen."""
    return described(state, match("?", "!", day=day, competition=competition, **more))


def home_advantage(state, *, day, competition="xx.1"):
    """Log goals between two equal sides."""
    features = pair(state, day=day, competition=competition)
    return log(features["goals_expected_home"] / features["goals_expected_away"])


@pytest.mark.parametrize(("competition", "mean"), [("xx.1", 0.0), ("xx.2", -0.3), ("xx.3", -0.6), ("xx.cup", 0.0)])
def test_a_club_never_seen_is_a_little_below_its_division_and_in_full_doubt(competition, mean):
    """
    Log attack and defence are 0.05 below the mean, 0.3 less a division; doubt is that of two clubs and the bases.
    """
    features = pair(MatchFeatures(), day=0, competition=competition)

    variance = 2 * 0.116 + BASES_VARIANCE
    assert features["goals_attack_home"] == pytest.approx(exp(mean - 0.05))
    assert features["goals_defence_home"] == pytest.approx(exp(0.05 - mean))
    assert features["goals_doubt_home"] == features["goals_doubt_away"] == pytest.approx(sqrt(variance))
    assert features["goals_expected_home"] == pytest.approx(exp(0.28 + 0.13 + variance / 2))
    assert features["goals_expected_away"] == pytest.approx(exp(0.28 - 0.13 + variance / 2))


def test_a_newcomer_follows_the_mean_of_its_division_as_it_has_become():
    """
    Where second-division clubs beat those of the first in the cup, the next club of their division starts higher.
    """
    ties = [match(f"low {i}", f"high {i}", 5, 0, day=i, competition="xx.cup") for i in range(6)]
    rounds = [match(f"low {i}", f"low {i + 1}", 1, 1, day=10 + i, competition="xx.2") for i in range(5)]
    unproved = [match(f"low {i}", f"low {i + 1}", 1, 1, day=10 + i, competition="xx.2") for i in range(5)]

    raised = pair(after(*ties, *rounds), day=20, competition="xx.2")
    usual = pair(after(*unproved), day=20, competition="xx.2")

    assert usual["goals_attack_home"] < raised["goals_attack_home"] < 1.0


def test_a_cup_has_no_mean_of_its_own():
    """
    However strong the clubs that meet in a cup, the next unknown one starts there like the first.
    """
    state = after(*(match("strong", f"weak {i}", 5, 0, day=i, competition="xx.cup") for i in range(20)))

    assert pair(state, day=30, competition="xx.cup")["goals_attack_home"] == pytest.approx(exp(-0.05), rel=1e-12)


def test_a_high_win_speaks_for_the_attack_and_against_the_other_defence():
    """
    After a 5-0 the winner scores more and concedes less than before, the loser the other way round.
    """
    state = after(match("a", "b", 5, 0, day=0))

    features, before = described(state, match("a", "b", day=1)), pair(MatchFeatures(), day=1)

    assert features["goals_attack_home"] > before["goals_attack_home"] > features["goals_attack_away"]
    assert features["goals_defence_home"] < before["goals_defence_home"] < features["goals_defence_away"]


def test_more_goals_mean_more():
    """
    Every further goal raises the attack, and the expected goals of the next match.
    """
    shown = [described(after(match("a", "b", goals, 0, day=0)), match("a", "c", day=1)) for goals in range(6)]

    for name in ("goals_attack_home", "goals_expected_home"):
        assert [features[name] for features in shown] == sorted({features[name] for features in shown})


def test_doubt_shrinks_with_every_match():
    """
    Ten goalless draws in a row, each leaves less doubt of both sides than the one before.
    """
    frame = MatchFeatures().update(table(*(match("a", "b", 0, 0, day=day) for day in range(10))))

    for side in ("home", "away"):
        doubt = frame.values[:, frame.names.index(f"goals_doubt_{side}")]
        assert (np.diff(doubt) < 0).all()


def test_doubt_grows_with_absence_by_the_day():
    """
    A hundred days add 100 times the drift of both clubs, of the goals, and a quarter of both home advantages'.
    """
    state = after(match("a", "b", 2, 1, day=0))
    soon, late = (described(state, match("a", "b", day=day)) for day in (1, 101))

    drift = 2 * 7.7e-5 + 4e-6 + 0.25 * (1e-6 + 1e-5)
    assert late["goals_doubt_home"] ** 2 - soon["goals_doubt_home"] ** 2 == pytest.approx(100 * drift)
    assert late["goals_attack_home"] == soon["goals_attack_home"]


def test_doubt_grows_over_a_summer_but_not_with_a_cup():
    """
    The first league match of another season adds the drift of two summers to the variance; a cup match adds none.
    """
    state = after(match("a", "b", 2, 1, day=0, season="1"), match("c", "d", 1, 1, day=0, competition="xx.cup"))

    def variance(**more):
        return described(state, match("a", "b", day=60, **more))["goals_doubt_home"] ** 2

    same, other = variance(season="1"), variance(season="2")
    cup_drift = variance(season="2", competition="xx.cup") - variance(season="1", competition="xx.cup")
    assert other - same == pytest.approx(2 * 0.009)
    assert cup_drift == 0.0


def test_a_cup_match_in_between_does_not_hide_the_summer():
    """
    A club that first plays a cup match of the new season still has its summer before it in the league.
    """
    played = match("a", "b", 2, 1, day=0, season="1"), match("a", "c", 1, 0, day=50, season="2", competition="xx.cup")
    state = after(*played)

    old, new = (described(state, match("a", "?", day=60, season=season)) for season in ("1", "2"))

    assert new["goals_doubt_home"] ** 2 - old["goals_doubt_home"] ** 2 == pytest.approx(0.009)


def test_a_fixture_of_a_day_long_gone_has_no_negative_doubt():
    """
    A state that knows more than a fixture's day describes it as of its newest day, not as surer than that.
    """
    state = after(*(match("a", "b", 1, 1, day=3000 + day) for day in range(40)))
    past, now = (described(state, match("a", "b", day=day)) for day in (0, 3039))

    assert past["goals_doubt_home"] == now["goals_doubt_home"] > 0.0


def test_only_the_chances_look_at_xg():
    """
    3-1 from 1.0 xG each speaks less for the winner, and leaves less doubt; the goals do not see it.
    """
    without = described(after(match("a", "b", 3, 1, day=0)), match("a", "b", day=7))
    with_xg = described(after(match("a", "b", 3, 1, day=0, home_xg=1.0, away_xg=1.0)), match("a", "b", day=7))

    names = [name.removeprefix("goals_") for name in without if name.startswith("goals_")]
    assert len(names) == 8
    assert [without[f"goals_{n}"] for n in names] == [with_xg[f"goals_{n}"] for n in names]
    assert [without[f"chances_{n}"] for n in names] == [without[f"goals_{n}"] for n in names]
    assert with_xg["chances_doubt_home"] < with_xg["goals_doubt_home"]
    assert with_xg["chances_attack_home"] < with_xg["goals_attack_home"]


def test_xg_counts_seven_to_three():
    """
    3 goals from 1.0 xG count as 0.3 * 3 + 0.7 * 1 = 1.6 goals from 1.6 xG.
    """

    def chances(home_goals, home_xg):
        played = match("a", "b", home_goals, 1, day=0, home_xg=home_xg, away_xg=1.0)
        return described(after(played), match("a", "b", day=7))["chances_attack_home"]

    assert chances(3, 1.0) == pytest.approx(chances(1.6, 1.6), rel=1e-12)


def test_xg_of_one_side_only_counts_for_it_but_is_trusted_no_more_than_goals():
    """
    The known side's goals are mixed with its xG; doubt falls no further than after goals alone.
    """
    half = described(after(match("a", "b", 3, 1, day=0, home_xg=1.0)), match("a", "b", day=7))
    none = described(after(match("a", "b", 1.6, 1, day=0)), match("a", "b", day=7))

    assert half["chances_attack_home"] == pytest.approx(none["goals_attack_home"], rel=1e-12)
    assert half["chances_doubt_home"] == pytest.approx(none["goals_doubt_home"], rel=1e-12)


def test_the_greatest_surprise_leaves_ratings_of_this_world():
    """
    40-0 from as much xG between two clubs never seen moves them far, yet nobody else out of bounds.
    """
    state = after(match("a", "b", 40, 0, day=0, home_xg=40.0, away_xg=0.0))

    features, others = described(state, match("a", "b", day=7)), pair(state, day=7)

    assert 3.0 < features["chances_attack_home"] < 20.0
    assert 3.0 < features["chances_expected_home"] < 100.0
    assert others["chances_expected_home"] == pytest.approx(
        pair(MatchFeatures(), day=7)["chances_expected_home"], rel=0.5
    )


def test_a_neutral_venue_mirrors():
    """
    Without a home side, both orders of the same clubs and results give the same strengths and expectations.
    """
    played = [("a", "b", 3, 0), ("b", "c", 1, 1), ("c", "a", 0, 2), ("a", "c", 4, 2)]
    one = after(*(match(h, a, x, y, day=day, neutral=True) for day, (h, a, x, y) in enumerate(played)))
    other = after(*(match(a, h, y, x, day=day, neutral=True) for day, (h, a, x, y) in enumerate(played)))

    straight = described(one, match("a", "b", day=9, neutral=True))
    turned = described(other, match("b", "a", day=9, neutral=True))

    for name in ("attack", "defence", "expected", "doubt"):
        assert straight[f"goals_{name}_home"] == pytest.approx(turned[f"goals_{name}_away"], rel=1e-12)
        assert straight[f"goals_{name}_away"] == pytest.approx(turned[f"goals_{name}_home"], rel=1e-12)


def test_a_neutral_match_teaches_nothing_of_home_advantage():
    """
    9-0 on neutral ground leaves the home advantage as it was.
    """
    state = after(match("a", "b", 9, 0, day=0, neutral=True))

    assert home_advantage(state, day=1) == pytest.approx(0.26, rel=1e-12)
    assert home_advantage(after(match("a", "b", 9, 0, day=0)), day=1) > 0.26


def rounds_of(competition, days, score):
    """A match in a competition on each of the days, in turn by eight clubs of its own."""
    clubs = [f"{competition} {i}" for i in range(8)]
    return [
        match(clubs[day % 8], clubs[(day + 1 + day // 8 % 7) % 8], *score, day=day, competition=competition)
        for day in days
    ]


WORLD = [f"{country}.1" for country in ("aa", "bb", "cc", "dd", "ee")]


def test_a_fall_of_home_wins_in_all_the_world_shows_where_nobody_has_played_since():
    """
    Home sides that lose in four leagues lower the home advantage of the fifth; in one league, its own, and the fifth's less.
    """
    usual = after(*(row for competition in WORLD for row in rounds_of(competition, range(150), (2, 1))))

    def lost(*competitions):
        state = usual.copy()
        later = (row for competition in competitions for row in rounds_of(competition, range(150, 230), (1, 2)))
        state.update(table(*later))
        return {name: home_advantage(state, day=230, competition=name) for name in ("aa.1", "ee.1")}

    before, everywhere, in_one = lost(), lost(*WORLD[:4]), lost("aa.1")

    assert everywhere["ee.1"] < before["ee.1"] - 0.05
    assert in_one["aa.1"] < before["aa.1"] - 0.05
    assert before["ee.1"] - in_one["ee.1"] < 0.6 * (before["aa.1"] - in_one["aa.1"])
    assert before["ee.1"] - in_one["ee.1"] < 0.5 * (before["ee.1"] - everywhere["ee.1"])


def test_goals_of_a_competition_are_its_own():
    """
    A league of many goals expects many between clubs that nobody knows; another league does not.
    """
    state = after(*rounds_of("aa.1", range(200), (4, 3)), *rounds_of("bb.1", range(200), (1, 0)))

    many, few, none = (pair(state, day=200, competition=name) for name in ("aa.1", "bb.1", "cc.1"))

    assert many["goals_expected_home"] > 1.2 * none["goals_expected_home"]
    assert few["goals_expected_home"] < none["goals_expected_home"] / 1.2


def test_a_promoted_club_carries_its_strength():
    """
    Whatever division a known club plays in next, its attack and defence are the same; a new one's are not.
    """
    state = after(*(match("a", f"b{i}", 4, 0, day=i, competition="xx.2") for i in range(10)))

    below, above = (described(state, match("a", "?", day=20, competition=name)) for name in ("xx.2", "xx.1"))

    assert above["goals_attack_home"] == below["goals_attack_home"] > exp(-0.35)
    assert above["goals_defence_home"] == below["goals_defence_home"] < exp(0.35)
    assert above["goals_attack_away"] > below["goals_attack_away"]


def test_asking_about_a_club_before_its_first_match_gives_what_learning_it_describes():
    """
    A club unknown to the state has the same bits as in the update that first meets it.
    """
    played = [match("a", "b", 3, 1, day=0), match("b", "a", 2, 2, day=7, season="2")]
    first = table(match("new", "a", 1, 0, day=30, competition="xx.2", season="3"))
    state = after(*played)

    asked, met = state.transform(first), state.copy().update(first)

    for family in ("goals", "chances"):
        columns = [i for i, name in enumerate(asked.names) if name.startswith(family)]
        assert same_bits(asked.values[:, columns], met.values[:, columns])


def test_the_order_of_a_day_is_of_no_account():
    """
    Five matches of ten clubs on one day leave the same strengths, whichever is read first.
    """
    rng = np.random.default_rng(11)
    scores = rng.poisson([1.6, 1.1], (5, 2)).tolist()
    opening = [match(f"h{i}", f"a{i}", *scores[-i], day=0) for i in range(5)]

    def strengths(order):
        today = [match(f"h{i}", f"a{i}", *scores[i], day=7, match_id=str(place)) for place, i in enumerate(order)]
        state = after(*opening, *today)
        fixtures = table(*(match(f"h{i}", f"a{(i + 1) % 5}", day=14) for i in range(5)))
        return state.transform(fixtures).values[:, 6:22]

    for _ in range(5):
        np.testing.assert_allclose(strengths(rng.permutation(5)), strengths(range(5)), rtol=1e-12)


def test_a_copy_learns_on_its_own():
    """
    What a copy learns changes no bit of the original's descriptions.
    """
    state = after(match("a", "b", 2, 1, day=0, home_xg=1.8, away_xg=0.9))
    fixtures = table(match("a", "b", day=20), match("?", "a", day=20))
    before = state.transform(fixtures).values

    state.copy().update(table(match("a", "b", 0, 5, day=10, home_xg=0.3, away_xg=3.0)))

    assert same_bits(state.transform(fixtures).values, before)


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


class Simulated:
    """Five leagues of 16 clubs whose strengths drift as the family assumes, over three seasons of 30 rounds."""

    LEAGUES, CLUBS, SEASONS = 5, 16, 3

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.strength = self.drawn(0.116, 0.6)  # attack and defence by league and club
        self.goals = 0.28 + self.rng.normal(0, sqrt(0.02), self.LEAGUES)
        self.home = 0.26 + self.rng.normal(0, 0.1, self.LEAGUES) + self.rng.normal(0, 0.1)
        self.day, self.rows = 0, []
        for season in range(self.SEASONS):
            if season:
                self.wait(90, 0.009)
            for _ in range(2 * (self.CLUBS - 1)):
                self.play(season)
                self.wait(7, 0.0)

    def drawn(self, variance, correlation):
        """Numbers in pairs. Shape (leagues, clubs, 2)."""
        covariance = variance * np.array([[1.0, correlation], [correlation, 1.0]])
        return self.rng.multivariate_normal([0.0, 0.0], covariance, (self.LEAGUES, self.CLUBS))

    def wait(self, days, summer):
        self.day += days
        self.strength = self.strength + self.drawn(7.7e-5 * days + summer, 0.84)

    def log_goals(self, league, home, away):
        """Both sides' log expected goals, as they are."""
        (home_attack, home_defence), (away_attack, away_defence) = self.strength[league][[home, away]]
        base, half = self.goals[league], self.home[league] / 2
        return base + half + home_attack - away_defence, base - half + away_attack - home_defence

    def play(self, season):
        """One round in every league; scores scatter as chances are assumed to, and goals as Poisson counts."""
        for league in range(self.LEAGUES):
            for home, away in self.rng.permutation(self.CLUBS).reshape(-1, 2).tolist():
                rate = np.exp(self.log_goals(league, home, away))
                chances = self.rng.gamma(rate / 0.9, 0.9)
                goals = self.rng.poisson(rate)
                xg = (chances - 0.3 * goals) / 0.7  # so that 3 parts of goals and 7 of xG are the chances
                row = match(f"{league} {home}", f"{league} {away}", *goals, day=self.day, competition=f"x{league}.1")
                self.rows.append(row | {"season": str(season), "home_xg": xg[0], "away_xg": xg[1]})


@pytest.fixture(scope="module")
def known():
    """Truth and description of every pairing after three seasons: log goals true, expected and in doubt, by family."""
    world = Simulated(seed=20)
    state, pairings = after(*world.rows), [(n, h, a) for n in range(5) for h in range(16) for a in range(16) if h != a]
    last = str(world.SEASONS - 1)
    fixtures = [
        match(f"{n} {h}", f"{n} {a}", day=world.day, competition=f"x{n}.1", season=last) for n, h, a in pairings
    ]
    frame = state.transform(table(*fixtures))
    columns = dict(zip(frame.names, frame.values.T, strict=True))
    return np.array([world.log_goals(*pairing)[0] for pairing in pairings]), columns


@pytest.mark.parametrize(("family", "least"), [("goals", 0.85), ("chances", 0.9)])
def test_a_league_that_we_made_is_recovered(known, family, least):
    """
    What the home sides are expected to score goes with what they truly do on average, better where xG is known.
    """
    truth, columns = known

    assert np.corrcoef(truth, np.log(columns[f"{family}_expected_home"]))[0, 1] > least


def test_the_truth_lies_within_the_doubt_about_as_often_as_it_should(known):
    """
    Of scores that scatter as assumed, two thirds of the true log goals are within one doubt, and 95% within two.
    """
    truth, columns = known
    doubt = columns["chances_doubt_home"]
    missed = np.abs(truth - (np.log(columns["chances_expected_home"]) - 0.5 * doubt**2)) / doubt

    assert 0.6 < (missed < 1.0).mean() < 0.77
    assert 0.91 < (missed < 2.0).mean() < 0.99
