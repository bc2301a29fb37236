"""Score grids: Poisson with the Dixon-Coles correction, and their reconciliation with outcome probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import poisson

from models.errors import InvalidForecast
from models.score_grid import (
    MAX_GOALS,
    SIZE,
    clip_rho,
    goal_distribution,
    outcome_proba,
    outcome_proba_of_goals,
    reconcile,
    score_grid,
    truncated_mass,
)

expected_goals = st.floats(0.01, 12.0)
rhos = st.floats(-1.5, 1.5)
outcome_rows = (
    st.tuples(*[st.floats(0.0, 1.0)] * 3)
    .filter(lambda row: sum(row) > 1e-3)
    .map(lambda row: np.array([row]) / sum(row))
)


def grid_of(home, away, rho=0.0):
    return score_grid(np.array([home]), np.array([away]), rho)


@settings(max_examples=200, deadline=None)
@given(expected_goals, expected_goals, rhos)
def test_grids_are_distributions(home, away, rho):
    """
    Every grid is non-negative and sums to 1, however wild the dependence asked for.
    """
    grid = grid_of(home, away, rho)

    assert grid.min() >= 0.0
    assert grid.sum() == pytest.approx(1.0, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(expected_goals, expected_goals, rhos)
def test_swapping_sides_transposes_the_grid(home, away, rho):
    """
    Swapping the sides' expected goals transposes the grid and mirrors the outcomes.
    """
    grid, swapped = grid_of(home, away, rho), grid_of(away, home, rho)

    np.testing.assert_allclose(swapped[0], grid[0].T, rtol=0, atol=1e-15)
    np.testing.assert_allclose(outcome_proba(swapped), outcome_proba(grid)[:, ::-1], rtol=0, atol=1e-14)


def test_independent_grid_is_the_product_of_two_poissons():
    """
    Without dependence, cells are products of scipy's Poisson probabilities, up to the cut-off tail.
    """
    goals = np.arange(SIZE)

    grid = grid_of(1.5, 1.2)

    independent = poisson.pmf(goals, 1.5)[:, None] * poisson.pmf(goals, 1.2)
    np.testing.assert_allclose(grid[0], independent / independent.sum(), rtol=1e-12)
    np.testing.assert_allclose(grid[0], independent, rtol=1e-8)


def test_low_scores_are_corrected_as_published():
    """
    Dixon and Coles' four factors apply to 0-0, 0-1, 1-0 and 1-1, and to nothing else.
    """
    home, away, rho = 1.5, 1.2, -0.1

    ratio = grid_of(home, away, rho)[0] / grid_of(home, away)[0]

    expected = np.ones((SIZE, SIZE))
    expected[:2, :2] = [[1 - home * away * rho, 1 + home * rho], [1 + away * rho, 1 - rho]]
    np.testing.assert_allclose(ratio, expected, rtol=1e-12)


def test_outcome_of_known_expected_goals():
    """
    For means 1.5 and 1.2 the outcomes are those of the Skellam distribution, taken from scipy's Poisson.
    """
    goals = np.arange(60)
    joint = poisson.pmf(goals, 1.5)[:, None] * poisson.pmf(goals, 1.2)
    expected = [np.tril(joint, -1).sum(), np.trace(joint), np.triu(joint, 1).sum()]

    np.testing.assert_allclose(outcome_proba(grid_of(1.5, 1.2))[0], expected, rtol=0, atol=1e-9)


def test_truncated_mass_is_what_the_grid_leaves_out():
    """
    The truncated mass is the chance that either side exceeds the grid, and below one in a million up to 3.5 goals.
    """
    inside = poisson.cdf(MAX_GOALS, 8.0) * poisson.cdf(MAX_GOALS, 1.0)

    assert truncated_mass(np.array([8.0]), np.array([1.0]))[0] == pytest.approx(1 - inside, rel=1e-9)
    assert truncated_mass(np.array([3.5]), np.array([1.0]))[0] < 1e-6


@pytest.mark.parametrize(
    ("rho", "home", "away", "expected"),
    [(-0.9, 2.0, 1.0, -0.5), (0.9, 2.0, 1.0, 0.5), (2.0, 0.5, 0.5, 1.0), (-3.0, 0.5, 0.5, -1.0), (0.1, 1.0, 1.0, 0.1)],
)
def test_rho_stays_where_no_cell_is_negative(rho, home, away, expected):
    """
    Rho is clipped to [-1/max, min(1, 1/(home*away))] and never below -1, and left alone inside.
    """
    assert clip_rho(rho, np.array([home]), np.array([away]))[0] == expected


@given(st.lists(st.tuples(expected_goals, expected_goals), min_size=1, max_size=20), rhos)
def test_outcomes_without_grids_are_those_of_the_grids(expected, rho):
    """
    Summing side by side says what summing the cells of each grid says, and one match what it does among others.
    """
    home, away = np.array(expected).T

    proba = outcome_proba_of_goals(home, away, rho)

    np.testing.assert_allclose(proba, outcome_proba(score_grid(home, away, rho)), rtol=0, atol=1e-14)
    for row in range(len(home)):
        alone = outcome_proba_of_goals(home[[row]], away[[row]], rho)
        np.testing.assert_allclose(alone[0], proba[row], rtol=0, atol=1e-15)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf, 101.0])
def test_impossible_expected_goals_are_refused(wrong):
    """
    Expected goals outside (0, 100] are refused with what was given and what was expected.
    """
    with pytest.raises(InvalidForecast, match=r"expected numbers in \(0, 100\]"):
        grid_of(1.0, wrong)


@settings(max_examples=300, deadline=None)
@given(expected_goals, expected_goals, rhos, outcome_rows)
def test_reconciled_grid_has_the_given_outcomes(home, away, rho, proba):
    """
    After reconciling, home, draw and away masses are the given ones to 1e-12, whatever the grid said.
    """
    grid = reconcile(grid_of(home, away, rho), proba)

    assert grid.min() >= 0.0
    np.testing.assert_allclose(outcome_proba(grid), proba, rtol=0, atol=1e-12)


def test_reconciling_keeps_the_scores_within_an_outcome():
    """
    Given the outcome, scores are as likely as they were, and reconciling with the grid's own outcomes is no change.
    """
    grid = grid_of(1.8, 0.9, -0.05)

    moved = reconcile(grid, np.array([[0.3, 0.4, 0.3]]))

    assert moved[0, 2, 1] / moved[0, 1, 0] == pytest.approx(grid[0, 2, 1] / grid[0, 1, 0], rel=1e-12)
    np.testing.assert_allclose(reconcile(grid, outcome_proba(grid)), grid, rtol=1e-12)


def test_reconciled_grid_is_the_nearest():
    """
    A numerical search over grids of three by three scores with the given outcomes finds none nearer.
    """
    grid = goal_distribution(np.array([1.5]))[0, :3, None] * goal_distribution(np.array([1.1]))[0, None, :3]
    padded = np.zeros((1, SIZE, SIZE))
    padded[0, :3, :3] = grid / grid.sum()
    proba = np.array([[0.5, 0.2, 0.3]])
    prior, region = padded[0, :3, :3].ravel(), np.sign(np.subtract.outer(range(3), range(3))).ravel()
    masses = [
        {"type": "eq", "fun": lambda cells, sign=sign, mass=mass: cells[region == sign].sum() - mass}
        for sign, mass in zip((1, 0, -1), proba[0], strict=True)
    ]

    found = minimize(
        lambda cells: (cells * np.log(cells / prior)).sum(),
        np.full(9, 1 / 9),
        bounds=[(1e-9, 1.0)] * 9,
        constraints=masses,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )

    np.testing.assert_allclose(reconcile(padded, proba)[0, :3, :3].ravel(), found.x, rtol=0, atol=1e-5)


def test_outcome_without_any_mass_falls_on_its_lowest_score():
    """
    A region that the grid holds impossible takes its probability on 1-0, 0-0 or 0-1; a wanted zero empties a region.
    """
    only_draw = np.zeros((2, SIZE, SIZE))
    only_draw[:, 1, 1] = 1.0

    grid = reconcile(only_draw, np.array([[0.5, 0.2, 0.3], [1.0, 0.0, 0.0]]))

    assert grid[0, 1, 0] == pytest.approx(0.5)
    assert grid[0, 1, 1] == pytest.approx(0.2)
    assert grid[0, 0, 1] == pytest.approx(0.3)
    assert grid[1, 1, 0] == pytest.approx(1.0)
    assert grid.sum() == pytest.approx(2.0)
    assert only_draw[0, 1, 0] == 0.0


@pytest.mark.parametrize("wrong", [[0.5, 0.5, 0.5], [1.2, -0.2, 0.0], [np.nan, 0.5, 0.5]])
def test_wrong_outcome_probabilities_are_refused(wrong):
    """
    Rows that are negative or do not sum to 1 are refused.
    """
    with pytest.raises(InvalidForecast, match="sum to 1"):
        reconcile(grid_of(1.0, 1.0), np.array([wrong]))
