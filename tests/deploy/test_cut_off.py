"""A deployer that is killed at any of its operations leaves a service that answers, a truthful status, and no mess."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port
from stand_in import own_root

SCRIPT = Path(__file__).with_name("cut_off.py")


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder with three bentos in a store."""
    with own_root("one", "two", "three") as folder:
        yield folder


def tried(how: str, every: int, root: Path) -> dict:
    """What callers saw while releases and rollbacks were cut short at every so-manieth of their operations."""
    ports = (str(free_port()) for _ in range(3))
    command = [sys.executable, str(SCRIPT), how, str(every), str(root), *ports]
    environment = os.environ | {"BENTOML_HOME": str(root / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["asked"] > 200
    return told


def test_killed_anywhere_it_leaves_a_service_that_answers(root):
    """
    Releases and rollbacks are killed before every sixth of their operations in turn: no request is lost meanwhile, the
    status says who answers and what was cut off, doing it again gets through, and no process or half a copy stays.
    """
    told = tried("killed", 6, root)

    assert told["lost"] == []
    assert told["release"] + told["rollback"] >= 20
    assert told["patient"] > 0  # cut off in the middle; the next command ends it
    assert {"os.fsync", "socket.connect"} <= set(told["kinds"])


def test_a_full_disk_stops_a_release_and_nothing_else(root):
    """
    The disk is full from the first, the ninth, the seventeenth ... write on: the command says so and fails, no request is
    lost, the status stays truthful, and once there is room again the same command gets through.
    """
    told = tried("full", 8, root)

    assert told["lost"] == []
    assert told["release"] + told["rollback"] >= 6
