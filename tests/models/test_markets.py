"""Markets read off one score grid: they agree with each other and with figures counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson, skellam

from models.errors import InvalidForecast
from models.markets import (
    HANDICAP_LINES,
    OVER_UNDER_LINES,
    asian_handicap,
    draw_no_bet,
    margin_distribution,
    most_likely_scores,
    read_markets,
    total_distribution,
)
from models.score_grid import SIZE, outcome_proba, reconcile, score_grid


@st.composite
def grids(draw):
    """Score grids of three matches, reconciled with outcome probabilities half of the time."""
    means = [np.array(draw(st.lists(st.floats(0.05, 6.0), min_size=3, max_size=3))) for _ in range(2)]
    grid = score_grid(*means, draw(st.floats(-0.3, 0.3)))
    if draw(st.booleans()):
        weights = np.array(draw(st.lists(st.floats(0.01, 1.0), min_size=9, max_size=9))).reshape(3, 3)
        grid = reconcile(grid, weights / weights.sum(axis=1, keepdims=True))
    return grid


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


@settings(max_examples=200, deadline=None)
@given(grids())
def test_markets_agree_with_each_other(grid):
    """
    Over and under, double chance, draw no bet, handicaps and both-to-score follow from the same probabilities.
    """
    home, draw, away = outcome_proba(grid).T

    markets = read_markets(grid)

    close(markets.over + markets.under, 1.0)
    close(markets.double_chance, np.stack([1 - away, 1 - draw, 1 - home], axis=1))
    close(markets.draw_no_bet.sum(axis=1), 1.0)
    close(markets.draw_no_bet[:, 0], home / (home + away))
    close(markets.handicap_home + markets.handicap_push + markets.handicap_away, 1.0)
    level, half = HANDICAP_LINES.index(0.0), HANDICAP_LINES.index(-0.5)
    close(np.stack([m[:, level] for m in handicap_of(markets)], axis=1), outcome_proba(grid))
    close(markets.handicap_home[:, half], home)
    assert not markets.handicap_push[:, half].any()
    blank = grid[:, 0, :].sum(axis=1) + grid[:, :, 0].sum(axis=1) - grid[:, 0, 0]
    close(markets.both_teams_to_score, 1 - blank)
    close(markets.score_proba.sum(axis=1) + markets.other_scores, 1.0)


def handicap_of(markets):
    return markets.handicap_home, markets.handicap_push, markets.handicap_away


@settings(max_examples=200, deadline=None)
@given(grids())
def test_lines_move_one_way(grid):
    """
    A higher total line is never more likely exceeded, more goals given never less likely cover.
    """
    markets = read_markets(grid)

    assert (np.diff(markets.over, axis=1) <= 1e-12).all()
    assert (np.diff(markets.handicap_away, axis=1) <= 1e-12).all()
    assert (np.diff(markets.handicap_home, axis=1) >= -1e-12).all()


@settings(max_examples=200, deadline=None)
@given(grids())
def test_swapping_sides_mirrors_every_market(grid):
    """
    Transposed grids give the mirrored markets.
    """
    markets, mirror = read_markets(grid), read_markets(grid.transpose(0, 2, 1).copy())

    close(mirror.expected_goals, markets.expected_goals[:, ::-1])
    close(mirror.over, markets.over)
    close(mirror.both_teams_to_score, markets.both_teams_to_score)
    close(mirror.double_chance, markets.double_chance[:, ::-1])
    close(mirror.draw_no_bet, markets.draw_no_bet[:, ::-1])
    close(mirror.handicap_home, markets.handicap_away[:, ::-1])
    close(mirror.handicap_push, markets.handicap_push[:, ::-1])
    close(mirror.score_proba, markets.score_proba)
    np.testing.assert_array_equal(mirror.goal_interval[:, 2], markets.goal_interval[:, 2])
    np.testing.assert_array_equal(mirror.goal_interval[:, 0], markets.goal_interval[:, 1])


@settings(max_examples=200, deadline=None)
@given(grids(), st.floats(0.05, 0.95))
def test_goal_intervals_hold_their_coverage(grid, coverage):
    """
    Each central interval holds at least the stated coverage, and at most the stated tail lies beyond each end.
    """
    markets = read_markets(grid, coverage=coverage)

    for side, distribution in enumerate((grid.sum(axis=2), grid.sum(axis=1), total_distribution(grid))):
        for row, (low, high) in zip(distribution, markets.goal_interval[:, side], strict=True):
            assert row[low : high + 1].sum() >= coverage - 1e-9
            assert row[:low].sum() <= (1 - coverage) / 2 + 1e-9
            assert row[high + 1 :].sum() <= (1 - coverage) / 2 + 1e-9


def test_known_match():
    """
    For independent means 1.5 and 1.2, markets are those of scipy's Poisson and Skellam distributions.
    """
    markets = read_markets(score_grid(np.array([1.5]), np.array([1.2]), 0.0))

    np.testing.assert_allclose(markets.expected_goals, [[1.5, 1.2]], atol=1e-9)
    np.testing.assert_allclose(markets.over[0], poisson.sf(OVER_UNDER_LINES, 2.7), atol=1e-9)
    np.testing.assert_allclose(markets.both_teams_to_score, (1 - np.exp(-1.5)) * (1 - np.exp(-1.2)), atol=1e-9)
    margin = skellam(1.5, 1.2)
    at_minus_one = HANDICAP_LINES.index(-1.0)
    np.testing.assert_allclose(markets.handicap_home[0, at_minus_one], margin.sf(1), atol=1e-9)
    np.testing.assert_allclose(markets.handicap_push[0, at_minus_one], margin.pmf(1), atol=1e-9)
    np.testing.assert_allclose(markets.handicap_away[0, at_minus_one], margin.cdf(0), atol=1e-9)
    assert (markets.score_home[0, 0], markets.score_away[0, 0]) == (1, 1)
    np.testing.assert_allclose(markets.score_proba[0, 0], np.exp(-2.7) * 1.5 * 1.2, atol=1e-9)
    np.testing.assert_array_equal(markets.goal_interval[0], [[0, 3], [0, 3], [1, 5]])
    assert len(markets) == 1


def test_hand_counted_grid():
    """
    Three possible scores, 2-0, 1-1 and 0-1, give markets that can be counted on fingers.
    """
    grid = np.zeros((1, SIZE, SIZE))
    grid[0, 2, 0], grid[0, 1, 1], grid[0, 0, 1] = 0.5, 0.3, 0.2

    markets = read_markets(grid, scores=3)

    close(markets.expected_goals, [[1.3, 0.5]])
    close(markets.over, [[1.0, 0.8, 0.0, 0.0, 0.0, 0.0]])
    close(markets.both_teams_to_score, [0.3])
    close(markets.double_chance, [[0.8, 0.7, 0.5]])
    close(markets.draw_no_bet, [[5 / 7, 2 / 7]])
    close(markets.handicap_home, [[0, 0, 0.5, 0.5, 0.5, 0.5, 0.8, 0.8, 1, 1, 1]])
    close(markets.handicap_push, [[0, 0.5, 0, 0, 0, 0.3, 0, 0.2, 0, 0, 0]])
    np.testing.assert_array_equal(markets.score_home, [[2, 1, 0]])
    np.testing.assert_array_equal(markets.score_away, [[0, 1, 1]])
    close(markets.score_proba, [[0.5, 0.3, 0.2]])
    close(markets.other_scores, [0.0])
    np.testing.assert_array_equal(margin_distribution(grid)[0].nonzero()[0] - (SIZE - 1), [-1, 0, 2])


@settings(max_examples=100, deadline=None)
@given(grids(), st.integers(-12, 12))
def test_quarter_lines_are_the_mean_of_their_neighbours(grid, quarters):
    """
    A stake on a quarter line is half a stake on each neighbour; every line's three parts sum to 1.
    """
    line = quarters / 4

    covered = asian_handicap(grid, line)

    close(covered.sum(axis=1), 1.0)
    if quarters % 2:
        close(covered, (asian_handicap(grid, line - 0.25) + asian_handicap(grid, line + 0.25)) / 2)


def test_handicaps_beyond_every_score_are_certain():
    """
    A line that no score can reach is covered by one side for sure.
    """
    grid = score_grid(np.array([1.5]), np.array([1.2]), 0.0)

    close(asian_handicap(grid, 40.0), [[1.0, 0.0, 0.0]])
    close(asian_handicap(grid, -40.0), [[0.0, 0.0, 1.0]])


def test_lines_that_are_no_quarters_are_refused():
    """
    A handicap of 0.3 is refused with what was given and what was expected.
    """
    with pytest.raises(InvalidForecast, match=r"given handicap line 0\.3, expected a multiple of 0\.25"):
        asian_handicap(np.zeros((1, SIZE, SIZE)), 0.3)


@settings(max_examples=200, deadline=None)
@given(grids(), st.integers(1, 20))
def test_listed_scores_are_the_most_likely(grid, count):
    """
    The list falls, holds the highest probabilities there are, and names the cells they stand in.
    """
    home, away, proba = most_likely_scores(grid, count)

    for row in range(len(grid)):
        np.testing.assert_array_equal(proba[row], np.sort(grid[row].ravel())[::-1][:count])
        np.testing.assert_array_equal(proba[row], grid[row][home[row], away[row]])


def test_equally_likely_scores_are_listed_in_a_fixed_order():
    """
    Among equals, also across the end of the list, fewer home goals come first.
    """
    grid = score_grid(np.array([1.0]), np.array([1.0]), 0.0)

    home, away, _ = most_likely_scores(grid, 5)

    assert list(zip(home[0], away[0], strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2)]


def test_no_decision_possible_splits_the_refunded_bet():
    """
    Where only the draw is possible, draw no bet is a half each.
    """
    close(draw_no_bet(np.array([[0.0, 1.0, 0.0]])), [[0.5, 0.5]])
