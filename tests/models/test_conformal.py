"""Conformal sets: they hold what happens as often as they say, also where the probabilities do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.conditional_logit import softmax
from models.conformal import OTHERS, ConformalSets, likelier, members
from models.errors import InvalidForecast

COUNT = 20_000
CODES = np.array(["xx.1", "xx.2", "xx.3"], dtype=object)


def forecasts(seed, stretch=1.0, count=COUNT):
    """Forecasts that are too bold by a factor, their competitions, and what happened."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0.0, 0.8, (count, 3))
    outcome = (log_odds + rng.gumbel(size=log_odds.shape)).argmax(axis=1)
    return softmax(stretch * log_odds), CODES[rng.integers(0, 3, count)], outcome


def share_held(sets, proba, competition, outcome):
    return members(proba, sets.thresholds(competition))[np.arange(len(proba)), outcome].mean()


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("stretch", [0.5, 1.0, 2.0])
def test_sets_hold_what_they_say_on_matches_not_learned_from(coverage, stretch):
    """
    Whether forecasts are timid, right or bold, the share of results in the sets is the stated one, up to chance.

    The likeliest outcome always belongs, so a low coverage may be passed.
    """
    sets = ConformalSets.fit(*forecasts(1, stretch), coverage=coverage)

    proba, competition, outcome = forecasts(2, stretch)
    held = share_held(sets, proba, competition, outcome)
    favourites = (proba.argmax(axis=1) == outcome).mean()
    assert held == pytest.approx(max(coverage, favourites), abs=0.015)


def test_competitions_get_thresholds_of_their_own():
    """
    Where one competition's forecasts are bold and another's timid, each still gets its coverage.
    """
    rng = np.random.default_rng(3)
    place = rng.integers(0, 3, COUNT)
    log_odds = rng.normal(0.0, 0.8, (COUNT, 3))
    outcome = (log_odds + rng.gumbel(size=log_odds.shape)).argmax(axis=1)
    proba = softmax(log_odds * np.array([0.6, 1.0, 2.0])[place][:, None])

    sets = ConformalSets.fit(proba, CODES[place], outcome)

    for code in CODES:
        own = CODES[place] == code
        assert share_held(sets, proba[own], CODES[place][own], outcome[own]) == pytest.approx(0.8, abs=0.01)
    assert len(set(sets.by_competition.values())) == 3


def test_a_competition_with_few_matches_goes_by_all_and_one_with_none_entirely():
    """
    Five matches of a competition whose results never surprise move its threshold a little off everybody's.
    """
    proba, competition, outcome = forecasts(4)
    certain = np.tile([0.998, 0.001, 0.001], (5, 1)), np.full(5, "new.1", dtype=object), np.zeros(5, dtype=np.int64)
    everything = [np.concatenate(pair) for pair in zip((proba, competition, outcome), certain, strict=True)]

    sets = ConformalSets.fit(*everything)

    assert sets.overall - 0.02 < sets.threshold("new.1") < sets.overall
    assert sets.threshold("never.1") == sets.overall


def test_all_others_together_count_as_a_hundred_matches():
    """
    Of 100 own matches and 100 times as many others the others weigh as much as the own.

    All own scores lie below all others': with 100 to 100 the 80 % threshold lies among the others', at 61 % of them.
    """
    own, others = 100, 10_000
    first = np.concatenate([np.linspace(0.4, 0.5, own), np.linspace(0.6, 0.7, others)])
    proba = np.column_stack([first, 0.75 * (1.0 - first), 0.25 * (1.0 - first)])
    competition = np.repeat(np.array(["own.1", "other.1"], dtype=object), [own, others])

    sets = ConformalSets.fit(proba, competition, np.ones(own + others, dtype=np.int64))

    expected = 0.8 * (own + OTHERS + 1.0) - own
    assert sets.threshold("own.1") == pytest.approx(
        np.quantile(np.linspace(0.6, 0.7, others), expected / OTHERS), abs=1e-4
    )


def test_the_rank_is_that_of_one_match_more():
    """
    Of nine scores the 80 % threshold is the eighth, not the seventh; of three, everything belongs.
    """
    proba = np.array([[0.9 - 0.01 * i, 0.06 + 0.01 * i, 0.04] for i in range(9)])
    outcome = np.ones(9, dtype=np.int64)  # the second likeliest each time: its score is the first's probability
    competition = np.full(9, "xx.1", dtype=object)

    sets = ConformalSets.fit(proba, competition, outcome)

    assert sets.threshold("xx.1") == sets.overall == pytest.approx(sorted(proba[:, 0])[7])
    assert ConformalSets.fit(proba[:3], competition[:3], outcome[:3]).threshold("xx.1") == 1.0


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
    Plain data names the stated coverage and the thresholds, everybody's and each competition's.
    """
    told = ConformalSets(0.8, 0.7, {"xx.1": 0.6}).to_plain()

    assert told == {"coverage": 0.8, "threshold": 0.7, "thresholds": {"xx.1": 0.6}}
    assert ConformalSets.untested().to_plain() == {"coverage": 0.8, "threshold": 0.8, "thresholds": {}}
