"""Kick-off times in UTC."""

import datetime as dt
from zoneinfo import available_timezones

import pytest

from ingest import fivethirtyeight, football_data, timezones
from ingest.timezones import kickoff_of, local_day, zone_of
from store.records import MatchRecord, Status


def test_local_times_become_utc_in_summer_and_winter():
    """London is UTC in winter, an hour ahead in summer."""
    zone = zone_of("en.1")

    assert kickoff_of(dt.date(2019, 12, 26), dt.time(15, 0), zone)[0].hour == 15
    assert kickoff_of(dt.date(2019, 8, 10), dt.time(15, 0), zone)[0].hour == 14


def test_a_day_without_time_is_marked_as_such():
    """Midnight UTC stands for the day, and the mark says that no more is known; so it is where we know no zone."""
    midnight = dt.datetime(2019, 8, 10, tzinfo=dt.UTC)

    assert kickoff_of(dt.date(2019, 8, 10), None, zone_of("en.1")) == (midnight, True)
    assert kickoff_of(dt.date(2019, 8, 10), dt.time(15, 0), zone_of("xx.1")) == (midnight, True)


@pytest.mark.parametrize(
    "competition", sorted({*fivethirtyeight.COMPETITIONS.values(), *football_data.DIVISIONS.values()})
)
def test_every_competition_of_the_sources_has_a_zone(competition):
    """The table of zones covers the tables of leagues."""
    zone = zone_of(competition)

    assert zone is not None
    assert zone.key in available_timezones()


def test_the_day_of_an_evening_match_is_the_local_one():
    """A match at 20:15 in Mexico is already tomorrow in UTC; its day stays."""
    kickoff, is_date_only = kickoff_of(dt.date(2019, 12, 29), dt.time(20, 15), zone_of("mx.1"))
    record = MatchRecord("mx.1", "2019-20", kickoff, is_date_only, "A", "B", Status.SCHEDULED)

    assert kickoff.date() == dt.date(2019, 12, 30)
    assert local_day(record) == dt.date(2019, 12, 29)


def test_germany_and_britain_are_what_sources_assume():
    """The sample is in German time, football-data in British time."""
    assert timezones.GERMANY.key == "Europe/Berlin"
    assert timezones.UNITED_KINGDOM.key == "Europe/London"
