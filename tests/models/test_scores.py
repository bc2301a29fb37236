"""Scores against hand-computed figures and plain references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.scores import (
    accuracy,
    brier,
    expected_calibration_error,
    log_loss,
    paired_bootstrap,
    ranked_probability_score,
    reliability,
)


@st.composite
def forecasts(draw):
    """One to twenty forecasts with what happened."""
    n = draw(st.integers(1, 20))
    weights = np.array(draw(st.lists(st.floats(0.01, 1.0), min_size=3 * n, max_size=3 * n))).reshape(n, 3)
    outcome = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    return weights / weights.sum(axis=1, keepdims=True), outcome


@pytest.mark.parametrize(
    ("proba", "outcome", "rps"),
    [
        ([1.0, 0.0, 0.0], 0, 0.0),
        ([1.0, 0.0, 0.0], 1, 0.5),
        ([1.0, 0.0, 0.0], 2, 1.0),
        ([0.5, 0.3, 0.2], 1, (0.5**2 + 0.2**2) / 2),
        ([0.5, 0.3, 0.2], 2, (0.5**2 + 0.8**2) / 2),
        ([1 / 3, 1 / 3, 1 / 3], 0, 5 / 18),
    ],
)
def test_ranked_probability_score_by_hand(proba, outcome, rps):
    """
    The score is half the sum of squared cumulative errors, so that a near miss costs less than a far one.
    """
    assert ranked_probability_score(np.array([proba]), np.array([outcome]))[0] == pytest.approx(rps, abs=1e-15)


@settings(max_examples=200, deadline=None)
@given(forecasts())
def test_scores_equal_plain_loops(forecast):
    """
    Every vectorised score equals its definition, written as a loop.
    """
    proba, outcome = forecast
    for row, happened in enumerate(outcome):
        p = proba[row]
        truth = [float(k == happened) for k in range(3)]
        rps = sum((sum(p[: k + 1]) - sum(truth[: k + 1])) ** 2 for k in range(2)) / 2

        assert ranked_probability_score(proba, outcome)[row] == pytest.approx(rps, abs=1e-12)
        assert log_loss(proba, outcome)[row] == pytest.approx(-np.log(p[happened]))
        assert brier(proba, outcome)[row] == pytest.approx(sum((a - b) ** 2 for a, b in zip(p, truth, strict=True)))
        assert accuracy(proba, outcome)[row] == float(max(p) == p[happened] and list(p).index(max(p)) == happened)


def test_impossible_thing_that_happened_costs_infinitely():
    """
    A forecast of 0 for what happened has infinite log loss, without a warning.
    """
    assert log_loss(np.array([[1.0, 0.0, 0.0]]), np.array([1]))[0] == np.inf


def test_reliability_by_hand():
    """
    Matches fall into ten equal bins by probability; 1.0 belongs to the last; an empty bin is unknown.
    """
    proba = np.array([[1.0, 0.0, 0.0], [0.95, 0.05, 0.0], [0.25, 0.5, 0.25]])

    home, draw, away = reliability(proba, np.array([0, 1, 0]))

    assert home.count.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 2]
    assert home.forecast[9] == pytest.approx(0.975)
    assert home.frequency[9] == 0.5
    assert home.frequency[2] == 1.0
    assert np.isnan(home.forecast[0])
    assert draw.count.tolist() == [2, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert draw.frequency[0] == 0.5
    assert away.count.sum() == 3


def test_calibration_error_by_hand():
    """
    Gaps of 0.3, 0.1 and 0.2 in the only bin of each outcome average to 0.2.
    """
    proba = np.tile([0.55, 0.25, 0.2], (4, 1))
    outcome = np.array([0, 1, 2, 2])

    gaps = [abs(0.55 - 0.25), abs(0.25 - 0.25), abs(0.2 - 0.5)]
    assert expected_calibration_error(proba, outcome) == pytest.approx(np.mean(gaps))


@settings(max_examples=100, deadline=None)
@given(forecasts())
def test_calibration_error_equals_a_plain_loop(forecast):
    """
    The error equals its definition, bin by bin and outcome by outcome.
    """
    proba, outcome = forecast
    total = 0.0
    for k in range(3):
        bins = np.minimum(np.floor(proba[:, k] * 10), 9)
        for b in set(bins):
            inside = bins == b
            total += inside.sum() * abs(proba[inside, k].mean() - (outcome[inside] == k).mean())

    assert expected_calibration_error(proba, outcome) == pytest.approx(total / len(proba) / 3, abs=1e-12)


def test_calibrated_forecasts_have_little_calibration_error():
    """
    Outcomes drawn from the forecasts themselves leave an error near 0; shifted forecasts do not.
    """
    rng = np.random.default_rng(4)
    proba = rng.dirichlet([4.0, 3.0, 3.0], 20_000)
    outcome = (np.cumsum(proba, axis=1) < rng.random(20_000)[:, None]).sum(axis=1)

    assert expected_calibration_error(proba, outcome) < 0.01
    assert expected_calibration_error(proba[:, ::-1], outcome) > 0.05


def test_no_match_has_no_calibration_error():
    """
    Without matches the error is unknown, not zero.
    """
    assert np.isnan(expected_calibration_error(np.empty((0, 3)), np.empty(0, dtype=np.int64)))


def test_bootstrap_is_seeded_and_signed():
    """
    The same seed gives the same interval; swapping the models negates it.
    """
    rng = np.random.default_rng(1)
    a, b, days = rng.random(300), rng.random(300), rng.integers(0, 40, 300)

    there, back = paired_bootstrap(a, b, days, seed=2), paired_bootstrap(b, a, days, seed=2)

    assert there == paired_bootstrap(a, b, days, seed=2)
    assert there != paired_bootstrap(a, b, days, seed=3)
    assert back == pytest.approx((-there.mean, -there.high, -there.low), abs=1e-15)
    assert there.low < there.mean < there.high
    assert there.mean == pytest.approx((a - b).mean())


def test_bootstrap_interval_is_that_of_the_normal_theory():
    """
    With every match its own day, the interval is the mean plus or minus 1.96 standard errors.
    """
    difference = np.random.default_rng(6).normal(0.01, 0.1, 2_000)

    found = paired_bootstrap(difference, np.zeros(2_000), np.arange(2_000), resamples=4_000, seed=1)

    error = 1.96 * difference.std() / np.sqrt(2_000)
    np.testing.assert_allclose(found, difference.mean() + np.array([0, -error, error]), atol=0.06 * error)


def test_whole_days_are_drawn_together():
    """
    Copying each match ten times within its day leaves the interval as it was: copies are no new evidence.
    """
    difference, days = np.random.default_rng(7).normal(0.0, 1.0, 100), np.arange(100)

    once = paired_bootstrap(difference, np.zeros(100), days, seed=5)
    copied = paired_bootstrap(np.repeat(difference, 10), np.zeros(1_000), np.repeat(days, 10), seed=5)

    assert copied == pytest.approx(once, abs=1e-12)


@pytest.mark.parametrize(
    ("proba", "outcome", "message"),
    [
        (np.ones((2, 3)) / 3, np.array([0]), "expected \\(n, 3\\) and \\(n,\\)"),
        (np.ones((2, 2)) / 2, np.array([0, 1]), "expected \\(n, 3\\) and \\(n,\\)"),
        (np.ones((1, 3)) / 3, np.array([-1]), "not played"),
        (np.ones((1, 3)) / 3, np.array([3]), "must be 0, 1 or 2"),
    ],
)
@pytest.mark.parametrize("score", [ranked_probability_score, log_loss, brier, accuracy, reliability])
def test_shapes_that_do_not_fit_are_refused(score, proba, outcome, message):
    """
    Every score refuses lengths that differ, two columns, and outcomes that never happened.
    """
    with pytest.raises(ValueError, match=message):
        score(proba, outcome)


@pytest.mark.parametrize("lengths", [(2, 3, 2), (2, 2, 3), (0, 0, 0)])
def test_bootstrap_of_unequal_or_no_scores_is_refused(lengths):
    """
    The bootstrap wants equally many scores and groups, at least one.
    """
    a, b, groups = (np.zeros(n, dtype=np.int64) for n in lengths)

    with pytest.raises(ValueError, match="equally many, at least one"):
        paired_bootstrap(a, b, groups, seed=1)
