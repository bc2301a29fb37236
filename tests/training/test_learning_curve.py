"""The mean so far: it ends at the mean of all, and its interval is as wide as chance makes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scores import paired_bootstrap
from training.learning_curve import learning_curve


@given(st.lists(st.tuples(st.floats(-1.0, 1.0), st.integers(100, 110)), min_size=1, max_size=40), st.randoms())
def test_means_are_those_of_plain_loops_in_any_order(pairs, random):
    """
    After each match day stands the mean of all matches up to it, whatever the order in which they are given.
    """
    random.shuffle(pairs)
    score, day = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])

    curve = learning_curve(score, day)

    days = sorted(set(day.tolist()))
    assert curve.elapsed_days.tolist() == [one - days[0] for one in days]
    assert curve.matches.tolist() == [int((day <= one).sum()) for one in days]
    np.testing.assert_allclose(curve.mean, [score[day <= one].mean() for one in days], atol=1e-12)
    assert np.isnan(curve.low[0])
    assert (curve.low[1:] <= curve.high[1:]).all()


def test_the_last_interval_is_that_of_the_bootstrap():
    """
    At the end of the window the closed form agrees with resampling match days.
    """
    rng = np.random.default_rng(4)
    day = rng.integers(0, 300, 3000)
    score = rng.normal(-0.01, 0.1, 3000) + rng.normal(0.0, 0.05, 300)[day]

    curve = learning_curve(score, day)

    drawn = paired_bootstrap(score, np.zeros(3000), day, seed=1)
    np.testing.assert_allclose([curve.mean[-1], curve.low[-1], curve.high[-1]], drawn, atol=0.0006)
    # Matches of a day go together, so that there is less to learn from than 3,000 separate ones would tell.
    assert curve.high[-1] - curve.low[-1] > 1.3 * 2 * 1.96 * score.std() / np.sqrt(3000)


def test_equal_scores_leave_no_doubt():
    """
    Where every match scores the same, the interval is that score.
    """
    curve = learning_curve(np.full(6, 0.1), np.array([1, 1, 2, 3, 3, 3]))

    np.testing.assert_allclose(curve.low[1:], 0.1, atol=1e-7)
    np.testing.assert_allclose(curve.high[1:], 0.1, atol=1e-7)


@pytest.mark.parametrize(("scores", "days"), [(0, 0), (2, 3)])
def test_unequal_or_no_scores_are_refused(scores, days):
    """
    Scores without days, or none at all, stop with what was given.
    """
    with pytest.raises(ValueError, match=f"given {scores} scores with {days} days"):
        learning_curve(np.zeros(scores), np.zeros(days, dtype=np.int64))
