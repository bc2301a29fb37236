"""The ordered logit on Elo: its gradient, its optimum and what it does with the unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit

from features.frame import FeatureFrame
from models.elo_logit import EloLogit, negative_log_likelihood


def drawn_outcomes(predictor, lower, upper, slope, seed):
    """Outcomes drawn from an ordered logit with the given truth."""
    latent = slope * predictor + np.random.default_rng(seed).logistic(size=len(predictor))
    return np.where(latent > upper, 0, np.where(latent > lower, 1, 2))


def test_likelihood_is_that_of_the_stated_probabilities():
    """
    The value equals the mean of minus log of the probabilities that the class states.
    """
    predictor, outcome = np.array([-0.4, 0.1, 0.5, 1.0]), np.array([2, 1, 0, 1])
    at_home = np.array([1.0, 1.0, 0.0, 1.0])
    edge, log_gap, slope = 0.3, 0.2, 1.7
    half = 0.5 * np.exp(log_gap)
    away = expit(-slope * predictor - edge * at_home - half)
    home = expit(slope * predictor + edge * at_home - half)
    proba = np.stack([home, 1 - home - away, away], axis=1)

    value, _ = negative_log_likelihood(np.array([edge, log_gap, slope]), predictor, at_home, outcome)

    assert value == pytest.approx(-np.log(proba[np.arange(4), outcome]).mean(), rel=1e-12)


@pytest.mark.parametrize("parameters", [[-1.0, 0.2, 1.5], [-3.0, 1.0, -2.0], [0.5, -2.0, 0.0]])
def test_gradient_equals_finite_differences(parameters):
    """
    The analytic gradient is that of the value.
    """
    predictor = np.random.default_rng(1).normal(0.15, 0.4, 500)
    outcome = drawn_outcomes(predictor, -0.9, 0.3, 2.0, seed=2)
    at_home = (np.arange(500) % 4 > 0).astype(float)

    error = check_grad(
        lambda p: negative_log_likelihood(p, predictor, at_home, outcome)[0],
        lambda p: negative_log_likelihood(p, predictor, at_home, outcome)[1],
        np.array(parameters),
    )

    assert error < 1e-6


def test_parameters_are_recovered(large_world):
    """
    On results drawn from an ordered logit the fit finds the edge, the gap and the slope it was drawn with.
    """
    matches, frame = large_world.matches, large_world.features
    lead = frame.column("elo_difference") / 400.0 + np.where(matches.neutral, 0.0, 0.15)
    outcome = drawn_outcomes(lead, -0.6, 0.6, 2.0, seed=3)
    matches = replace(matches, home_goals=(outcome == 0).astype(float), away_goals=(outcome == 2).astype(float))

    edge, log_gap, slope = EloLogit().fit(matches, frame).parameters

    np.testing.assert_allclose([edge, np.exp(log_gap), slope], [0.3, 1.2, 2.0], atol=0.15)


def test_higher_elo_never_lowers_the_home_win(world):
    """
    Along a rising difference the home win rises and the away win falls.
    """
    model = EloLogit().fit(world.matches, world.features)
    rising = FeatureFrame(("elo_difference",), np.linspace(-800.0, 800.0, 50)[:, None])

    at_home = world.matches.take(~world.matches.neutral).take(slice(0, 50))
    proba = model.predict_proba(at_home, rising)

    assert (np.diff(proba[:, 0]) > 0).all()
    assert (np.diff(proba[:, 2]) < 0).all()


def test_unknown_difference_is_the_usual_one(world):
    """
    NaN is answered as the mean difference of the training matches.
    """
    model = EloLogit().fit(world.matches, world.features)
    usual = np.nanmean(world.features.column("elo_difference"))
    frame = FeatureFrame(("elo_difference",), np.array([[np.nan], [usual]]))

    proba = model.predict_proba(world.matches.take([0, 0]), frame)

    np.testing.assert_allclose(proba[0], proba[1], rtol=1e-12)


def test_no_difference_known_at_all(world):
    """
    Without any known difference the fit still gives the frequencies of the results, where all play at home.
    """
    matches = world.matches.take(~world.matches.neutral)
    frame = FeatureFrame(("elo_difference",), np.full((len(matches), 1), np.nan))

    proba = EloLogit().fit(matches, frame).predict_proba(matches, frame)

    frequency = np.bincount(matches.outcome) / len(matches)
    np.testing.assert_allclose(proba[0], frequency, atol=1e-6)
