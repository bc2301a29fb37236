"""Probabilities implied by odds before kick-off."""

from __future__ import annotations

import numpy as np
import pytest
from feature_world import after, described, match

from features.transform import MatchFeatures

NAMES = ("odds_home", "odds_draw", "odds_away", "odds_overround")


def test_the_overround_is_spread_proportionally():
    """
    1.90, 3.80 and 3.80 sum to 1.0526 of inverse odds: half, a quarter, a quarter, and 5.26 % for the bookmaker.
    """
    row = match("a", "b", day=0, odds_home=1.9, odds_draw=3.8, odds_away=3.8)

    features = described(MatchFeatures(), row)

    assert [features[name] for name in NAMES] == pytest.approx([0.5, 0.25, 0.25, 1 / 0.95 - 1])


@pytest.mark.parametrize("given", [{}, {"odds_home": 1.9}, {"odds_home": 1.9, "odds_draw": 3.8}])
def test_without_all_three_odds_all_four_are_missing(given):
    """
    One missing price leaves no probability.
    """
    features = described(MatchFeatures(), match("a", "b", day=0, **given))

    assert np.isnan([features[name] for name in NAMES]).all()


def test_odds_of_past_matches_teach_nothing():
    """
    A state is the same whether or not past matches had odds.
    """
    plain = after(match("a", "b", 1, 0, day=0))
    priced = after(match("a", "b", 1, 0, day=0, odds_home=1.9, odds_draw=3.8, odds_away=3.8))

    fixture = match("b", "a", day=9)
    assert described(plain, fixture) == pytest.approx(described(priced, fixture), abs=0, rel=0, nan_ok=True)
    assert plain.digest == priced.digest
