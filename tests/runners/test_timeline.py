"""States move forward by replay and are a pure function of the store, bit for bit what training saw."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_world import CUT_OFF, HELD_OUT

from features.matches import MatchTable
from features.transform import MatchFeatures
from runners.kept_past import KeptPast
from runners.played import Played, first_difference
from runners.replay import in_replay_order, replay, thinned
from runners.timeline import Base, Timeline
from store.reads import data_digest

CUT_OFF_DAY = int(np.datetime64(CUT_OFF, "D").astype(int))


@pytest.fixture(scope="module")
def played(home) -> MatchTable:
    return in_replay_order(home.matches)


@pytest.fixture(scope="module")
def learned(played):
    """What training sees: a state walked through everything, and every match's features."""
    state = MatchFeatures()
    return state, state.update(played).values


@pytest.fixture(scope="module")
def base(played) -> Base:
    known = played.take(played.day < CUT_OFF_DAY)
    return Base(MatchFeatures().fit(known), data_digest(known), len(known))


def with_goals(table: MatchTable, row: int, goals: float) -> MatchTable:
    changed = table.home_goals.copy()
    changed[row] = goals
    return replace(table, home_goals=changed)


def assert_same(timeline: Timeline, other: Timeline) -> None:
    """Assert that two timelines know and show the same, bit for bit."""
    assert timeline.current.digest == other.current.digest
    assert timeline.degraded == other.degraded
    for row in range(len(timeline.table)):
        one, two = timeline.described(row), other.described(row)
        assert (one.version, one.newest) == (two.version, two.newest)
        np.testing.assert_array_equal(one.values, two.values)


def test_served_features_of_a_held_out_season_are_those_of_training(base, played, learned):
    """
    Matches that came after the cut-off show the bits that walking through the whole history shows.
    """
    timeline = Timeline.begin(base, Played.of(played))
    state, values = learned
    held_out = np.flatnonzero(played.season == HELD_OUT)

    assert len(held_out) == 168
    assert timeline.current.digest == state.digest
    for row in held_out:
        np.testing.assert_array_equal(timeline.described(int(row)).values, values[row])


def test_matches_of_long_ago_show_the_same_bits_once_recalled(base, played, learned):
    """
    Matches before the cut-off are replayed when first asked for, and show what training saw of them.
    """
    timeline = Timeline.begin(base, Played.of(played))

    assert not timeline.is_row_at_hand(0)
    np.testing.assert_array_equal(timeline.described(0).values, learned[1][0])
    assert timeline.is_row_at_hand(0)
    assert timeline.described(0).newest is None
    assert timeline.described(0).version == MatchFeatures().digest


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_state_of_the_past_knows_the_earlier_days_and_no_more(base, played, share):
    """
    The state before a day is the one that learned the results of earlier days, from whatever it was moved.
    """
    timeline = Timeline.begin(base, Played.of(played))
    day = int(played.day[int(share * len(played))])
    earlier = MatchFeatures().fit(played.take(played.day < day))

    state = timeline.state_before(day)

    assert state.digest == earlier.digest
    assert timeline.state_at_hand(day) is state
    assert timeline.newest_kickoff(state) == played.kickoff[played.day < day].max()


def test_remembered_states_of_the_past_forget_what_was_corrected(base, played):
    """
    A state remembered from after a correction is made anew; one from before it shows what it showed.
    """
    days = np.unique(played.day)
    before, after = int(days[-24]), int(days[-8])
    timeline = Timeline.begin(base, Played.of(played))
    kept, stale = timeline.state_before(before), timeline.state_before(after)
    corrected = with_goals(played, int(np.searchsorted(played.day, days[-16])), 9.0)

    moved = timeline.advanced(Played.of(corrected))

    assert moved.state_at_hand(after) is None
    assert moved.state_before(before).digest == kept.digest
    assert moved.state_before(after).digest == MatchFeatures().fit(corrected.take(corrected.day < after)).digest
    assert moved.state_before(after).digest != stale.digest


def test_a_day_to_come_is_described_from_the_current_state(base, played):
    """
    After the newest result there is only the current state, and it is at hand.
    """
    timeline = Timeline.begin(base, Played.of(played))

    assert timeline.state_at_hand(int(played.day.max()) + 1) is timeline.current


def test_new_results_move_the_state_forward(base, played):
    """
    Results that come day after day lead to the same state as all at once.
    """
    days = np.unique(played.day)
    timeline = Timeline.begin(base, Played.of(played.take(played.day < days[-5])))
    for day in days[-5:]:
        timeline = timeline.advanced(Played.of(played.take(played.day <= day)))

    assert_same(timeline, Timeline.begin(base, Played.of(played)))


def test_nothing_new_changes_nothing(base, played):
    """
    The same table leaves the very same timeline.
    """
    timeline = Timeline.begin(base, Played.of(played))

    assert timeline.advanced(Played.of(in_replay_order(played))) is timeline


@pytest.mark.parametrize("row", [-1, -40, 5])
def test_a_corrected_result_is_replayed(base, played, row):
    """
    A correction, also of a match that the model was trained on, leads where the corrected history leads.
    """
    corrected = with_goals(played, row, 9.0)

    timeline = Timeline.begin(base, Played.of(played)).advanced(Played.of(corrected))

    assert timeline.current.digest == MatchFeatures().fit(corrected).digest
    assert_same(timeline, Timeline.begin(base, Played.of(corrected)))


