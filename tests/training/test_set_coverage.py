"""Coverage of prediction sets: what is counted, what is stated, and the band that chance allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.conformal import ConformalSets
from models.errors import InvalidForecast
from training.set_coverage import conformal_coverage, set_coverage


def drawn(n, *, seed):
    """Forecasts, and outcomes drawn from them."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet((4.5, 2.6, 3.0), n)
    return proba, np.minimum((rng.random(n)[:, None] > proba.cumsum(axis=1)).sum(axis=1), 2)


def test_counts_by_hand():
    """
    Of two sets, {home, draw} and {home}, the first holds its result and the second does not.
    """
    told = set_coverage(np.array([[0.5, 0.3, 0.2], [0.9, 0.06, 0.04]]), np.array([1, 2]), 0.8)

    assert (told.matches, told.observed, told.mean_size) == (2, 0.5, 1.5)
    assert told.stated == pytest.approx(0.85)
    assert told.size_shares == (0.5, 0.5, 0.0)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 60), seed=st.integers(0, 1000), coverage=st.floats(0.05, 0.99))
def test_sets_state_at_least_what_they_promise(n, seed, coverage):
    """
    Stated coverage is never below the promised one, the band holds the stated one, and sizes make a whole.
    """
    told = set_coverage(*drawn(n, seed=seed), coverage)

    assert coverage - 1e-9 <= told.stated <= 1.0
    assert told.low - 1 / n <= told.stated <= told.high + 1 / n
    assert sum(told.size_shares) == pytest.approx(1.0)


def test_true_forecasts_lie_in_their_band_and_bold_ones_below_it():
    """
    Of a hundred windows of true forecasts nearly all are within; forecasts drawn too sharp are found out in each.
    """
    windows = [drawn(500, seed=seed) for seed in range(100)]
    told = [set_coverage(proba, outcome, 0.8) for proba, outcome in windows]
    sharper = [(proba**2.5 / (proba**2.5).sum(axis=1, keepdims=True), outcome) for proba, outcome in windows]
    bold = [set_coverage(proba, outcome, 0.8) for proba, outcome in sharper]

    assert sum(one.low <= one.observed <= one.high for one in told) >= 93
    assert all(one.observed < one.low for one in bold)


def test_learned_sets_are_judged_by_what_they_state():
    """
    Of sets under given thresholds the stated coverage is that promised, whatever the probabilities add up to.
    """
    proba = np.array([[0.5, 0.3, 0.2], [0.9, 0.06, 0.04], [0.4, 0.35, 0.25]])

    told = conformal_coverage(proba, np.array([0.6, 0.95, 0.3]), np.array([1, 2, 1]))

    assert (told.matches, told.coverage, told.stated) == (3, 0.8, 0.8)
    assert told.observed == pytest.approx(1 / 3)
    assert told.size_shares == pytest.approx((1 / 3, 2 / 3, 0.0))
    assert (told.low, told.high) == (pytest.approx(1 / 3), 1.0)


def test_learned_sets_hold_their_coverage_where_probabilities_are_too_bold():
    """
    Thresholds learned on bold forecasts bring the observed coverage into the band around what is stated.
    """
    bold = [(proba**2.5, outcome) for proba, outcome in (drawn(4000, seed=seed) for seed in (1, 2))]
    (before, known), (after, outcome) = [(proba / proba.sum(axis=1, keepdims=True), won) for proba, won in bold]
    competition = np.full(4000, "xx.1", dtype=object)
    sets = ConformalSets.fit(before, competition, known)

    told = conformal_coverage(after, sets.thresholds(competition), outcome)

    assert told.low <= told.observed <= told.high
    assert set_coverage(after, outcome, 0.8).observed < told.low


def test_certain_forecasts_have_a_band_of_one():
    """
    Where every set states 1, chance allows nothing less.
    """
    told = set_coverage(np.tile([1.0, 0.0, 0.0], (5, 1)), np.array([0, 0, 0, 0, 1]), 0.8)

    assert (told.low, told.high, told.observed) == (1.0, 1.0, 0.8)


def test_what_cannot_be_covered_is_refused():
    """
    No match, other lengths and a promise of all or nothing stop with what was given.
    """
    proba, outcome = drawn(3, seed=1)

    with pytest.raises(ValueError, match="given 0 forecasts of 0 matches"):
        set_coverage(proba[:0], outcome[:0], 0.8)
    with pytest.raises(ValueError, match="given 3 forecasts of 2 matches"):
        set_coverage(proba, outcome[:2], 0.8)
    with pytest.raises(ValueError, match="given 2 thresholds of 3 matches"):
        conformal_coverage(proba, np.array([0.8, 0.8]), outcome)
    with pytest.raises(InvalidForecast, match="expected a number within"):
        set_coverage(proba, outcome, 1.0)
