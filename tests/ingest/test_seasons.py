"""Windows of seasons, and the season of a date."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import RowRefused
from ingest.seasons import first_year, season_of, window

COMPETITIONS = ["de.1", "en.2", "br.1", "us.1", "ar.1", "uefa.cl", "mx.1", "za.1", "au.1", "int.friendly"]


@settings(deadline=None)
@given(st.sampled_from(COMPETITIONS), st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2030, 12, 31)))
def test_a_date_lies_in_the_window_of_its_season(competition, day):
    """Every date has a season, and lies in its window; leagues that changed their calendar leave no gap."""
    assert day in window(competition, season_of(competition, day))


@pytest.mark.parametrize(
    ("competition", "day", "season"),
    [
        ("en.1", dt.date(2020, 7, 26), "2019-20"),
        ("sco.1", dt.date(2020, 8, 1), "2020-21"),
        ("mx.1", dt.date(2020, 7, 24), "2020-21"),
        ("uefa.cl", dt.date(2020, 8, 23), "2019-20"),
        ("br.1", dt.date(2021, 2, 25), "2020"),
        ("br.1", dt.date(2021, 5, 29), "2021"),
        ("ar.1", dt.date(2020, 3, 9), "2019-20"),
        ("ar.1", dt.date(2020, 11, 1), "2020"),
        ("ar.1", dt.date(2021, 3, 1), "2021"),
        ("za.1", dt.date(2020, 9, 5), "2019-20"),
        ("int.fifa-world-cup", dt.date(2014, 7, 13), "2014"),
    ],
)
def test_seasons_that_the_pandemic_moved_keep_their_name(competition, day, season):
    """Late ends of 2019-20 and 2020 are known, league by league."""
    assert season_of(competition, day) == season


def test_a_wrong_year_is_outside_the_window():
    """A season's window is shorter than the year by which a date may be wrong."""
    assert dt.date(2016, 7, 1) not in window("de.1", "2015-16")
    assert dt.date(2015, 7, 1) in window("de.1", "2015-16")
    assert dt.date(2020, 9, 12) in window("gr.cup", "2019-20")


@pytest.mark.parametrize("season", ["2015-17", "15-16", "2015/16", "", "2015-2016"])
def test_a_season_is_written_in_one_of_two_ways(season):
    """Anything else is refused with both forms named."""
    with pytest.raises(RowRefused, match="2015-16"):
        first_year(season)
