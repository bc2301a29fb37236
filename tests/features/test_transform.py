"""The contract of the transform: one arithmetic for one fixture and for many, for training and for serving."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from itertools import pairwise
from math import exp

import numpy as np
import pytest
from feature_world import FIRST_DAY, after, changed, described, match, random_matches, same_bits, table
from hypothesis import given, settings
from hypothesis import strategies as st

from features.matches import MatchTable
from features.registry import BY_NAME, NAMES, NEVER_MISSING
from features.transform import MatchFeatures, OutOfOrder

seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def state():
    """A state that has learned a random league."""
    return MatchFeatures().fit(random_matches(1, days=60))


@pytest.fixture(scope="module")
def fixtures():
    """Two hundred fixtures, later than that league, some with clubs, competitions and seasons never seen."""
    matches = random_matches(2, days=120, clubs=14).without_results()
    return replace(matches, kickoff=matches.kickoff + 3000 * 86_400).take(slice(0, 200))


def between(matches, first, end):
    """The matches of days from first up to, not including, end."""
    return matches.take((matches.day >= first) & (matches.day < end))


def test_one_fixture_has_the_bits_of_its_row_among_many(state, fixtures):
    """
    Every row of a table equals the same fixture described alone.
    """
    many = state.transform(fixtures).values

    alone = np.array([state.transform_one(fixtures.take([row])) for row in range(len(fixtures))])

    assert len(fixtures) == 200
    assert same_bits(alone, many)


def test_the_size_of_a_table_changes_no_bit(state, fixtures):
    """
    A slice of any length from 1 to 200 is described as the same rows of the whole table.
    """
    many = state.transform(fixtures).values
    rng = np.random.default_rng(3)

    for length in range(1, 201):
        start = int(rng.integers(0, 201 - length))
        rows = slice(start, start + length)
        assert same_bits(state.transform(fixtures.take(rows)).values, many[rows]), length


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_training_and_serving_give_the_same_bits(seed):
    """
    What update says of a day's matches is what transform says of them as fixtures the evening before.
    """
    matches = random_matches(seed)
    trained = MatchFeatures().update(matches)
    serving = MatchFeatures()

    for day in np.unique(matches.day):
        rows = matches.day == day
        served = serving.transform(matches.take(rows).without_results())
        assert changed(served, trained.take(rows)) == set()
        serving.update(matches.take(rows & matches.played))


@settings(max_examples=25, deadline=None)
@given(seeds, st.data())
def test_update_may_be_split_at_any_days(seed, data):
    """
    Learning in one call or in pieces gives the same rows, the same digest and the same state.
    """
    matches = random_matches(seed)
    days = st.integers(int(matches.day.min()), int(matches.day.max()))
    cuts = [0, *sorted(data.draw(st.lists(days, min_size=1, max_size=4))), 2**31]
    whole, pieces = MatchFeatures(), MatchFeatures()

    frame = whole.update(matches)
    parts = [pieces.update(between(matches, *ends)) for ends in pairwise(cuts)]

    in_pieces = np.empty_like(frame.values)
    for part, (first, end) in zip(parts, pairwise(cuts), strict=True):
        in_pieces[(matches.day >= first) & (matches.day < end)] = part.values
    assert same_bits(in_pieces, frame.values)
    assert pieces.digest == whole.digest
    assert (pieces.last_day, pieces.matches_known) == (whole.last_day, whole.matches_known)
    later = replace(matches, kickoff=matches.kickoff + 10**8).without_results()
    assert same_bits(pieces.transform(later).values, whole.transform(later).values)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_order_of_rows_does_not_matter(seed):
    """
    A shuffled table gives the shuffled rows and the same digest.
    """
    matches = random_matches(seed)
    order = np.random.default_rng(seed).permutation(len(matches))
    straight, shuffled = MatchFeatures(), MatchFeatures()

    frame = straight.update(matches)
    mixed = shuffled.update(matches.take(order))

    assert same_bits(mixed.values, frame.values[order])
    assert shuffled.digest == straight.digest


def test_transform_changes_nothing(state, fixtures):
    """
    Describing fixtures, also of clubs never seen, leaves every byte of the state, and the table, as they were.
    """
    before, table_before = pickle.dumps(state), pickle.dumps(fixtures)

    state.transform(fixtures)
    state.transform_one(fixtures.take([0]))

    assert pickle.dumps(state) == before
    assert pickle.dumps(fixtures) == table_before
    assert not state.knows_team("xx:Club 13")


def test_update_leaves_its_table_alone():
    """
    Learning a table changes none of its columns.
    """
    matches = random_matches(5)
    before = pickle.dumps(matches)

    MatchFeatures().update(matches)

    assert pickle.dumps(matches) == before


def test_a_copy_moves_on_its_own(state, fixtures):
    """
    A copy that learns more leaves the original as it was, to the byte.
    """
    before = pickle.dumps(state)

    moved = state.copy()
    moved.update(replace(fixtures, home_goals=np.ones(200), away_goals=np.zeros(200)))

    assert pickle.dumps(state) == before
    assert moved.digest != state.digest
    assert moved.matches_known == state.matches_known + 200


def test_fit_forgets_what_was_known(state):
    """
    Fitting a used state gives what fitting a new one gives.
    """
    matches = random_matches(6)

    used, new = state.copy().fit(matches), MatchFeatures().fit(matches)

    assert used.digest == new.digest
    later = replace(matches, kickoff=matches.kickoff + 10**9)
    assert same_bits(used.transform(later).values, new.transform(later).values)


def test_goals_of_the_fixtures_are_not_looked_at(state, fixtures):
    """
    A fixture is described alike whatever result and xG its row carries.
    """
    known = replace(fixtures, home_goals=np.full(200, 9.0), away_goals=np.zeros(200), home_xg=np.full(200, 4.0))

    assert same_bits(state.transform(known).values, state.transform(fixtures).values)


def test_the_columns_are_those_of_the_registry(state, fixtures):
    """
    Names, and their order, come from the registry alone; update and transform agree.
    """
    assert state.names == NAMES == state.transform(fixtures).names == MatchFeatures().update(fixtures).names
    assert len(set(NAMES)) == len(NAMES)


def out_of_range(frame):
    """Names of features with a value outside the registry's range, or missing against its rule."""
    wrong = set()
    for name, column in zip(frame.names, frame.values.T, strict=True):
        feature, known = BY_NAME[name], column[~np.isnan(column)]
        if ((known < feature.minimum) | (known > feature.maximum)).any():
            wrong.add(name)
        if feature.missing == NEVER_MISSING and len(known) < len(column):
            wrong.add(name)
    return wrong


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_values_lie_in_the_registry_s_range_or_are_missing_by_its_rule(seed):
    """
    In random leagues every value of every feature is in range, and those never missing never are; later and earlier
    dates than the state's change nothing about that.
    """
    matches = random_matches(seed)
    state = MatchFeatures()

    frames = [state.update(matches), state.transform(matches)]
    frames.append(state.transform(replace(matches, kickoff=matches.kickoff + 10**9)))

    for frame in frames:
        assert out_of_range(frame) == set()


