"""Single values: what each format takes, and what it refuses."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cells import british_day, count, iso_day, real, time_of_day
from ingest.errors import RowRefused

DAYS = st.dates(min_value=dt.date(1970, 1, 1), max_value=dt.date(2069, 12, 31))


@settings(deadline=None)
@given(DAYS)
def test_every_day_is_read_back_from_each_way_of_writing_it(day):
    """ISO and British dates, with four digits of the year and with two, name the day they were written for."""
    assert iso_day(day.isoformat()) == day
    assert british_day(f"{day:%d/%m/%Y}") == day
    assert british_day(f"{day:%d/%m/%y}") == day


@pytest.mark.parametrize("text", ["", "2019-7-1", "20190701", "2019-W01-1", "01/07/2019", "2019-02-30", "soon"])
def test_a_date_in_another_format_is_not_guessed(text):
    """Only YYYY-MM-DD is an ISO date here, and only if the day exists."""
    with pytest.raises(RowRefused, match="date"):
        iso_day(text)


@pytest.mark.parametrize("text", ["", "2019-07-01", "13/13/2019", "31/04/19", "1/2/3", "07.01.2019"])
def test_a_british_date_is_day_before_month(text):
    """A thirteenth month is refused rather than swapped with the day."""
    with pytest.raises(RowRefused, match="date"):
        british_day(text)


def test_a_time_may_be_missing_but_not_wrong():
    """Nothing means no time; 25:00 is refused."""
    assert time_of_day("") is None
    assert time_of_day("9:05") == dt.time(9, 5)
    for text in ("25:00", "12:60", "noon"):
        with pytest.raises(RowRefused, match="HH:MM"):
            time_of_day(text)


def test_numbers_are_numbers():
    """Counts are whole and finite, and the message names the column."""
    assert count("3.0", "FTHG") == 3
    assert count("", "FTHG") is None
    assert real("1.85", "xg1") == 1.85
    for text in ("2.5", "two", "nan", "inf"):
        with pytest.raises(RowRefused, match="FTHG"):
            count(text, "FTHG")
