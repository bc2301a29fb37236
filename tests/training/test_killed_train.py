"""A training run that is killed leaves a usable model store, and running again completes."""

from __future__ import annotations

from pathlib import Path

from small_world import fill, results

TESTS = str(Path(__file__).parents[1])

# Kill the process at its n-th change of a file below the model store's home, or count the changes for n = 0.
KILL = """
import os, signal, sys
home, left = os.environ["BENTOML_HOME"], int(os.environ["KILL_AT"])
changes = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "shutil.copyfile", "shutil.move"}

def die(event, arguments):
    global left
    is_write = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
    if (is_write or event in changes) and any(home in str(argument) for argument in arguments):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
"""

SAVE_IN_CHILDREN = (
    KILL
    + """
import bentoml, itertools, small_world
from runners.loading import load
from store.database import open_store
from store.reads import read_matches

train, matches = small_world.train, read_matches(open_store(os.environ["FOOTBALL_DATABASE_URL"]))
real, saves = small_world.save, []
small_world.save = lambda *arguments: saves.append(arguments) or "kept:back"
train(matches)
[arguments] = saves

def usable(expected):
    listed = sorted(str(model.tag) for model in bentoml.models.list() if model.tag.name == "football")
    assert set(expected) <= set(listed), (expected, listed)
    assert len(listed) <= len(expected) + 1, (expected, listed)
    for tag in listed:
        load(tag)
    assert not listed or str(bentoml.models.get("football").tag) in listed
    return listed

expected, killed = [], 0
for moment in itertools.count(1):
    child = os.fork()
    if child == 0:
        left = moment
        sys.addaudithook(die)
        real(*arguments)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    expected = usable(expected)
    if status == 0:
        break
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
    killed += 1
newest = real(*arguments)
assert str(bentoml.models.get("football").tag) == newest
print(killed, len(expected))
"""
)


def test_killed_at_any_step_of_the_save_the_store_stays_usable(own_place):
    """
    A save that is killed at each of its file operations in turn never leaves a half-written model; the next one works.
    """
    fill(f"sqlite:///{own_place.folder}/small.sqlite", results())
    small = {"FOOTBALL_DATABASE_URL": f"sqlite:///{own_place.folder}/small.sqlite"}

    told = own_place.python("-c", SAVE_IN_CHILDREN, PYTHONPATH=TESTS, KILL_AT="0", **small).stdout

    print(told)
    killed, models = map(int, told.split())
    assert killed >= 10
    assert models >= 1
