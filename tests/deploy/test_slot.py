"""A slot: whatever runs in it is found and ended, whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from deploy.place import Place
from deploy.plan import Plan
from deploy.slot import GRACEFUL_S, HOME, Slot

SERVER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), sys.exit()))
print("started", flush=True)
time.sleep(60)
"""
CARELESS = """
import os, subprocess, sys, time
environment = os.environ | {"BENTOML_HOME": sys.argv[1]}
subprocess.Popen([sys.executable, "-c", sys.argv[2], "serve"], env=environment)
time.sleep(60)
"""


@pytest.fixture
def slot(tmp_path):
    plan = Plan("127.0.0.1", 1, (2, 3), (50,), 1.0, 1, 2.0, 1.0, 10.0, 5.0, True, 2, 64, {})
    return Slot(Place(tmp_path), plan, "blue")


def test_ending_a_slot_does_not_wait_for_a_parent_that_takes_no_notice(slot):
    """
    A server that another process started, which never asks how it ended, is ended; and its last state is waited for by nobody.
    """
    command = [sys.executable, "-c", CARELESS, str(slot.home), SERVER]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env={k: v for k, v in os.environ.items() if k != HOME})
    parent.stdout.readline()
    (server,) = slot.processes()
    begun = time.monotonic()

    slot.stop()

    assert slot.processes() == []
    assert server.status() == psutil.STATUS_ZOMBIE
    assert time.monotonic() - begun < GRACEFUL_S
    parent.kill()
    parent.communicate()
