"""Dates that cannot be: repaired by the rule, refused, or left alone when the match was merely postponed."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_league import round_robin

from ingest import openfootball
from ingest.repair import settle_dates
from ingest.round_order import longest_ascent, places
from ingest.seasons import window
from ingest.timezones import local_day
from store.records import MatchRecord

SEASON = "2019-20"


def _season(competition="xx.1", season=SEASON, rounds=12):
    """Two records a round, one round a week from 10 August."""
    first = dt.datetime(int(season[:4]), 8, 10, tzinfo=dt.UTC)
    (template,) = list(
        openfootball.read(json.dumps({"matches": round_robin(season)[:1]}).encode(), season, competition)
    )
    assert isinstance(template, MatchRecord)
    return [
        replace(
            template,
            kickoff=first + dt.timedelta(weeks=number),
            is_date_only=True,
            round=f"Matchday {number + 1}",
            home=f"Home {number} {pair}",
            origin=f"match {2 * number + pair + 1}",
        )
        for number in range(rounds)
        for pair in range(2)
    ]


def _on(record, day):
    return replace(record, kickoff=dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC))


def test_a_season_in_order_is_left_alone():
    """Good dates pass unchanged and unreported."""
    records = _season()

    settled = settle_dates(records)

    assert settled.records == records
    assert not settled.repairs
    assert not settled.rejects


def test_late_rounds_dated_before_the_first_are_moved_by_a_year():
    """Whole rounds whose year is wrong are told by the rounds that are in order, and every repair is reported."""
    records = _season()
    late = [_on(record, dt.date(2020, 7, 20 + at // 2)) for at, record in enumerate(records[-6:])]
    wrong = [_on(record, local_day(record).replace(year=2019)) for record in late]

    settled = settle_dates([*records[:-6], *wrong])

    assert settled.records == [*records[:-6], *late]
    assert [(r.given.year, r.used.year) for r in settled.repairs] == [(2019, 2020)] * 6
    assert "before" in settled.repairs[0].reason
    assert settled.repairs[0].origin == wrong[0].origin


def test_a_repaired_match_keeps_its_local_time():
    """Moving the year keeps the time on the clock, not the distance in seconds."""
    matches = round_robin("2015-16") * 1
    matches[4]["date"] = str(matches[4]["date"]).replace("2015", "2016")
    for at, match in enumerate(matches):
        match["round"] = f"Matchday {at // 2 + 1}"
    records = list(openfootball.read(json.dumps({"matches": matches}).encode(), "2015-16", "de.1"))

    settled = settle_dates(records)

    assert [repair.used for repair in settled.repairs] == [dt.date(2015, 9, 15)]
    assert settled.records[4].kickoff == dt.datetime(2015, 9, 15, 13, 30, tzinfo=dt.UTC)


def test_a_play_off_belongs_after_the_rounds_listed_before_it():
    """A named round has no number, but it cannot be played before the season that it ends."""
    records = _season()
    final = replace(records[-1], round="Europa League Finals, Final", home="Finalist")
    wrong = _on(final, dt.date(2019, 7, 15))
    season = [_on(r, local_day(r) + dt.timedelta(days=240)) for r in records]

    settled = settle_dates([*season, wrong])

    assert settled.records[-1] == _on(final, dt.date(2020, 7, 15))


def test_a_postponed_match_is_believed():
    """Half a season late is real (a cup, a virus, snow), so such a date stays as it is."""
    records = _season(rounds=20)
    records[6] = _on(records[6], dt.date(2020, 5, 30))

    settled = settle_dates(records)

    assert settled.records == records
    assert not settled.repairs


def test_a_match_brought_forward_by_three_months_is_believed():
    """Blackpool v Port Vale of matchday 43 was played 98 days before its round, so half a year is the limit."""
    records = [_on(r, local_day(r) + dt.timedelta(days=100)) for r in _season(rounds=20)]
    records[30] = _on(records[30], local_day(records[30]) - dt.timedelta(days=95))

    settled = settle_dates(records)

    assert settled.records == records


def test_a_match_long_before_its_round_is_refused():
    """Half a year ahead of its round and not repairable: the date would leak its result, so the row goes."""
    records = [_on(r, local_day(r) + dt.timedelta(days=200)) for r in _season()]
    records[20] = _on(records[20], dt.date(2019, 9, 20))

    settled = settle_dates(records)

    (reject,) = settled.rejects
    assert "before" in reject.reason
    assert reject.origin == records[20].origin
    assert len(settled.records) == len(records) - 1


def test_a_later_round_dated_before_the_first_is_refused_however_near():
    """Ten days are not half a year, but no fifth round is played before the first."""
    records = _season()
    records[9] = _on(records[9], dt.date(2019, 8, 1))

    settled = settle_dates(records)

    assert [reject.origin for reject in settled.rejects] == [records[9].origin]


def test_a_date_outside_its_season_is_refused_when_nothing_tells_its_place():
    """Without rounds a year is not repaired on suspicion."""
    records = [replace(record, round=None) for record in _season()]
    records[3] = _on(records[3], dt.date(2021, 8, 17))

    settled = settle_dates(records)

    (reject,) = settled.rejects
    assert "outside the season 2019-20 (2019-07-01 to" in reject.reason


def test_a_leap_day_has_no_day_a_year_on():
    """29 February cannot be moved by exactly one year, so it is refused rather than bent."""
    records = _season(season="2020-21")
    records[3] = _on(records[3], dt.date(2020, 2, 29))

    settled = settle_dates(records)

    assert len(settled.rejects) == 1
    assert not settled.repairs


def test_undated_fixtures_pass():
    """A fixture without a date has none that could be wrong."""
    records = [replace(_season()[0], kickoff=None)]

    assert settle_dates(records).records == records


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 23), st.integers(-800, 800)), max_size=6))
def test_no_date_is_kept_outside_its_window(moves):
    """Whatever happens to a few dates, every row is kept inside the window or refused, and none is lost."""
    records = _season()
    for at, days in moves:
        records[at] = _on(records[at], local_day(records[at]) + dt.timedelta(days=days))

    settled = settle_dates(records)

    assert all(local_day(record) in window("xx.1", SEASON) for record in settled.records)
    assert len(settled.records) + len(settled.rejects) == len(records)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 30), max_size=9))
def test_the_longest_ascent_is_as_long_as_any(values):
    """Compared with trying every subsequence."""

    def best(start, floor):
        return max((1 + best(at + 1, values[at]) for at in range(start, len(values)) if values[at] >= floor), default=0)

    found = longest_ascent(values)

    assert [values[at] for at in found] == sorted(values[at] for at in found)
    assert found == sorted(set(found))
    assert len(found) == best(0, -1)


@pytest.mark.parametrize(
    ("rounds", "weeks"),
    [
        (["Matchday 1", "Matchday 2", "Matchday 3"], [0, 1, 2]),
        (["Final", None, "Round of 16"], [2, 1, 0]),
        ([f"Matchday {number}" for number in range(1, 10)], [8, 1, 7, 2, 6, 3, 5, 4, 0]),
    ],
)
def test_too_few_rounds_in_order_tell_no_order(rounds, weeks):
    """Three rounds agree by chance, and so do four of nine; a place needs four, and more than half of them."""
    days = [dt.date(2019, 8, 1) + dt.timedelta(weeks=at) for at in weeks]

    assert not any(place.is_known for place in places(rounds, days))


def test_series_of_rounds_are_ordered_each_for_itself():
    """Apertura and Clausura both begin at matchday 1."""
    rounds = [f"{series}, Matchday {number}" for series in ("Apertura", "Clausura") for number in range(1, 6)]
    days = [dt.date(2019, 8, 1) + dt.timedelta(weeks=at) for at in range(5)]
    days += [dt.date(2020, 1, 10) + dt.timedelta(weeks=at) for at in range(5)]

    found = places(rounds, days)

    assert (found[1].first, found[1].last) == (days[0], days[2])
    assert (found[6].first, found[6].last) == (days[5], days[7])
    assert found[5].opening is None
    assert found[6].opening == days[5]
