"""Markets on goals: read off grids, scored by log loss, beside how often they came so far."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from features.matches import MatchTable
from models.dixon_coles import DixonColes
from models.markets import OVER_UNDER_LINES, read_markets
from models.score_grid import score_grid
from training.goal_markets import BASE_RATE, base_rate, goal_market_report, market_proba, market_results
from training.history import day_number
from training.walk_forward import baselines, walk_forward

FIRST, END = (day_number(dt.date(2022, 8, day)) for day in (1, 29))


def played(*goals):
    """Matches of those scores, one a day."""
    number = np.arange(len(goals))
    return MatchTable.from_columns(
        match_id=[f"m{i}" for i in number],
        competition=["qa.1"] * len(goals),
        season=["2021-22"] * len(goals),
        kickoff=(19_000 + number) * 86_400,
        home=["q:Arvenholt"] * len(goals),
        away=["q:Brixmoor"] * len(goals),
        home_goals=[home for home, _ in goals],
        away_goals=[away for _, away in goals],
    )


def test_markets_of_a_grid_are_those_that_are_served():
    """
    Over 2.5 and both teams to score are what the service reads off the same grid.
    """
    grid = score_grid(np.array([1.6, 0.4, 3.2]), np.array([1.1, 0.3, 2.0]), rho=-0.05)
    served = read_markets(grid)

    proba = market_proba(grid)

    np.testing.assert_allclose(proba[:, 0], served.over[:, OVER_UNDER_LINES.index(2.5)], atol=1e-12)
    np.testing.assert_allclose(proba[:, 1], served.both_teams_to_score, atol=1e-12)


def test_results_and_base_rate_are_counted():
    """
    Of 2-1, 3-0, 1-1 and 0-0 two are over and two have both score; a match more each way keeps the rate from certainty.
    """
    past = played((2, 1), (3, 0), (1, 1), (0, 0))

    assert market_results(past).tolist() == [[True, True], [True, False], [False, True], [False, False]]
    assert base_rate(past, 2).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert base_rate(played((4, 0)), 1).tolist() == [[2 / 3, 1 / 3]]


def test_the_report_compares_by_log_loss():
    """
    Loss and difference are those of a plain sum; who is right with more is better, which is negative.
    """
    proba = {"mine": np.array([[0.8, 0.5], [0.2, 0.5]]), "theirs": np.full((2, 2), 0.5)}

    told = goal_market_report(proba, played((3, 1), (1, 0)), np.array([1, 1]), model="mine", seed=1)

    over, both = told["over_2_5"], told["both_teams_to_score"]
    assert over["came"] == both["came"] == 0.5
    assert over["log_loss"] == pytest.approx({"mine": -np.log(0.8), "theirs": np.log(2)})
    assert over["difference"]["theirs"]["mean"] == pytest.approx(-np.log(0.8) - np.log(2))
    assert both["difference"]["theirs"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_a_walk_says_markets_from_earlier_matches_only(history):
    """
    Dixon-Coles says what one fitted before each block says, the base rate how often each came before it.
    """
    forecasts = walk_forward(history, baselines, first_day=FIRST, end_day=END, refit_days=14, warm_up_days=300)

    assert set(forecasts.markets) == {"dixon_coles", BASE_RATE}
    for start in (FIRST, FIRST + 14):
        past, block = history.after_warm_up(300).before(start), history.between(start, start + 14)
        rows = forecasts.trained_until == start
        grid = DixonColes().fit(past.matches, past.features).grid(block.matches)
        np.testing.assert_array_equal(forecasts.markets["dixon_coles"][rows], market_proba(grid))
        expected = (market_results(past.matches).sum(axis=0) + 1) / (len(past) + 2)
        assert rows.any()
        assert (forecasts.markets[BASE_RATE][rows] == expected).all()
