"""The mirrored frame is what the features would be, had the sides been named the other way round."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_world import results

from features.frame import FeatureFrame
from features.matches import MatchTable
from features.mirror import mirrored, partners
from features.registry import NAMES
from features.transform import MatchFeatures


@pytest.fixture(scope="module")
def fixtures() -> MatchTable:
    """A season's pairings of the small world, all of them at neutral venues and yet to be played."""
    season = results(["2024-25"])
    return MatchTable.from_columns(
        match_id=[f"m{number}" for number in range(len(season))],
        competition=[one.competition for one in season],
        season=["2025-26"] * len(season),
        kickoff=[20_500 * 86_400] * len(season),
        home=[f"{one.competition}:{one.home}" for one in season],
        away=[f"{one.competition}:{one.away}" for one in season],
        neutral=[True] * len(season),
    )


@pytest.fixture(scope="module")
def state() -> MatchFeatures:
    """Features that have learned all seasons of the small world; every fifth match was played at a neutral venue."""
    played = results()
    table = MatchTable.from_columns(
        match_id=[f"p{number}" for number in range(len(played))],
        competition=[one.competition for one in played],
        season=[one.season for one in played],
        kickoff=[int(one.kickoff.timestamp()) for one in played],
        home=[f"{one.competition}:{one.home}" for one in played],
        away=[f"{one.competition}:{one.away}" for one in played],
        neutral=[number % 5 == 0 for number in range(len(played))],
        home_goals=[float(one.home_goals) for one in played],
        away_goals=[float(one.away_goals) for one in played],
    )
    learned = MatchFeatures()
    learned.update(table.by_kickoff())
    return learned


def test_every_feature_of_a_neutral_match_is_mirrored(state, fixtures):
    """
    Described with the sides exchanged, a match at a neutral venue has the mirrored features, every one of them.
    """
    described = state.transform(fixtures)
    exchanged = state.transform(replace(fixtures, home=fixtures.away, away=fixtures.home))

    turned = mirrored(described)

    for place, name in enumerate(described.names):
        np.testing.assert_allclose(
            exchanged.values[:, place], turned.values[:, place], rtol=1e-9, atol=1e-9, err_msg=name
        )
    assert np.nanstd(described.column("head_to_head_margin")) > 0.1


def test_turned_round_twice_it_is_as_it_was():
    """
    Mirroring is undone by mirroring, and leaves the frame it was given alone.
    """
    frame = FeatureFrame(NAMES, np.random.default_rng(1).normal(size=(5, len(NAMES))))
    before = frame.values.copy()

    np.testing.assert_array_equal(mirrored(mirrored(frame)).values, before)
    np.testing.assert_array_equal(frame.values, before)


def test_a_side_without_its_counterpart_stays_where_it_is():
    """
    In a frame that has a column of one side only, that column keeps its place.
    """
    assert partners(("elo_home", "rest_days_away", "elo_away")) == [2, 1, 0]
