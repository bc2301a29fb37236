"""The slope of reliability: known where the truth is known, and not made up where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from training.reliability_slope import reliability_slope


def drawn(n=4000, *, seed=2):
    """Forecasts, and events drawn from them."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(2.0, 3.0, n)
    return probability, rng.random(n) < probability


def stretched(probability, factor):
    """The same forecasts with their log-odds multiplied."""
    return 1.0 / (1.0 + ((1.0 - probability) / probability) ** factor)


def test_events_drawn_from_the_forecasts_have_slope_one():
    """
    The interval of a true forecast holds 1, and its intercept is near 0.
    """
    line = reliability_slope(*drawn())

    assert line.low < 1.0 < line.high
    assert abs(line.intercept) < 0.1


def test_the_interval_covers_as_often_as_it_says():
    """
    Of 200 true forecasts about 95 % have an interval that holds 1.
    """
    lines = [reliability_slope(*drawn(300, seed=seed)) for seed in range(200)]

    assert 180 <= sum(line.low < 1.0 < line.high for line in lines) <= 199


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(0.3, 3.0), seed=st.integers(0, 1000))
def test_bolder_forecasts_have_a_smaller_slope_by_as_much(factor, seed):
    """
    Log-odds multiplied by a factor divide the slope and its interval by it; the intercept stays.
    """
    probability, happened = drawn(200, seed=seed)
    line, changed = (
        reliability_slope(probability, happened),
        reliability_slope(stretched(probability, factor), happened),
    )

    np.testing.assert_allclose(np.array(changed[1:]) * factor, line[1:], rtol=1e-6, atol=1e-8)
    assert changed.intercept == pytest.approx(line.intercept, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_no_other_line_is_likelier(seed):
    """
    A general optimizer finds the same line.
    """
    probability, happened = drawn(150, seed=seed)
    logit = np.log(probability / (1.0 - probability))

    def loss(line):
        z = line[0] + line[1] * logit
        return float(np.logaddexp(0.0, np.where(happened, -z, z)).sum())

    found = minimize(loss, [0.0, 1.0], method="BFGS", options={"gtol": 1e-7})

    line = reliability_slope(probability, happened)
    assume(not math.isnan(line.slope))
    np.testing.assert_allclose([line.intercept, line.slope], found.x, atol=1e-3)


@pytest.mark.parametrize(
    ("probability", "happened"),
    [
        ([], []),
        ([0.4], [True]),
        ([0.4, 0.4, 0.4], [True, False, True]),
        ([0.2, 0.3, 0.7], [True, True, True]),
        ([0.2, 0.3, 0.7], [False, False, False]),
        ([0.2, 0.3, 0.7, 0.8], [False, False, True, True]),
        ([0.2, 0.3, 0.7, 0.8], [True, True, False, False]),
        ([0.2, 0.5, 0.5, 0.8], [False, False, True, True]),
        ([0.0, 0.3, 0.7], [False, True, False]),
        ([0.2, 0.3, 1.0], [False, True, False]),
    ],
)
def test_where_no_line_can_be_fitted_none_is_given(probability, happened):
    """
    No match, equal forecasts, one result only, perfect separation and impossible log-odds have no slope.
    """
    line = reliability_slope(np.array(probability, dtype=float), np.array(happened, dtype=bool))

    assert all(math.isnan(value) for value in line)


@pytest.mark.parametrize(
    ("probability", "happened", "told"),
    [
        ([0.2, 0.3], [True], "given shapes"),
        ([0.2, 1.3], [True, False], "outside"),
        ([0.2, np.nan], [True, False], "outside"),
    ],
)
def test_impossible_forecasts_are_refused(probability, happened, told):
    """
    Lengths that differ and numbers that are no probabilities stop with what was given.
    """
    with pytest.raises(ValueError, match=told):
        reliability_slope(np.array(probability), np.array(happened))