def test_the_range_check_can_fail(state, fixtures):
    """
    One value out of range and one missing value are found by name.
    """
    frame = state.transform(fixtures)
    frame.replace(3, {"elo_home": 3001.0, "draw_rate": float("nan")})

    assert out_of_range(frame) == {"elo_home", "draw_rate"}


def test_older_results_are_refused_with_both_dates():
    """
    The error names the day given, the day known and what to do, and nothing is learned.
    """
    state = after(match("a", "b", 1, 0, day=10))
    digest = state.digest

    with pytest.raises(OutOfOrder, match=r"2016-07-30.*2016-07-30.*older than the oldest result"):
        state.update(table(match("c", "d", 1, 0, day=20), match("a", "c", 1, 0, day=10)))
    with pytest.raises(OutOfOrder, match=r"results of 2016-07-25 were given, but the state already knows 2016-07-30"):
        state.update(table(match("a", "c", 1, 0, day=5)))

    assert (state.digest, state.matches_known) == (digest, 1)


def test_fixtures_without_a_result_are_never_out_of_order():
    """
    Unplayed matches of any day are described, learned from never, and move the last known day nowhere.
    """
    state = after(match("a", "b", 1, 0, day=10))

    frame = state.update(table(match("a", "b", day=5), match("a", "b", day=50)))
    state.update(table(match("a", "c", 1, 0, day=11)))

    assert len(frame) == 2
    assert state.last_day == FIRST_DAY + 11
    assert state.matches_known == 2


def test_what_was_never_seen_is_described_by_priors():
    """
    Unknown clubs in an unknown competition and season have the ratings of a new club, no form, and no error.
    """
    state = after(match("a", "b", 1, 0, day=0))

    features = described(state, match("?", "!", day=9, competition="yy.2", season="?"))

    assert (features["elo_home"], features["elo_away"]) == (1250, 1250)
    assert features["pi_goal_difference"] == 0
    assert features["goals_attack_home"] == pytest.approx(exp(-0.35))
    assert features["matches_known_home"] == features["season_matches_away"] == features["newcomer_home"] == 0


def test_a_club_is_known_once_it_was_learned():
    """
    A club of a learned match is known, one that was only asked about is not.
    """
    state = after(match("a", "b", 1, 0, day=0))
    state.transform(table(match("a", "z", day=9)))

    assert state.knows_team("a")
    assert not state.knows_team("z")


@pytest.mark.parametrize("method", ["update", "transform"])
def test_an_empty_table_gives_an_empty_frame(state, method):
    """
    No match is no row and no change.
    """
    moved = state.copy()

    frame = getattr(moved, method)(table())

    assert frame.values.shape == (0, len(NAMES))
    assert pickle.dumps(moved) == pickle.dumps(state.copy())


def test_a_club_against_itself_does_no_harm():
    """
    A row that names one club twice is described and learned without an error, and within range.
    """
    state = after(match("a", "a", 2, 1, day=0), match("a", "b", 1, 0, day=0))

    frame = state.transform(table(match("a", "a", day=7), match("b", "a", day=7)))

    assert out_of_range(frame) == set()


@pytest.mark.parametrize("rows", [0, 2])
def test_transform_one_takes_one_match(state, fixtures, rows):
    """
    A table of another length is refused with its length and the way out.
    """
    with pytest.raises(ValueError, match=rf"one match, not of {rows}; use transform"):
        state.transform_one(fixtures.take(slice(0, rows)))


@pytest.mark.parametrize(
    "change",
    [{"home_goals": [2.0]}, {"away_goals": [1.0]}, {"home_xg": [1.0]}, {"kickoff": [(FIRST_DAY + 1) * 86_400]},
     {"match_id": ["other"]}, {"neutral": [True]}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_the_digest_names_everything_that_was_learned(change):
    """
    Two states that learned different facts have different digests.
    """
    learned = table(match("a", "b", 1, 0, day=0))
    columns = {field.name: getattr(learned, field.name) for field in fields(MatchTable)}
    other = MatchTable(**columns | {name: np.array(value) for name, value in change.items()})

    assert MatchFeatures().fit(other).digest != MatchFeatures().fit(learned).digest
