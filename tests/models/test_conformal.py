"""Conformal sets: they hold what happens as often as they say, also where the probabilities do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import GROUPS
from models.conditional_logit import softmax
from models.conformal import ConformalSets, likelier, members
from models.errors import InvalidForecast

COUNT = 20_000


def forecasts(seed, stretch=1.0, count=COUNT):
    """Forecasts that are too bold by a factor, their groups, and what happened."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0.0, 0.8, (count, 3))
    outcome = (log_odds + rng.gumbel(size=log_odds.shape)).argmax(axis=1)
    return softmax(stretch * log_odds), rng.integers(0, 3, count), outcome


def share_held(sets, proba, group, outcome):
    return members(proba, sets.threshold(group))[np.arange(len(proba)), outcome].mean()


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("stretch", [0.5, 1.0, 2.0])
def test_sets_hold_what_they_say_on_matches_not_learned_from(coverage, stretch):
    """
    Whether forecasts are timid, right or bold, the share of results in the sets is the stated one, up to chance.

    The likeliest outcome always belongs, so a low coverage may be passed.
    """
    sets = ConformalSets.fit(*forecasts(1, stretch), coverage=coverage)

    proba, group, outcome = forecasts(2, stretch)
    held = share_held(sets, proba, group, outcome)
    favourites = (proba.argmax(axis=1) == outcome).mean()
    assert held == pytest.approx(max(coverage, favourites), abs=0.015)


def test_groups_get_thresholds_of_their_own():
    """
    Where one group's forecasts are bold and another's timid, each still gets its coverage.
    """
    rng = np.random.default_rng(3)
    group = rng.integers(0, 3, COUNT)
    log_odds = rng.normal(0.0, 0.8, (COUNT, 3))
    outcome = (log_odds + rng.gumbel(size=log_odds.shape)).argmax(axis=1)
    proba = softmax(log_odds * np.array([0.6, 1.0, 2.0])[group][:, None])

    sets = ConformalSets.fit(proba, group, outcome)

    for place in range(3):
        own = group == place
        assert share_held(sets, proba[own], group[own], outcome[own]) == pytest.approx(0.8, abs=0.01)
    assert len(set(sets.thresholds)) == 3


def test_a_small_group_goes_by_all():
    """
    A group with fewer than 500 matches, or with none, has the threshold of all matches.
    """
    proba, _, outcome = forecasts(4)
    group = np.where(np.arange(COUNT) < 499, 1, 0)

    sets = ConformalSets.fit(proba, group, outcome)

    overall = ConformalSets.fit(proba, np.full(COUNT, 2), outcome).thresholds[0]
    assert sets.thresholds[1] == sets.thresholds[2] == overall
    assert sets.thresholds[0] != overall


def test_the_rank_is_that_of_one_match_more():
    """
    Of nine scores the 80 % threshold is the eighth, not the seventh; of three, everything belongs.
    """
    proba = np.array([[0.9 - 0.01 * i, 0.06 + 0.01 * i, 0.04] for i in range(9)])
    outcome = np.ones(9, dtype=np.int64)  # the second likeliest each time: its score is the first's probability

    sets = ConformalSets.fit(proba, np.zeros(9, dtype=np.int64), outcome)

    assert sets.thresholds[0] == pytest.approx(sorted(proba[:, 0])[7])
    few = ConformalSets.fit(proba[:3], np.zeros(3, dtype=np.int64), outcome[:3])
    assert few.thresholds[0] == 1.0


@given(st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3), st.floats(0.0, 1.0))
def test_sets_are_never_empty_and_take_the_likelier_first(weights, threshold):
    """
    The likeliest outcome belongs to every set, and no outcome belongs while a likelier one does not.
    """
    proba = np.array([weights]) / sum(weights)

    chosen = members(proba, np.array([threshold]))[0]

    assert chosen[proba[0].argmax()]
    assert proba[0][chosen].min() >= proba[0][~chosen].max(initial=0.0)


def test_a_higher_threshold_takes_no_outcome_away():
    """
    Sets grow with their threshold.
    """
    proba, _, _ = forecasts(5, count=200)

    small, large = (members(proba, np.full(200, threshold)) for threshold in (0.4, 0.7))

    assert (large >= small).all()
    assert large.sum() > small.sum()


def test_of_equals_the_first_is_likelier():
    """
    Three equal outcomes are taken in the order home, draw, away.
    """
    np.testing.assert_allclose(likelier(np.full((1, 3), 1.0 / 3.0)), [[0.0, 1.0 / 3.0, 2.0 / 3.0]])


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.5, float("nan")])
def test_an_impossible_coverage_is_refused(coverage):
    """
    The message names what was given and what is possible.
    """
    with pytest.raises(InvalidForecast, match=r"given coverage .*, expected a number within \(0, 1\)"):
        ConformalSets.fit(*forecasts(6, count=10), coverage=coverage)


def test_the_card_tells_coverage_and_thresholds():
    """
    Plain data names the stated coverage and each group's threshold.
    """
    told = ConformalSets.untested().to_plain()

    assert told == {"coverage": 0.8, "thresholds": dict.fromkeys(GROUPS, 0.8)}