def test_the_store_overrules_the_saved_state(base, played):
    """
    Where the store tells otherwise of matches before the cut-off, everything is replayed from nothing.
    """
    corrected = with_goals(played, 3, 7.0)
    timeline = Timeline.begin(base, Played.of(corrected))

    assert timeline.first == 0
    assert timeline.current.digest == MatchFeatures().fit(corrected).digest
    assert timeline.degraded == ()
    assert timeline.advanced(Played.of(played)).current.digest == MatchFeatures().fit(played).digest


def test_a_store_that_lost_the_past_keeps_the_saved_state(base, played):
    """
    An empty store knows less than the model: the saved state serves, says so, and learns what comes.
    """
    empty = Timeline.begin(base, Played.of(played.take(slice(0, 0))))
    recent = played.take(played.day >= CUT_OFF_DAY)

    assert empty.current.digest == base.state.digest
    assert empty.degraded[0].startswith(f"store_incomplete: the match store holds 0 of the {base.data_matches}")
    assert empty.newest_kickoff(empty.current) == base.state.last_day * 86_400
    after = empty.advanced(Played.of(recent))
    assert after.current.matches_known == len(played)
    assert after.degraded == empty.degraded
    assert empty.advanced(Played.of(played)).degraded == ()


def test_the_newest_results_are_told_by_competition_and_team(base, played):
    """
    The newest day before a day, of a competition and of a team; none before the first.
    """
    timeline = Timeline.begin(base, Played.of(played))
    mine = played.day[played.competition == "qa.1"]

    assert timeline.newest_day("qa.1", int(mine.max()) + 1) == mine.max()
    assert timeline.newest_day("qa.1", int(mine.max())) < mine.max()
    assert timeline.newest_day("qa.1", int(mine.min())) is None
    assert timeline.newest_day("zz.1", 99_999) is None
    assert (
        timeline.newest_team_day("qa:Arvenholt")
        == played.day[(played.home == "qa:Arvenholt") | (played.away == "qa:Arvenholt")].max()
    )


def test_a_base_of_nothing_replays_everything(played, learned):
    """
    A timeline without a saved state learns the whole table.
    """
    timeline = Timeline.begin(Base.nothing(learned[0]), Played.of(played))

    assert timeline.first == 0
    assert timeline.current.digest == learned[0].digest
    assert timeline.newest_kickoff(MatchFeatures()) is None


def test_checkpoints_are_few_and_reach_back(played):
    """
    A replay leaves a state every so many matches and two of the last days; no two of one day.
    """
    done = replay(MatchFeatures(), played, spacing=200)
    kept = thinned((*done.checkpoints, *done.checkpoints), done.state.last_day, spacing=200)

    assert [state.last_day for state in kept] == sorted({state.last_day for state in done.checkpoints})
    assert 5 <= len(kept) <= 2 + len(played) // 200 + 1
    assert kept[-1].last_day < done.state.last_day


def test_differences_are_found_in_every_column(played):
    """
    The first row that differs is told whichever column it differs in; unknown numbers equal unknown numbers.
    """
    few = played.take(slice(0, 6))

    assert first_difference(few, few.take(slice(None))) is None
    assert first_difference(few, few.take(slice(0, 4))) == 4
    for field in fields(MatchTable):
        column = getattr(few, field.name).copy()
        column[3] = "other" if column.dtype == object else ~column[3] if column.dtype == bool else 77
        assert first_difference(few, replace(few, **{field.name: column})) == 3


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_order_of_arrival_leads_to_the_same_states(home, data):
    """
    However results arrive, are corrected or withdrawn, the timeline equals the one of the final store.
    """
    table = in_replay_order(home.matches)
    table = table.take((table.competition == "qb.1") & (table.season >= "2023-24"))
    known = table.take(table.day < CUT_OFF_DAY)
    base = Base(MatchFeatures().fit(known), data_digest(known), len(known))
    timeline = Timeline.begin(base, Played.of(table.take(table.day < CUT_OFF_DAY + 30)))
    for _ in range(data.draw(st.integers(1, 3))):
        kept = np.ones(len(table), dtype=bool)
        kept[data.draw(st.lists(st.integers(0, len(table) - 1), max_size=6))] = False
        current = with_goals(table, data.draw(st.integers(0, len(table) - 1)), float(data.draw(st.integers(0, 5))))
        current = current.take(kept)
        timeline = timeline.advanced(Played.of(current))

    assert_same(timeline, Timeline.begin(base, Played.of(current)))


def test_a_kept_past_is_that_of_the_matches_it_was_made_of(base, played, tmp_path):
    """
    A timeline leaves its replay under the digest of its own old matches, those that the model was trained on; one of a
    store that says otherwise does not read it.
    """
    kept = KeptPast(tmp_path / "past", "code")
    plain = Timeline.begin(base, Played.of(played))
    other = Timeline.begin(base, Played.of(with_goals(played, 3, 9.0)))

    plain.past.recall(kept)

    assert len(plain.past.table) > 0
    assert kept.read(data_digest(plain.past.table), MatchFeatures) is not None
    assert len(other.past.table) == 0
