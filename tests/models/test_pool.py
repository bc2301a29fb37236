"""The pool: whom it trusts, and what it does without one of its members."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.conditional_logit import softmax
from models.pool import Pool

proba_rows = st.lists(
    st.lists(st.floats(0.02, 1.0), min_size=3, max_size=3).map(lambda row: [each / sum(row) for each in row]),
    min_size=1,
    max_size=8,
)


def truth(seed, count=6_000):
    """True probabilities of matches, and outcomes drawn from them."""
    rng = np.random.default_rng(seed)
    proba = softmax(rng.normal(0.0, 0.7, size=(count, 3)))
    return proba, (proba.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)


def noisy(proba, seed, sigma=0.5):
    """The log-odds of a member that sees the truth through noise of its own."""
    return np.log(proba) + np.random.default_rng(seed).normal(0.0, sigma, proba.shape)


def test_members_that_say_the_same_are_trusted_alike():
    """
    Three members with the same forecasts get the same weight.
    """
    proba, outcome = truth(1)

    weights = Pool.fit(dict.fromkeys("abc", np.log(proba)), outcome).weights

    assert weights["a"] == pytest.approx(weights["b"], abs=1e-9)
    assert weights["b"] == pytest.approx(weights["c"], abs=1e-9)


def test_the_better_member_counts_more_and_the_pool_is_better_than_either():
    """
    Of two members with noise of their own the less noisy one weighs more; together they lose less than either.
    """
    proba, outcome = truth(2)
    said = {"good": noisy(proba, 3, 0.4), "bad": noisy(proba, 4, 0.8)}

    pool = Pool.fit(said, outcome)

    def loss(log_odds):
        return -np.log(softmax(log_odds)[np.arange(len(outcome)), outcome]).mean()

    assert pool.weights["good"] > pool.weights["bad"] > 0.0
    assert loss(pool.log_odds(said)) < min(loss(said["good"]), loss(said["bad"]))


def test_a_member_that_would_be_held_against_itself_is_left_out():
    """
    A member whose forecasts are better turned round has weight nought, and the others are as if it were not there.
    """
    proba, outcome = truth(5)
    others = {"good": noisy(proba, 6), "also good": noisy(proba, 7)}
    contrary = -2.0 * np.log(proba)

    pool = Pool.fit(others | {"contrary": contrary}, outcome)

    assert pool.weights["contrary"] == 0.0
    assert pool.weights == Pool.fit(others, outcome).weights | {"contrary": 0.0}
    assert list(pool.weights) == ["good", "also good", "contrary"]


def test_a_single_contrary_member_is_not_turned_round():
    """
    A pool whose only member is worse than chance repeats it rather than saying the opposite.
    """
    proba, outcome = truth(8)
    said = {"contrary": -3.0 * np.log(proba)}

    pool = Pool.fit(said, outcome)

    assert pool.weights == {"contrary": 1.0}
    np.testing.assert_allclose(pool.log_odds(said), said["contrary"], rtol=1e-12)


def test_few_matches_leave_the_weights_equal():
    """
    Thirty matches hardly move a weight, however well one member did on them.
    """
    proba, outcome = truth(9, count=30)

    weights = Pool.fit({"right": np.log(proba), "wrong": noisy(proba, 10, 2.0)}, outcome).weights

    assert weights["right"] == pytest.approx(0.5, abs=0.1)
    assert weights["wrong"] == pytest.approx(0.5, abs=0.1)


@settings(max_examples=60, deadline=None)
@given(proba_rows, st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_the_weight_of_a_missing_member_goes_to_the_others(rows, first, second):
    """
    Without a member the others share its weight in proportion, so members that agree are as sure as with it.
    """
    same = np.log(rows)
    pool = Pool({"a": first, "b": second, "c": 0.4})

    whole, without = pool.log_odds(dict.fromkeys("abc", same)), pool.log_odds({"a": same, "b": same})

    np.testing.assert_allclose(without, whole, rtol=1e-9, atol=1e-9)


def test_the_others_keep_their_proportion_when_one_is_missing():
    """
    Of weights 0.2, 0.3 and 0.5 the first two become 0.4 and 0.6.
    """
    a, b = np.log([[0.5, 0.3, 0.2]]), np.log([[0.2, 0.3, 0.5]])

    log_odds = Pool({"a": 0.2, "b": 0.3, "c": 0.5}).log_odds({"a": a, "b": b})

    np.testing.assert_allclose(log_odds, 0.4 * a + 0.6 * b, rtol=1e-12)


def test_members_without_weight_speak_where_there_is_nobody_else():
    """
    With only weightless members at hand they are trusted alike.
    """
    alone = np.log([[0.5, 0.3, 0.2]])

    np.testing.assert_allclose(Pool({"a": 1.0, "b": 0.0}).log_odds({"b": alone}), alone, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(proba_rows)
def test_a_pool_of_one_opinion_is_that_opinion(rows):
    """
    Members that agree are repeated, and each row is answered by itself.
    """
    same = np.log(rows)
    pool = Pool.equal(["a", "b", "c"])

    answer = pool.log_odds(dict.fromkeys("abc", same))

    np.testing.assert_allclose(answer, same, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(pool.log_odds(dict.fromkeys("abc", same[:1])), answer[:1])
