"""Bets that were never placed: what they would have been, and what they would have made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from training.staking import NO_BET, best_bet, expected_value, kelly_stake, settle, yield_of

SEED = 3


def test_one_bet_a_match_at_most_and_none_without_an_edge():
    """
    The outcome of the highest expected value is taken if it beats the edge; without odds there is no bet.
    """
    proba = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    odds = np.array([[2.2, 4.8, 3.0], [2.1, 3.9, 3.9], [2.0, 4.0, 4.0], [np.nan, np.nan, np.nan]])

    value = expected_value(proba, odds)

    assert best_bet(value, 0.0).tolist() == [1, 0, NO_BET, NO_BET]
    assert best_bet(value, 0.1).tolist() == [1, NO_BET, NO_BET, NO_BET]
    assert best_bet(value[1:2], float(value[1, 0])).tolist() == [NO_BET]


@settings(max_examples=100, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(1.05, 30.0))
def test_kelly_grows_a_bankroll_fastest(probability, odds):
    """
    No other share gives a higher expected logarithm of the bankroll than Kelly's whole one.
    """
    stake = float(kelly_stake(np.array([probability]), np.array([odds]), fraction=1.0, cap=1.0)[0])
    assume(stake < 0.999)
    shares = np.linspace(0.0, 0.999, 1000)

    def growth(share):
        return probability * np.log1p(share * (odds - 1.0)) + (1.0 - probability) * np.log1p(-share)

    assert growth(stake) >= growth(shares).max() - 1e-12


@settings(max_examples=100, deadline=None)
@given(st.floats(0.0, 1.0), st.floats(1.01, 100.0), st.floats(0.01, 1.0), st.floats(0.001, 1.0))
def test_a_stake_is_a_fraction_within_its_cap(probability, odds, fraction, cap):
    """
    A stake is never negative nor above the cap, and otherwise the fraction of the whole one.
    """
    one = np.array([probability]), np.array([odds])
    whole = kelly_stake(*one, fraction=1.0, cap=1.0)

    stake = kelly_stake(*one, fraction=fraction, cap=cap)

    assert stake == pytest.approx(np.minimum(whole * fraction, cap))
    assert (stake[0] > 0.0) == (expected_value(*one)[0] > 0.0)


@pytest.mark.parametrize(("name", "share"), [("fraction", 0.0), ("fraction", 1.5), ("cap", -0.1), ("cap", np.nan)])
def test_a_share_out_of_range_is_an_error(name, share):
    """
    A fraction or a cap that is no share is refused by name.
    """
    with pytest.raises(ValueError, match=f"{name} {share} is no share; expected above 0, up to 1"):
        kelly_stake(np.array([0.5]), np.array([2.5]), **({"fraction": 0.25, "cap": 0.05} | {name: share}))


def test_yield_is_profit_over_stakes_and_its_interval_holds_days_together():
    """
    Ten days each of one win and one loss that cancel out give no doubt; the same bets on days of their own do.
    """
    stake, odds = np.ones(20), np.full(20, 2.0)
    profit = settle(stake, odds, np.arange(20) % 2 == 0)

    paired = yield_of(stake, profit, np.arange(20) // 2, seed=SEED)
    alone = yield_of(stake, profit, np.arange(20), seed=SEED)

    assert paired == (0.0, 0.0, 0.0)
    assert alone.mean == 0.0
    assert alone.low < -0.2 < 0.2 < alone.high
    assert alone == yield_of(stake, profit, np.arange(20), seed=SEED)


def test_the_yield_weighs_bets_by_their_stakes():
    """
    Three units lost and one won are two lost of four; where all bets make the same of a unit, there is no doubt.
    """
    stake = np.array([1.0, 3.0])
    profit = settle(stake, np.array([2.0, 5.0]), np.array([True, False]))

    assert yield_of(stake, profit, np.array([1, 2]), seed=SEED).mean == -0.5
    assert yield_of(stake, 0.1 * stake, np.array([1, 2]), seed=SEED) == pytest.approx((0.1, 0.1, 0.1))


def test_the_interval_covers_the_true_yield_as_often_as_it_says():
    """
    Of two hundred seasons of bets without an edge, about 95 in 100 have an interval that holds the true yield.
    """
    rng = np.random.default_rng(SEED)
    days = np.arange(300) // 3
    hits = 0
    for _ in range(200):
        profit = settle(np.ones(300), np.full(300, 2.4), rng.random(300) < 0.4)
        told = yield_of(np.ones(300), profit, days, seed=SEED)
        hits += told.low <= 0.4 * 2.4 - 1.0 <= told.high

    assert 180 <= hits <= 199


@pytest.mark.parametrize(
    ("stake", "profit", "told"),
    [([], [], "given 0 stakes"), ([1.0], [], "given 1 stakes, 0 profits"), ([0.0], [0.0], "given the stake 0.0")],
)
def test_a_yield_of_nothing_is_an_error(stake, profit, told):
    """
    Without a bet, or with a bet of nothing, there is no yield to speak of.
    """
    with pytest.raises(ValueError, match=told):
        yield_of(np.array(stake), np.array(profit), np.arange(len(stake)), seed=SEED)


def test_probabilities_and_odds_of_other_shapes_are_an_error():
    """
    Odds of other matches than the probabilities' are refused.
    """
    with pytest.raises(ValueError, match=r"shape \(1, 3\) with odds of shape \(2, 3\)"):
        expected_value(np.full((1, 3), 1 / 3), np.full((2, 3), 3.0))
