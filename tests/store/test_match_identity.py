"""The identity of a match: what it depends on, and how repeated pairings are told apart."""

from store.identity import Appointment, assign_legs, is_repeat, match_id, playing_order, round_number

DAY = 86_400


def played(round_name, day):
    return Appointment(round_name, None if day is None else day * DAY, is_played=True)


def open_fixture(round_name, day):
    return Appointment(round_name, None if day is None else day * DAY, is_played=False)


def test_an_id_is_short_plain_and_differs_by_every_part():
    """Sixteen lower-case letters and digits; another competition, season, side or leg is another match."""
    ids = {
        match_id("de.1", "2015-16", "de:A", "de:B", 1),
        match_id("de.2", "2015-16", "de:A", "de:B", 1),
        match_id("de.1", "2016-17", "de:A", "de:B", 1),
        match_id("de.1", "2015-16", "de:B", "de:A", 1),
        match_id("de.1", "2015-16", "de:A", "de:B", 2),
    }

    assert len(ids) == 5
    assert all(len(text) == 16 and text.isalnum() and text == text.lower() for text in ids)


def test_numbered_rounds_order_the_legs_before_dates():
    """A match of round 3 that was put off until after round 21 is still the first leg."""
    rows = [played("Matchday 21", 100), played("Matchday 3", 130)]

    assert playing_order(rows) == [1, 0]
    assert assign_legs(rows, []) == [2, 1]


def test_dates_order_the_legs_when_a_round_has_no_number():
    """With one named round among them, the calendar decides; unknown dates come last."""
    rows = [played("Final", 50), open_fixture("Matchday 9", None), played("Matchday 30", 20)]

    assert assign_legs(rows, []) == [2, 3, 1]


def test_the_round_number_is_the_last_number_of_the_name():
    """Names such as "1. Phase, Matchday 4" count by the matchday."""
    assert round_number("1. Phase, Matchday 4") == 4
    assert round_number(None) is None


def test_same_round_wins_over_same_date():
    """Two legs that swapped their dates keep their numbers, for the rounds say which is which."""
    stored = [(1, played("Matchday 3", 10)), (2, played("Matchday 21", 100))]

    assert assign_legs([played("Matchday 21", 10), played("Matchday 3", 100)], stored) == [2, 1]


def test_same_date_settles_rows_without_rounds():
    """A source without rounds is matched by date, in whatever order its rows come."""
    stored = [(1, played("Matchday 3", 10)), (2, played("Matchday 21", 100))]

    assert assign_legs([played(None, 100), played(None, 10)], stored) == [2, 1]


def test_the_only_unplayed_leg_takes_a_row_that_matches_nothing():
    """A result on an unexpected day belongs to the leg that is still open, not to the nearest one."""
    stored = [(1, played("Matchday 3", 10)), (2, open_fixture("Matchday 21", 100))]

    assert assign_legs([played(None, 12)], stored) == [2]


def test_the_nearest_date_decides_between_played_legs():
    """Between two played legs the one nearer in time is meant."""
    stored = [(1, played(None, 10)), (2, played(None, 100))]

    assert assign_legs([played(None, 98)], stored) == [2]


def test_another_round_months_later_is_a_new_leg():
    """Both played, another round, more than 30 days apart: two matches."""
    stored = [(1, played("Matchday 3", 10))]

    assert assign_legs([played("Matchday 21", 100)], stored) == [2]
    assert assign_legs([played("Matchday 21", 12)], stored) == [1]
    assert assign_legs([played(None, 100)], stored) == [1]


def test_an_undated_fixture_becomes_the_dated_one():
    """A row with a date finds the stored fixture without one."""
    assert assign_legs([open_fixture("Matchday 1", 10)], [(1, open_fixture(None, None))]) == [1]


def test_rows_repeat_each_other_by_round_or_by_date():
    """Without a common round or date, two rows of a pairing are two matches."""
    assert is_repeat(played("Matchday 3", 10), played("Matchday 3", 99))
    assert is_repeat(played(None, 10), played("Matchday 3", 10))
    assert not is_repeat(played("Matchday 3", 10), played("Matchday 21", 99))
    assert not is_repeat(played(None, None), played(None, None))
