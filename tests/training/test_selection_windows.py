"""Which seasons a search may look at, and which one it may not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from features.matches import MatchTable
from training.history import TooLittleData
from training.seasons import windows_of


def league_of(*seasons, to_come=()):
    """One match a day from 20 August of each year; years that are to come have no results."""
    days = [
        (dt.date(year, 8, 20) + dt.timedelta(days=day), year not in to_come) for year, n in seasons for day in range(n)
    ]
    n = len(days)
    goals = np.array([1.0 if is_played else np.nan for _, is_played in days])
    return MatchTable.from_columns(
        match_id=[f"m{i}" for i in range(n)],
        competition=["xx.1" if i % 2 else "yy.1" for i in range(n)],
        season=["s"] * n,
        kickoff=[int(dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC).timestamp()) for day, _ in days],
        home=["xx:a"] * n,
        away=["xx:b"] * n,
        home_goals=goals,
        away_goals=goals,
    )


def windows(matches, **changes):
    told = windows_of(matches, **{"warm_up_days": 0} | changes).to_plain()
    return told["untouched"]["from"], told["searched"]["from"], told["searched"]["to"]


def test_the_newest_complete_season_is_kept_and_four_before_it_are_searched():
    """
    Seasons run from 1 July to 30 June, and the searched ones end where the untouched one begins.
    """
    matches = league_of(*((year, 200) for year in range(2012, 2021)))

    assert windows(matches) == ("2020-07-01", "2016-07-01", "2020-06-30")


@pytest.mark.parametrize(
    ("matches", "untouched"),
    [
        (league_of((2017, 200), (2018, 200), (2019, 200), (2020, 90)), "2019-07-01"),
        (league_of((2017, 200), (2018, 200), (2019, 200), (2020, 185)), "2020-07-01"),
        (league_of((2017, 200), (2018, 200), (2019, 200), (2020, 200), to_come=(2020,)), "2019-07-01"),
    ],
    ids=["half of it has been played", "nearly as many as the year before", "it is still to come"],
)
def test_a_season_that_is_not_complete_is_not_the_judge(matches, untouched):
    """
    A season is complete with nine tenths of the matches of the one before and none of its own to come.
    """
    assert windows(matches)[0] == untouched


def test_what_is_known_later_can_be_left_aside():
    """
    A last day and a first day move the windows.
    """
    matches = league_of(*((year, 200) for year in range(2012, 2021)))

    assert windows(matches, until=dt.date(2018, 6, 30)) == ("2017-07-01", "2013-07-01", "2017-06-30")
    assert windows(matches, first=dt.date(2019, 9, 1))[1] == "2019-09-01"


def test_seasons_without_a_past_to_learn_from_are_not_searched():
    """
    With fewer seasons than four the search has those that come after enough matches and after the warm-up.
    """
    matches = league_of((2017, 200), (2018, 200), (2019, 200), (2020, 200))

    assert windows(matches)[1] == "2018-07-01"
    assert windows(matches, warm_up_days=320)[1] == "2019-07-01"


@pytest.mark.parametrize(
    ("matches", "changes", "told"),
    [
        (league_of((2019, 200)), {}, "no season of the chosen matches is complete"),
        (league_of((2019, 50), (2020, 50)), {}, "no season before it is left to search"),
        (league_of((2018, 200), (2019, 200), (2020, 200)), {"first": dt.date(2020, 9, 1)}, "no season before it"),
        (league_of((2018, 200), (2019, 200)), {"competitions": ["zz.1"]}, "none"),
    ],
)
def test_too_few_seasons_are_said(matches, changes, told):
    """
    One sentence says what is missing.
    """
    with pytest.raises(TooLittleData, match=told):
        windows(matches, **changes)
