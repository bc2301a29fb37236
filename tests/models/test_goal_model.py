"""The goal model: its optimum, recovery of a known truth, mirrored sides and unknown values."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import poisson

from features.frame import FeatureFrame
from models.errors import NotFitted, NothingToLearn
from models.goal_model import FEATURES, GoalModel, fit_goals, fit_rho
from models.score_grid import SIZE, outcome_proba, score_grid


@pytest.fixture(scope="module")
def fitted(world):
    return GoalModel().fit(world.matches, world.features)


def frame_of(*rows):
    return FeatureFrame(FEATURES, np.array(rows))


def minus_log_posterior(coefficients, design, goals, prior, ridge):
    means = np.exp(coefficients @ design)
    return -poisson.logpmf(goals, means).sum() + 0.5 * ridge * ((coefficients - prior) ** 2).sum()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 2.0), st.floats(0.01, 100.0), st.integers(1, 60))
def test_no_coefficients_are_likelier_than_the_fit(seed, scale, ridge, count):
    """
    From the fit, a general minimiser finds no way down that is worth taking, however few the goals or far the prior.
    """
    rng = np.random.default_rng(seed)
    design, goals = scale * rng.normal(size=(3, count)), rng.poisson(1.3, count).astype(float)
    prior = rng.normal(size=3)

    found = fit_goals(design, goals, prior=prior, ridge=ridge)

    arguments = (design, goals, prior, ridge)
    reference = minimize(minus_log_posterior, found, args=arguments, method="BFGS")
    assert minus_log_posterior(found, *arguments) <= reference.fun + 1e-9 * (1.0 + abs(reference.fun))
    np.testing.assert_allclose(found, reference.x, rtol=0, atol=1e-3 / ridge**0.5)


def test_matches_without_a_goal_are_fitted():
    """
    A thousand matches without a goal give few goals, not an overflow.
    """
    found = fit_goals(np.ones((1, 1_000)), np.zeros(1_000), prior=np.array([3.0]), ridge=10.0)

    assert -20.0 < found[0] < -1.0


def test_true_expected_goals_are_trusted(large_world):
    """
    Given the true expected goals as features, the answers are about those, without dependence.
    """
    model = GoalModel().fit(large_world.matches, large_world.features)

    truth = large_world.features.select(FEATURES[:2]).values
    assert np.abs(np.log(model.expected_goals(large_world.features) / truth)).mean() < 0.05
    assert model.rho == pytest.approx(0.0, abs=0.06)


def test_biased_features_are_corrected(large_world):
    """
    Features that say half of the true goals are scaled up again.
    """
    values = large_world.features.values * np.where(
        [name.startswith("goals") for name in large_world.features.names], 0.5, 1.0
    )
    biased = FeatureFrame(large_world.features.names, values)

    model = GoalModel().fit(large_world.matches, biased)

    total = large_world.matches.home_goals.sum() + large_world.matches.away_goals.sum()
    assert model.expected_goals(biased).sum() == pytest.approx(total, rel=0.01)


def test_swapping_the_sides_of_the_features_mirrors_the_answer(fitted):
    """
    Swapped expected goals and a negated Elo difference give the transposed grid.
    """
    grid = fitted.grid(frame_of([1.8, 0.9, 150.0], [0.9, 1.8, -150.0]))

    np.testing.assert_allclose(grid[1], grid[0].T, rtol=0, atol=1e-14)


def test_unknown_values_are_the_usual_ones(fitted, world):
    """
    NaN is answered as the median of the training matches.
    """
    usual = np.nanmedian(world.features.select(FEATURES).values, axis=0)

    expected = fitted.expected_goals(frame_of([np.nan] * 3, usual))

    np.testing.assert_allclose(expected[0], expected[1], rtol=1e-12)


def test_nothing_known_at_all_is_fitted(world):
    """
    With every feature unknown in training, the fit gives the mean goals of a side.
    """
    unknown = FeatureFrame(FEATURES, np.full((len(world.matches), 3), np.nan))

    expected = GoalModel().fit(world.matches, unknown).expected_goals(unknown)

    mean = np.concatenate([world.matches.home_goals, world.matches.away_goals]).mean()
    np.testing.assert_allclose(expected, mean, rtol=0.02)


def test_absurd_features_stay_within_bounds(fitted):
    """
    Whatever the features say, expected goals lie within 0.05 and 10 and the grid is a distribution.
    """
    frame = frame_of([50.0, 1e-9, 1e6], [0.0, 0.0, -1e6], [-1.0, 80.0, 0.0])

    expected, grid = fitted.expected_goals(frame), fitted.grid(frame)

    assert expected.min() >= 0.05
    assert expected.max() <= 10.0
    np.testing.assert_allclose(grid.sum(axis=(1, 2)), 1.0, atol=1e-12)


def test_grids_predict_better_than_frequencies(fitted, world):
    """
    The grid's outcomes lose less than the frequencies of the results.
    """
    proba = outcome_proba(fitted.grid(world.features))

    outcome = world.matches.outcome
    frequency = np.bincount(outcome) / len(outcome)
    assert -np.log(proba[np.arange(len(outcome)), outcome]).mean() < -np.log(frequency[outcome]).mean()


def test_batch_pickle_and_column_order_change_no_bit(fitted, world):
    """
    A row alone, a loaded copy and reordered columns all give the same bits.
    """
    expected = fitted.expected_goals(world.features)

    loaded = pickle.loads(pickle.dumps(fitted))
    reordered = world.features.select(world.features.names[::-1])
    np.testing.assert_array_equal(loaded.expected_goals(reordered), expected)
    np.testing.assert_array_equal(fitted.expected_goals(world.features.take([3]))[0], expected[3])
    np.testing.assert_array_equal(GoalModel().fit(world.matches, reordered).expected_goals(world.features), expected)
    assert fitted.grid(world.features.take([3])).shape == (1, SIZE, SIZE)


def test_rho_is_recovered_from_drawn_scores():
    """
    Scores drawn from a grid with rho -0.12 give it back; scores without a low one give none.
    """
    n = 40_000
    home, away = np.full(n, 1.8), np.full(n, 0.7)
    cells = np.random.default_rng(2).choice(SIZE**2, size=n, p=score_grid(home[:1], away[:1], -0.12).ravel())
    home_goals, away_goals = np.divmod(cells, SIZE)

    rho = fit_rho(home, away, home_goals.astype(float), away_goals.astype(float))

    assert rho == pytest.approx(-0.12, abs=0.03)
    assert fit_rho(home, away, home_goals + 2.0, away_goals + 2.0) == 0.0


def test_rho_is_the_most_likely_one():
    """
    No other rho makes a handful of unlike scores likelier than the one found.
    """
    home, away = np.array([2.4, 2.0, 1.9, 0.6, 1.3]), np.array([0.5, 0.7, 0.4, 1.8, 1.2])
    scores = np.array([1, 1, 1, 0, 0]), np.array([0, 0, 1, 1, 0])

    rho = fit_rho(home, away, scores[0].astype(float), scores[1].astype(float))

    tried = np.linspace(-0.199, 0.199, 399)
    likelihood = [np.log(score_grid(home, away, r)[np.arange(5), *scores]).sum() for r in tried]
    assert rho == pytest.approx(tried[np.argmax(likelihood)], abs=0.002)


@pytest.mark.parametrize(("home_goals", "bound"), [(0.0, -0.2), (1.0, 0.2)])
def test_rho_stays_within_its_bounds(home_goals, bound):
    """
    Scores that are all alike would draw rho beyond reason; it stops at 0.2 either way.
    """
    ones = np.ones(50)

    assert fit_rho(ones, ones, home_goals * ones, 0.0 * ones) == bound


def test_misuse_says_so(world):
    """
    Asked before fitting, or fitted on nothing played, the model names itself.
    """
    with pytest.raises(NotFitted, match="goal_model"):
        GoalModel().expected_goals(world.features)
    with pytest.raises(NothingToLearn, match="goal_model"):
        GoalModel().fit(world.matches.without_results(), world.features)
