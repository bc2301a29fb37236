"""Counts of several workers add up, whoever dies when; a purge by one is seen by all."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api.caching import Epoch, Tallies

NAMES = ("hits", "misses")
WORKER = """
import pathlib, sys
from api.caching import Epoch, Tallies
folder, n = pathlib.Path(sys.argv[1]), int(sys.argv[2])
tallies, epoch = Tallies(("hits", "misses"), folder), Epoch(folder)
for _ in range(n):
    tallies.add("hits")
tallies.add("misses", 3)
for _ in range(5):
    epoch.bump()
print("counted", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start_worker(tmp_path):
    started = []

    def start(n):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(worker)
        assert worker.stdout.readline() == b"counted\n"
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.communicate()


def test_totals_are_of_all_workers_and_survive_a_killed_one(start_worker, tmp_path):
    """
    Of three workers one is killed, one ends and one goes on; nothing that any of them counted is lost.
    """
    tallies = Tallies(NAMES, tmp_path)
    tallies.add("hits")
    killed, ended, _ = start_worker(1000), start_worker(200), start_worker(30)
    assert tallies.totals() == {"hits": 1231, "misses": 9}

    killed.send_signal(signal.SIGKILL)
    killed.wait()
    ended.communicate()

    assert tallies.totals() == {"hits": 1231, "misses": 9}
    tallies.close()
    assert tallies.totals()["hits"] == 1


def test_a_worker_counts_on_where_a_dead_one_stopped(start_worker, tmp_path):
    """
    Ten workers killed one after the other leave the sum of their counts in one file, whatever their pids were.
    """
    for _ in range(10):
        worker = start_worker(7)
        worker.kill()
        worker.wait()

    heir = Tallies(NAMES, tmp_path)

    assert heir.totals() == {"hits": 70, "misses": 30}
    assert len(list(tmp_path.glob("tally-*"))) == 1
    heir.close()


def test_files_of_other_names_and_broken_ones_are_left_alone(tmp_path):
    """
    What another version counted, or what is no tally at all, is not added.
    """
    other = Tallies(("hits", "misses", "shared"), tmp_path)
    other.add("hits", 100)
    (tmp_path / "tally-broken").write_bytes(b"?")

    tallies = Tallies(NAMES, tmp_path)
    tallies.add("hits")

    assert tallies.totals() == {"hits": 1, "misses": 0}
    assert other.totals()["hits"] == 100
    other.close()
    tallies.close()


def test_closing_leaves_no_file_open_and_the_counts_readable(tmp_path):
    """
    A closed tally still tells and takes counts, for itself.
    """
    before = len(list(Path("/proc/self/fd").iterdir()))
    tallies, epoch = Tallies(NAMES, tmp_path), Epoch(tmp_path)
    tallies.add("hits")
    epoch.bump()

    tallies.close()
    epoch.close()
    tallies.add("hits")

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert tallies.totals()["hits"] == 2
    assert (epoch.cells[0], epoch.bump()) == (1, 2)


def test_the_epoch_is_raised_for_everybody_and_none_is_lost(start_worker, tmp_path):
    """
    Four workers raise it five times each; all see twenty, and the time at which the first was there.
    """
    epoch = Epoch(tmp_path)
    for _ in range(4):
        start_worker(0)

    assert epoch.cells[0] == 20
    assert Epoch(tmp_path).created_at == epoch.created_at
    epoch.close()
