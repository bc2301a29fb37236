"""What follows a change is, in every part, what is made anew from all matches; what has not changed is shared."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_versions import shelve
from small_world import CLUBS, PROMISED, fill, record, results, train

from features.matches import MatchTable
from runners import played as in_steps
from runners import snapshot as rows_in_steps
from runners.loading import load
from runners.places import Places
from runners.played import Played
from runners.replay import in_replay_order
from runners.snapshot import Snapshot
from runners.world import follow_world, read_world
from store.database import open_store
from store.reads import MatchRow, TeamRow
from store.records import Status
from store.teams import TeamDirectory, add_alias
from store.writes import save

CODES = ("qa.1", "qb.1", "qc.2")
TEAMS = tuple(f"q:{letter}" for letter in "ABCDEFG")

few = st.integers(0, 6)
match_rows = st.builds(
    lambda key, code, year, day, home, away, goals: MatchRow(
        match_id=f"m{key:02}",
        competition=CODES[code],
        season=f"{2020 + year}",
        kickoff=None if day is None else day * 40_000,
        is_date_only=False,
        home=TEAMS[home],
        away=TEAMS[(home + 1 + away) % len(TEAMS)],
        status="scheduled" if goals is None else "played",
        home_goals=goals,
        away_goals=goals,
        neutral_venue=False,
        source_home="",
        source_away="",
    ),
    key=st.integers(0, 30),
    code=st.integers(0, 2),
    year=st.integers(0, 2),
    day=st.none() | st.integers(0, 12),
    home=few,
    away=st.integers(0, 5),
    goals=st.none() | st.integers(0, 3),
)
by_id = st.lists(match_rows, max_size=25).map(lambda rows: {row.match_id: row for row in rows})


def table_of(rows) -> MatchTable:
    rows = list(rows)
    goals = [np.nan if row.home_goals is None else row.home_goals for row in rows]
    return MatchTable.from_columns(
        match_id=[row.match_id for row in rows],
        competition=[row.competition for row in rows],
        season=[row.season for row in rows],
        kickoff=[2**62 if row.kickoff is None else row.kickoff for row in rows],
        home=[row.home for row in rows],
        away=[row.away for row in rows],
        home_goals=goals,
        away_goals=goals,
    )


def snapshot_of(rows, revision=1) -> Snapshot:
    return Snapshot(rows, [TeamRow("q:A", "q", "A")], TeamDirectory(), revision)


@pytest.fixture(scope="module", autouse=True)
def short_steps():
    """Small worlds have steps too."""
    before = in_steps.ROWS_IN_STEP, rows_in_steps.ROWS_IN_STEP
    in_steps.ROWS_IN_STEP = rows_in_steps.ROWS_IN_STEP = 4
    yield
    in_steps.ROWS_IN_STEP, rows_in_steps.ROWS_IN_STEP = before


def assert_same_table(one: MatchTable, other: MatchTable) -> None:
    for field in fields(MatchTable):
        left, right = getattr(one, field.name), getattr(other, field.name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


def assert_same_played(one: Played, other: Played) -> None:
    assert_same_table(one.table, other.table)
    assert (one.days, one.newest, one.days_of, one.team_day) == (
        other.days,
        other.newest,
        other.days_of,
        other.team_day,
    )
    assert [one.row_of.get(text) for text in other.table.match_id] == list(range(len(other)))
    assert len(one.row_of) == len(other.row_of)


def assert_same_snapshot(one: Snapshot, other: Snapshot) -> None:
    assert one.rows == other.rows
    assert one.revision == other.revision
    for name in ("kickoffs", "_statuses"):
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    assert [one._position.get(row.match_id) for row in other.rows] == list(range(len(other)))
    assert len(one._position) == len(other._position)
    for name in ("_of_competition", "_of_team"):
        left, right = getattr(one, name), getattr(other, name)
        assert {key: group.tolist() for key, group in left.items()} == {
            key: group.tolist() for key, group in right.items()
        }
    assert one._spans == other._spans
    assert list(one._competitions.items()) == list(other._competitions.items())


@settings(max_examples=300, deadline=None)
@given(by_id, st.lists(by_id, min_size=1, max_size=3))
def test_followed_matches_are_those_made_anew(rows, changes):
    """
    Whatever comes, moves, is corrected or withdrawn: tables, indexes and snapshots equal those of the final rows.
    """
    known = dict(rows)
    played, snapshot = Played.of(in_replay_order(table_of(known.values()))), snapshot_of(known.values())
    for number, changed in enumerate(changes, 2):
        known |= changed
        before = played
        played, same = played.followed(table_of(changed.values()))
        snapshot = snapshot.followed(list(changed.values()), snapshot._team_rows, snapshot.directory, number)
        assert_same_table(played.table.take(slice(0, same)), before.table.take(slice(0, same)))
    assert_same_played(played, Played.of(in_replay_order(table_of(known.values()))))
    assert_same_snapshot(snapshot, snapshot_of(known.values(), len(changes) + 1))


def test_what_did_not_change_leaves_the_very_same_matches():
    """
    A change that says nothing new of played matches makes no new table.
    """
    table = table_of([MatchRow("m1", "qa.1", "2020", 0, False, "q:A", "q:B", "played", 1, 1, False, "", "")])
    played = Played.of(table)

    assert played.followed(table)[0] is played
    assert (
        played.followed(replace(table, match_id=np.array(["new"], dtype=object), home_goals=np.array([np.nan])))[0]
        is played
    )


def test_a_snapshot_is_not_changed_by_the_one_that_follows():
    """
    Whoever still looks at the older snapshot sees what he saw.
    """
    row = MatchRow("m1", "qa.1", "2020", 86_400, False, "q:A", "q:B", "scheduled", None, None, False, "", "")
    later = row._replace(match_id="m2", kickoff=2 * 86_400, home="q:C")
    before = snapshot_of([row, later])
    result = row._replace(status="played", home_goals=1, away_goals=0)

    corrected = before.followed([result], before._team_rows, before.directory, 2)
    moved = before.followed([result._replace(kickoff=3 * 86_400)], before._team_rows, before.directory, 2)

    assert_same_snapshot(before, snapshot_of([row, later]))
    assert corrected._of_team is before._of_team
    assert [one.match_id for one in moved.rows] == ["m2", "m1"]
    assert moved._of_team["q:C"].tolist() == [0]


def test_texts_keep_their_places_in_the_older_places():
    """
    The next places are new ones; the older ones say what they said.
    """
    before = Places().moved((), ["a", "b"], 0)
    after = before.moved(["a"], ["b"], 0)

    assert (before.get("a"), before.get("b")) == (0, 1)
    assert ("a" in after, after.get("b"), len(after)) == (False, 0, 1)


@pytest.fixture
def full_steps(tmp_path):
    """A store of its own, to be changed."""
    url = f"sqlite:///{tmp_path}/m.sqlite"
    fill(url, results())
    opened = open_store(url)
    yield opened
    opened.dispose()


def assert_same_states(one, other) -> None:
    assert one.degraded == other.degraded
    assert one.current.digest == other.current.digest
    assert_same_played(one.played, other.played)
    for row in range(0, len(one.table), 3):
        left, right = one.described(row), other.described(row)
        assert (left.version, left.newest) == (right.version, right.newest)
        assert left.values.tobytes() == right.values.tobytes()


def test_a_followed_world_is_the_one_that_is_read_anew(home, full_steps):
    """
    Day after day of new, late, moved, corrected and withdrawn results and new names: bit for bit what a fresh read gives.
    """
    spare = load(shelve(home, train(home.matches, name="spare", seed=4), "follower"))
    narrow = replace(
        spare, name="narrow", arithmetic="narrow", artifact=replace(spare.artifact, competitions=["qa.1", "qb.1"])
    )
    models = [load(home.tag), spare, narrow]
    world = read_world(full_steps, models).completed()
    late = dt.datetime(2022, 1, 1, 12, tzinfo=dt.UTC)
    home_club, away_club = CLUBS["qb.1"][:2]
    steps = (
        [record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor", [1, 0])],
        [record("qb.1", "2025-26", PROMISED + dt.timedelta(days=1), home_club, away_club)],
        [record("qb.1", "2025-26", PROMISED + dt.timedelta(days=2), home_club, away_club, [2, 2])],
        [record("qc.1", "2021-22", late, "Quarry", "Newcomers", [0, 3])],
        [record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor", [1, 0], source="another")],
        [record("qd.1", "2025-26", PROMISED, "Zeltingen", "Ahrweiler", [1, 0])],
        [record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor", status=Status.POSTPONED)],
    )
    for number, records in enumerate(steps):
        save(full_steps, records, may_register_teams=True)
        if number == 4:
            add_alias(full_steps, "qa", "The Arvens", "Arvenholt")
        world = follow_world(full_steps, world, models).completed()
        fresh = read_world(full_steps, models).completed()

        assert world.standing == fresh.standing
        assert_same_snapshot(world.snapshot, fresh.snapshot)
        assert_same_played(world.played, fresh.played)
        assert world.timelines[models[0].tag] is world.timelines[spare.tag]
        for model in models:
            one, other = world.timelines[model.tag], fresh.timelines[model.tag]
            assert_same_states(one.own, other.own)
            assert (one.wide is None) == (other.wide is None)
            if one.wide is not None:
                assert_same_states(one.wide, other.wide)
    assert world.snapshot.resolve("qa.1", "The Arvens", path="$") == "qa:Arvenholt"


def test_a_followed_world_shares_what_did_not_change(home, full_steps):
    """
    A fixture that is announced changes no table and no state; names that nobody added are not read again.
    """
    models = [load(home.tag)]
    world = read_world(full_steps, models)
    known = dict.fromkeys(CLUBS["qa.1"])
    save(full_steps, [record("qa.1", "2025-26", PROMISED, *list(known)[:2])], may_register_teams=True)

    after = follow_world(full_steps, world, models)

    assert after.played is world.played
    assert after.timelines[home.tag].own is world.timelines[home.tag].own
    assert after.snapshot.directory is world.snapshot.directory
    assert len(after.snapshot) == len(world.snapshot) + 1
