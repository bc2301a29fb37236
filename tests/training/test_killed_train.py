"""A training run that is killed leaves a usable model store, and running again completes."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from small_world import fill, results

TESTS = str(Path(__file__).parents[1])

# Dies at its n-th change of a file below the model store's home.
DYING = """
import os, signal, sys

home, left = os.environ["BENTOML_HOME"], int(os.environ.get("DIE_AT", "0"))
changes = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "shutil.copyfile", "shutil.move"}

def die(event, arguments):
    global left
    is_write = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
    if (is_write or event in changes) and any(home in str(argument) for argument in arguments):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
"""

SAVING = (
    DYING
    + """
import bentoml, itertools, small_world
from runners.loading import load
from store.database import open_store
from store.reads import read_matches
from training.saving import save

kept = load(small_world.train(read_matches(open_store(os.environ["FOOTBALL_DATABASE_URL"])), name="first"))
parts = "football", kept.features, kept.model, kept.artifact

def usable(expected):
    listed = sorted(str(model.tag) for model in bentoml.models.list() if model.tag.name == "football")
    assert set(expected) <= set(listed) and len(listed) <= len(expected) + 1, (expected, listed)
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
        save(*parts)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    expected = usable(expected)
    if status == 0:
        break
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
    killed += 1
newest = save(*parts)
assert str(bentoml.models.get("football").tag) == newest
print(killed, len(expected), sorted(os.listdir(home + "/tmp")))
"""
)

TRAINING = DYING + "sys.addaudithook(die)\nfrom cli.main import main\nmain(['train', '--json'])"


def test_killed_at_any_step_of_the_save_the_store_stays_usable(place, tmp_path):
    """
    A save that is killed at each of its file operations in turn never leaves a half-written model; the next one works.
    """
    url = f"sqlite:///{tmp_path}/small.sqlite"
    fill(url, results())

    told = place.python(
        "-c", SAVING, BENTOML_HOME=str(tmp_path / "bentoml"), FOOTBALL_DATABASE_URL=url, PYTHONPATH=TESTS
    ).stdout

    killed, models, left = told.split(maxsplit=2)
    assert int(killed) >= 10
    assert 1 <= int(models) <= int(killed)
    assert left.strip() == "['training.lock']"


@pytest.mark.parametrize("stop", ["while reading", "while fitting", "while saving", "while moving in"])
def test_a_killed_run_leaves_nothing_and_the_next_one_completes(own_place, trained, stop):
    """
    Killed while it reads, fits, saves aside or moves in, `football train` leaves the models that were there.
    """
    own_place.seed(trained)
    if stop.endswith(("saving", "moving in")):
        # The first operations are the folders of a new home, the lock and the folder aside; the move is the 21st or so.
        own_place.python("-c", TRAINING, code=-signal.SIGKILL, DIE_AT="8" if stop == "while saving" else "17")
    else:
        own_place.kill_after(0.8 if stop == "while reading" else 2.0, "train")
    before = json.loads(own_place.football("models", "--json").stdout)
    again = json.loads(own_place.football("train", "--json").stdout)
    after = json.loads(own_place.football("models", "--json").stdout)

    assert [model["tag"] for model in before] == [trained.tag]
    assert [model["tag"] for model in after] == [again["tag"], trained.tag]
    assert (own_place.models / "football" / "latest").read_text() == again["tag"].partition(":")[2]
