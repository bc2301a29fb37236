"""A process that stands back does so with all that it starts, and comes back without anybody's leave."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.priority import BEHIND, Background, session_nice

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="this system does not share the processor among sessions"
)
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def family():
    """A process and its child, each in a session of its own."""
    first = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, text=True, start_new_session=True)
    child = int(first.stdout.readline())
    yield first.pid, child
    for pid in (child, first.pid):
        psutil.Process(pid).kill()
    first.wait()
    first.stdout.close()


def test_all_stand_back_and_step_forward(family):
    """
    Both sessions, whoever has started them.
    """
    background = Background(psutil.Process(family[0]))
    before = [session_nice(pid) for pid in family]
    background.stand_back()
    behind = [session_nice(pid) for pid in family]
    time.sleep(0.1)  # others than root may change one in a tenth of a second
    background.step_forward()

    assert (before, behind) == ([0, 0], [BEHIND, BEHIND])
    assert [session_nice(pid) for pid in family] == [0, 0]


def test_a_process_that_has_gone_is_no_trouble(family):
    """
    It may end at any moment.
    """
    gone = subprocess.Popen([sys.executable, "-c", ""])
    process = psutil.Process(gone.pid)
    gone.wait()

    Background(process).stand_back()
    Background(process).step_forward()
