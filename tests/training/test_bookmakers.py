"""Forecasts beside odds: which matches count, what is said where there is little, and what bookmakers would make of it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from features.matches import SECONDS_PER_DAY, MatchTable
from training.bookmakers import CAVEAT, Terms, beside_odds
from training.walk_forward import Forecasts

SEED = 5
TRUTH = np.array([0.5, 0.27, 0.23])


def forecasts(n=400, *, odds=None, proba=TRUTH, same_day=False):
    """Matches whose results are drawn from one truth, four a day, all forecast alike; ``odds`` on offer for all."""
    rng = np.random.default_rng(SEED)
    outcome = rng.choice(3, size=n, p=TRUTH)
    prices = np.full((n, 3), np.nan) if odds is None else np.tile(odds, (n, 1))
    names = [f"m{number}" for number in range(n)]
    table = MatchTable.from_columns(
        match_id=names,
        competition=["xa.1"] * n,
        season=["2022"] * n,
        kickoff=np.zeros(n, dtype=np.int64) if same_day else np.arange(n) // 4 * SECONDS_PER_DAY,
        home=["xa:A"] * n,
        away=["xa:B"] * n,
        home_goals=(outcome == 0).astype(float),
        away_goals=(outcome == 2).astype(float),
        odds_home=prices[:, 0],
        odds_draw=prices[:, 1],
        odds_away=prices[:, 2],
    )
    return Forecasts(table, {"ours": np.tile(proba, (n, 1))}, np.zeros(n, dtype=np.int64))


def beside(told, closing=None, **terms):
    return beside_odds(told, closing or {}, Terms(**terms), model="ours", seed=SEED)


def test_a_line_that_knows_the_truth_leaves_no_difference():
    """
    Where ours and the line without its margin agree, scores are level and no bet is worth looking at.
    """
    told = beside(forecasts(odds=1 / (TRUTH * 1.05)), overround="multiplicative")

    difference = told["before_kickoff"]["difference"]["odds"]["rps"]
    assert difference["mean"] == pytest.approx(0.0, abs=1e-12)
    assert told["before_kickoff"]["overround"] == pytest.approx(0.05)
    assert (told["bets"]["count"], told["bets"]["unit_stakes"], told["bets"]["kelly"]["stakes"]) == (0, None, None)
    assert told["bets"]["closing_line_value"] is None
    assert told["closing"] is None


def test_a_line_that_is_wrong_loses_to_the_truth():
    """
    Ours knows the truth and the bookmaker does not: ours scores better, and the bets win what the odds promise too much.
    """
    wrong = np.array([0.35, 0.3, 0.35])

    told = beside(forecasts(4000, odds=1 / (wrong * 1.05)))

    assert told["before_kickoff"]["difference"]["odds"]["log_loss"]["high"] < 0
    flat = told["bets"]["unit_stakes"]["yield"]
    assert told["bets"]["count"] == 4000
    assert flat["low"] < 0.5 / (0.35 * 1.05) - 1 < flat["high"]
    assert flat["low"] > 0


def test_bets_against_a_line_that_is_right_lose_the_margin():
    """
    Ours overrates the outsider: the value seen is none, and both the yield and the closing line say so.
    """
    odds = 1 / (TRUTH * 1.05)
    table = forecasts(4000, odds=odds, proba=np.array([0.4, 0.25, 0.35]))

    told = beside(table, {name: tuple(odds) for name in table.matches.match_id}, overround="multiplicative")

    flat, value = told["bets"]["unit_stakes"]["yield"], told["bets"]["closing_line_value"]
    assert flat["low"] < 1 / 1.05 - 1 < flat["high"]
    assert value["mean"] == pytest.approx(1 / 1.05 - 1)
    assert value["bets"] == 4000


def test_closing_odds_alone_are_compared_without_bets():
    """
    Bets are at prices that were on offer before kick-off; where only closing odds are known there are none.
    """
    told = beside(forecasts(), {"m1": (2.0, 3.5, 4.0), "m2": (1.9, 3.5, 4.2), "of another day": (2.0, 3.0, 4.0)})

    assert told["before_kickoff"] is None
    assert told["bets"] is None
    assert told["closing"]["matches"] == 2
    assert told["caveat"] == list(CAVEAT)


def test_a_price_that_is_missing_leaves_its_match_out():
    """
    Two prices of three are no odds: the match is neither compared nor bet on.
    """
    table = forecasts(8, odds=(2.6, 3.4, 3.6))
    table.matches.odds_draw[:3] = np.nan

    told = beside(table)

    assert told["before_kickoff"]["matches"] == told["bets"]["count"] == 5


def test_no_odds_give_nothing():
    """
    Without odds in the window, whatever is known of other matches, there is nothing to say.
    """
    assert beside(forecasts(), {"of another day": (2.0, 3.0, 4.0)}) is None


def test_one_match_day_has_no_interval_of_its_yield():
    """
    Bets of a single day share their luck: the yield is told, its interval is unknown, and all of it is valid JSON.
    """
    told = beside(forecasts(6, odds=(2.6, 3.4, 3.6), same_day=True))

    flat = told["bets"]["unit_stakes"]["yield"]
    assert told["bets"]["match_days"] == 1
    assert (flat["low"], flat["high"]) == (None, None)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_terms_decide_which_bets_and_how_large():
    """
    A higher edge leaves fewer bets; a smaller fraction of Kelly's stake stakes less of the same.
    """
    rng = np.random.default_rng(SEED)
    even = forecasts(300, odds=(2.1, 3.6, 4.2))
    table = dataclasses.replace(even, proba={"ours": rng.dirichlet(40 * TRUTH, 300)})

    many, few = beside(table, edge=0.05)["bets"], beside(table, edge=0.2)["bets"]
    small = beside(table, kelly_fraction=0.05)["bets"]

    assert 0 < few["count"] < many["count"]
    assert small["unit_stakes"] == many["unit_stakes"]
    assert small["kelly"]["stakes"]["staked"] < many["kelly"]["stakes"]["staked"]
