"""The follower reads the store as of one instant, and tells a store from another one in its place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from small_world import PROMISED, record

from runners.follower import Follower
from store.database import open_store, reading
from store.reads import read_directory, standing
from store.teams import add_alias
from store.writes import save


def test_a_store_made_in_the_place_of_another_is_read_anew(engine, model, tmp_path):
    """
    A rebuilt store is read from its beginning although its revision is higher than the lost one's.
    """
    follower = Follower(str(engine.url), [model], poll_s=1.0)
    follower.look()
    read = follower.world
    rebuilt = open_store(f"sqlite:///{tmp_path}/rebuilt.sqlite")
    for number in range(read.snapshot.revision + 1):
        kickoff = PROMISED + dt.timedelta(days=number)
        teams = ("Arvenholt", "Brixmoor") if number % 2 else ("Brixmoor", "Arvenholt")
        save(rebuilt, [record("qa.1", f"{2030 + number}", kickoff, *teams, [1, 0])], may_register_teams=True)
    expected = standing(rebuilt)
    rebuilt.dispose()
    engine.dispose()
    for part in tmp_path.glob("matches.sqlite*"):
        part.unlink()
    (tmp_path / "rebuilt.sqlite").rename(Path(engine.url.database))

    follower.look()
    follower.stop()

    assert expected.revision > read.snapshot.revision
    assert follower.failures == 0
    assert follower.world.standing == expected
    assert len(follower.world.snapshot) == expected.revision < len(read.snapshot)


def test_reads_made_together_see_one_instant(engine):
    """
    What is saved between two reads of one transaction is seen by neither of them, and by the next one.
    """
    other = open_store(str(engine.url))
    with reading(engine):
        before = standing(engine)
        save(other, [record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor", [1, 0])], may_register_teams=True)
        played = [row.status for row in read_directory(engine)].count("played")
    other.dispose()

    assert [row.status for row in read_directory(engine)].count("played") == played + 1
    assert standing(engine).store_id == before.store_id
    assert standing(engine).revision == before.revision + 1


def test_a_world_changes_its_version_with_all_that_an_answer_depends_on(engine, model):
    """
    The version stays while nothing changes, and moves with what was left for later, a result, and an alias.
    """
    follower = Follower(str(engine.url), [model], poll_s=1.0)
    follower.look(is_first=True)
    versions = [follower.world.version(model.tag)]
    stranger = record("qd.1", "2024-25", PROMISED, "Zeltingen", "Ahrweiler", [1, 0])

    for change in (
        lambda: save(engine, [stranger], may_register_teams=True),
        lambda: save(
            engine, [record("qa.1", "2025-26", PROMISED, "Arvenholt", "Brixmoor", [1, 0])], may_register_teams=False
        ),
        lambda: add_alias(engine, "qa", "The Arvens", "Arvenholt"),
    ):
        change()
        follower.look()
        versions.append(follower.world.version(model.tag))
        follower.look()
        assert follower.world.version(model.tag) == versions[-1]
    follower.stop()

    assert len(set(versions)) == 4
    assert {len(version) for version in versions} == {32}


def test_what_is_left_for_later_changes_the_version_when_it_comes(engine, model):
    """
    A competition that the model was not trained on is answered otherwise once its timeline is there.
    """
    save(engine, [record("qd.1", "2024-25", PROMISED, "Zeltingen", "Ahrweiler", [1, 0])], may_register_teams=True)
    follower = Follower(str(engine.url), [model], poll_s=1.0)
    follower.look(is_first=True)
    before = follower.world
    follower.look()
    after = follower.world
    follower.stop()

    assert before.standing == after.standing
    assert before.version(model.tag) != after.version(model.tag)
