"""A replay of old matches that another process has done is read from its file, the same to the bit, or done again."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from features.matches import MatchTable
from features.transform import MatchFeatures
from runners.kept_past import KeptPast
from runners.past import Past
from runners.replay import Replayed, in_replay_order, replay
from store.reads import data_digest


@pytest.fixture(scope="module")
def played(home) -> MatchTable:
    return in_replay_order(home.matches)


@pytest.fixture(scope="module")
def done(played) -> Replayed:
    """A replay with several states on its way."""
    return replay(MatchFeatures(), played, spacing=150, keeps_recent_days=False)


@pytest.fixture
def kept(tmp_path, played, done) -> KeptPast:
    kept = KeptPast(tmp_path / "past", "code")
    assert kept.write(data_digest(played), done) is not None
    return kept


def values_file(kept: KeptPast):
    (file,) = kept.root.rglob("values.npy")
    return file


def test_what_is_read_is_what_was_written(kept, played, done):
    """
    Features, digests and states are the same to the bit, and a state goes on as the written one does.
    """
    read, values = kept.read(data_digest(played), MatchFeatures)

    every = list(range(len(played)))
    np.testing.assert_array_equal(values[every].view(np.int64), done.values.view(np.int64))
    assert read.versions.tolist() == done.versions.tolist()
    assert len(read.checkpoints) == len(done.checkpoints) >= 3
    for one, other in zip(read.checkpoints, done.checkpoints, strict=True):
        rest = played.take(played.day > other.last_day)
        assert (one.digest, one.last_day, one.matches_known) == (other.digest, other.last_day, other.matches_known)
        moved, expected = one.copy(), other.copy()
        np.testing.assert_array_equal(moved.update(rest).values, expected.update(rest).values)
        assert moved.digest == expected.digest


def test_a_second_process_replays_nothing(kept, played, done):
    """
    The past of the same matches is at hand without one of them being learned.
    """

    class Idle(MatchFeatures):
        def update(self, matches):
            raise AssertionError("a match was learned again")

    past = Past(Idle, played)
    recalled = past.recall(kept)

    assert past.is_recalled
    assert recalled.versions.tolist() == done.versions.tolist()
    np.testing.assert_array_equal(past.features([3, 77]), done.values[[3, 77]])


@pytest.mark.parametrize("what", ["other code", "another match", "another goal"])
def test_a_replay_of_something_else_is_not_used(kept, played, what):
    """
    What was kept holds for this code and these matches; for any other it is as if it were not there.
    """
    asked, table = kept, played
    if what == "other code":
        asked = KeptPast(kept.root, "other code")
    elif what == "another match":
        table = played.take(slice(1, None))
    else:
        table = dataclasses.replace(played, home_goals=played.home_goals.copy())
        table.home_goals[5] += 1

    assert asked.read(table, MatchFeatures) is None


def spoil(kept: KeptPast, how: str) -> None:
    file = values_file(kept)
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    if how == "one bit":
        file.write_bytes(content)
    elif how == "cut off":
        os.truncate(file, len(content) - 8)
    elif how == "states cut off":
        os.truncate(file.with_name("rest.npz"), 2_000)
    else:
        np.savez(file.with_name("rest.npz"), versions=np.array([object()]), allow_pickle=True)


@pytest.mark.parametrize("how", ["one bit", "cut off", "states cut off", "a pickle"])
def test_a_spoilt_file_is_not_believed_and_made_anew(kept, played, done, how):
    """
    The matches are replayed instead, with the same result, and the next process reads that.
    """
    spoil(kept, how)
    assert kept.read(data_digest(played), MatchFeatures) is None

    past = Past(MatchFeatures, played)
    past.recall(kept)

    np.testing.assert_array_equal(past.features([8]), done.values[[8]])
    assert kept.read(data_digest(played), MatchFeatures) is not None


def test_what_older_data_left_goes_when_newer_is_written(kept, played):
    """
    A folder holds one replay, however often data and code change.
    """
    fewer = played.take(slice(0, 200))

    kept.write(data_digest(fewer), replay(MatchFeatures(), fewer))

    assert len(list(kept.root.iterdir())) == 1
    assert kept.read(data_digest(fewer), MatchFeatures) is not None


def test_where_nothing_can_be_written_the_replay_still_counts(played, done, tmp_path, caplog):
    """
    A folder that cannot be made costs the next process seconds, and nobody an answer.
    """
    (tmp_path / "file").write_text("")
    past = Past(MatchFeatures, played)

    past.recall(KeptPast(tmp_path / "file" / "past", "code"))

    np.testing.assert_array_equal(past.features([8]), done.values[[8]])
    assert "is not kept" in caplog.text
