"""The conditional logit: its optimum, its prior, and that it gets there from anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from models.conditional_logit import fit_conditional_logit, softmax


def log_posterior(coefficients, regressors, outcome, prior, precision):
    proba = softmax(regressors @ coefficients)
    likelihood = np.log(proba[np.arange(len(outcome)), outcome]).sum()
    return likelihood - 0.5 * (precision * (coefficients - prior) ** 2).sum()


def drawn(seed, coefficients, count=20_000):
    """Regressors and outcomes drawn from a logit with known coefficients."""
    rng = np.random.default_rng(seed)
    regressors = rng.normal(size=(count, 3, len(coefficients)))
    return regressors, (regressors @ coefficients + rng.gumbel(size=(count, 3))).argmax(axis=1)


def test_planted_coefficients_are_recovered():
    """
    On outcomes drawn from a logit the fit finds the coefficients that they were drawn with.
    """
    planted = np.array([0.8, -0.5, 0.1])

    found = fit_conditional_logit(*drawn(1, planted), prior=np.zeros(3), precision=np.ones(3))

    np.testing.assert_allclose(found, planted, atol=0.05)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 30.0), st.integers(1, 40), st.floats(0.01, 500.0))
def test_nothing_is_likelier_than_the_fit(seed, scale, count, strength):
    """
    The slope of the log posterior is nought at the fit, however wild the regressors and however far off the prior.
    """
    rng = np.random.default_rng(seed)
    regressors, outcome = scale * rng.normal(size=(count, 3, 2)), rng.integers(0, 3, count)
    prior, precision = rng.normal(size=2), np.full(2, strength)

    found = fit_conditional_logit(regressors, outcome, prior=prior, precision=precision)

    here = log_posterior(found, regressors, outcome, prior, precision)
    slope = approx_fprime(found, log_posterior, 1e-7, regressors, outcome, prior, precision)
    assert here >= log_posterior(prior, regressors, outcome, prior, precision) - 1e-9
    assert np.abs(slope).max() < 1e-4 * (1.0 + scale * scale * count + strength)


def test_sure_and_wrong_forecasts_do_not_make_it_overshoot():
    """
    From a start where every curvature is nearly nought, full Newton steps would run away; the fit does not.
    """
    sure = np.log(np.array([[1.0 - 2e-9, 1e-9, 1e-9]]))
    regressors = np.repeat(sure, 1_000, axis=0)[:, :, None]
    outcome = np.repeat([0, 1, 2], [400, 300, 300])

    found = fit_conditional_logit(regressors, outcome, prior=np.ones(1), precision=np.full(1, 1e-3))

    proba = softmax(regressors @ found)[0]
    np.testing.assert_allclose(proba, [0.4, 0.3, 0.3], atol=1e-3)


@pytest.mark.parametrize(("precision", "found"), [(1e-9, 0.6931), (1e12, 0.0)])
def test_a_sure_prior_is_kept_and_a_vague_one_gives_way(precision, found):
    """
    With half of the matches drawn, the draw shifts by log 2 under a vague prior, and not at all under a sure one.
    """
    draw = np.broadcast_to(np.array([[0.0], [1.0], [0.0]]), (4, 3, 1))

    shift = fit_conditional_logit(draw, np.array([0, 1, 1, 2]), prior=np.zeros(1), precision=np.full(1, precision))

    assert shift[0] == pytest.approx(found, abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-700.0, 700.0), min_size=3, max_size=3), st.floats(-1e3, 1e3))
def test_softmax_gives_probabilities_and_ignores_a_constant(log_odds, constant):
    """
    Whatever the log-odds, rows sum to one, are finite, and a constant added to all three changes nothing.
    """
    row = np.array([log_odds])

    proba = softmax(row)

    assert proba.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(softmax(row + constant), proba, rtol=0, atol=1e-9)
