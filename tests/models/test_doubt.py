"""How unsure probabilities are said to be: slopes, members that differ, and what intervals hold."""

from __future__ import annotations

import numpy as np
import pytest

from models.doubt import members_spread, proba_interval, proba_spread
from models.score_grid import outcome_proba, reconcile, score_grid

HOME, AWAY = np.array([0.6, 1.5, 2.8]), np.array([1.9, 1.5, 0.5])


def test_doubt_of_goals_becomes_doubt_of_outcomes():
    """
    For small doubts the spread is that of the probabilities at expected goals drawn with these doubts.
    """
    doubt = np.array([[0.05, 0.02], [0.03, 0.03], [0.02, 0.06]])
    rng = np.random.default_rng(1)
    drawn = np.exp(rng.normal(size=(4_000, 2, 3)) * doubt.T)

    told = proba_spread(score_grid(HOME, AWAY, -0.05), outcome_proba(score_grid(HOME, AWAY, -0.05)), doubt)

    seen = np.array([outcome_proba(score_grid(HOME * h, AWAY * a, -0.05)) for h, a in drawn]).std(axis=0)
    np.testing.assert_allclose(told, seen, rtol=0.1, atol=5e-4)


def test_a_tilted_grid_keeps_the_slopes_of_its_own_outcomes():
    """
    On a grid that was tilted to other outcomes, the slope is that of the tilted probabilities.
    """
    wanted = np.array([[0.5, 0.28, 0.22]])
    grid = score_grid(np.array([1.4]), np.array([1.1]), 0.0)
    factor = wanted / outcome_proba(grid)
    nudged = score_grid(np.array([1.4]) * np.exp(1e-5), np.array([1.1]), 0.0)
    mass = outcome_proba(nudged) * factor

    told = proba_spread(reconcile(grid, wanted), wanted, np.array([[1.0, 0.0]]))

    seen = np.abs(mass / mass.sum() - wanted) / 1e-5
    np.testing.assert_allclose(told, seen, atol=1e-4)


def test_no_doubt_no_spread():
    """
    Known strengths and members that agree leave nothing unsure.
    """
    grid = score_grid(HOME, AWAY, 0.0)
    proba = outcome_proba(grid)
    said = np.log(proba)

    np.testing.assert_array_equal(proba_spread(grid, proba, np.zeros((3, 2))), 0.0)
    np.testing.assert_array_equal(members_spread(dict.fromkeys("ab", said), {"a": 0.4, "b": 0.6}, said), 0.0)


def test_members_that_differ_make_a_forecast_less_sure():
    """
    Two members of equal weight, 0.1 apart: each is 0.05 from their mean.
    """
    one, other = np.array([[0.5, 0.3, 0.2]]), np.array([[0.4, 0.3, 0.3]])

    said, pooled = {"a": np.log(one), "b": np.log(other)}, np.log(0.5 * (one + other))
    spread = members_spread(said, {"a": 0.5, "b": 0.5}, pooled)

    np.testing.assert_allclose(spread, [[0.05, 0.0, 0.05]], atol=1e-12)


def test_members_count_by_their_share():
    """
    Of two members the one with three quarters of the weight counts three times as much.
    """
    one, other = np.array([[0.5, 0.3, 0.2]]), np.array([[0.4, 0.3, 0.3]])
    mean = 0.75 * one + 0.25 * other

    spread = members_spread({"a": np.log(one), "b": np.log(other)}, {"a": 0.75, "b": 0.25}, np.log(mean))

    np.testing.assert_allclose(spread[0, 0], np.sqrt(0.75 * 0.025**2 + 0.25 * 0.075**2))


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_the_interval_holds_its_share_of_a_normal_doubt(coverage):
    """
    Log-odds drawn around a forecast with the spread it states fall into the interval as often as it says.
    """
    proba, spread = np.array([[0.5, 0.3, 0.2]]), np.array([[0.05, 0.03, 0.04]])
    rng = np.random.default_rng(2)
    middle = np.log(proba / (1.0 - proba))
    drawn = 1.0 / (1.0 + np.exp(-(middle + rng.normal(size=(20_000, 3)) * spread / (proba * (1.0 - proba)))))

    low, high = proba_interval(proba, spread, coverage)[0].T

    np.testing.assert_allclose(((drawn > low) & (drawn < high)).mean(axis=0), coverage, atol=0.015)


def test_intervals_stay_within_zero_and_one_and_around_the_forecast():
    """
    However unsure, an interval never leaves [0, 1] and always holds its forecast; also at the very ends.
    """
    proba = np.array([[1.0 - 2e-9, 1e-9, 1e-9], [0.4, 0.35, 0.25]])

    interval = proba_interval(proba, np.array([[0.0, 0.1, 0.3], [5.0, 0.2, 0.0]]), 0.8)

    assert np.isfinite(interval).all()
    assert ((interval >= 0.0) & (interval <= 1.0)).all()
    assert (interval[..., 0] <= proba + 1e-12).all()
    assert (interval[..., 1] >= proba - 1e-12).all()
