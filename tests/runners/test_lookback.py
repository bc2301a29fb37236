"""Looking up what was known long ago never waits for a replay that is under way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from features.matches import MatchTable
from features.transform import MatchFeatures
from runners.laid_down import FEWEST_LAID_DOWN, laid_down
from runners.past import Lookback
from runners.replay import in_replay_order


class HeldFeatures(MatchFeatures):
    """Learn only once released."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.release = threading.Event(), threading.Event()
        self.updates = 0

    def copy(self) -> HeldFeatures:
        return self

    def update(self, table: MatchTable):
        self.updates += 1
        self.started.set()
        assert self.release.wait(30.0), "nobody let the replay go on"
        return super().update(table)


@pytest.fixture
def played(home) -> MatchTable:
    return in_replay_order(home.matches).take(slice(0, 60))


@pytest.fixture
def start():
    held = HeldFeatures()
    yield held
    held.release.set()


def test_a_lookup_does_not_wait_for_a_replay(played, start):
    """
    While one state is being made, others are looked up and the memory of the next timeline is taken.
    """
    lookback, day = Lookback(), int(played.day[-1])
    known = int((played.day < day).sum())
    with ThreadPoolExecutor(2) as threads:
        built = threads.submit(lookback.build, known, day, played, (start,))
        assert start.started.wait(10.0)

        try:
            found = threads.submit(lambda: (lookback.get(known), lookback.up_to(known).get(known))).result(10.0)
        finally:
            start.release.set()

        assert found == (None, None)
        assert lookback.build(known, day, played, ()) is built.result(10.0)


def test_a_state_that_several_ask_for_is_made_once(played, start):
    """
    Whoever asks for a state that is being made waits for it, and gets the same one.
    """
    lookback, day = Lookback(), int(played.day[-1])
    known = int((played.day < day).sum())
    with ThreadPoolExecutor(3) as threads:
        built = [threads.submit(lookback.build, known, day, played, (start,)) for _ in range(3)]
        assert start.started.wait(10.0)
        start.release.set()
        states = [one.result(10.0) for one in built]

    assert start.updates == 1
    assert states[0] is states[1] is states[2]


@pytest.mark.parametrize("rows", [0, 3, FEWEST_LAID_DOWN])
def test_rows_laid_down_are_the_same_bits(rows):
    """
    Features read back from the file equal those written, unknown ones included.
    """
    values = np.random.default_rng(1).normal(size=(rows, 5))
    values[1:2] = np.nan

    kept = laid_down(values)
    found = kept[list(range(rows))]

    np.testing.assert_array_equal(found.view(np.int64), values.view(np.int64))
    assert (kept is values) == (rows < FEWEST_LAID_DOWN)


def test_rows_stay_in_memory_where_no_file_can_be_made(monkeypatch, tmp_path):
    """
    A temporary folder that is not there costs memory and nothing else.
    """
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    values = np.zeros((FEWEST_LAID_DOWN, 5))

    assert laid_down(values) is values
