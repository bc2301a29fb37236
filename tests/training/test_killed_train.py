"""A training run that is killed leaves a usable model store, and running again completes."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from small_world import fill, results

TESTS = str(Path(__file__).parents[1])

# Calls `die` at changes of files below the model store's home.
CHANGES = """
import os, signal, sys

home = os.environ["BENTOML_HOME"]
changes = {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}  # of names and contents; a copy is an open, a move a rename

def watch(event, arguments):
    is_write = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
    if (is_write or event in changes) and any(home in str(argument) for argument in arguments):
        die(f"{event} {arguments}")
"""

SAVING = (
    CHANGES
    + """
import bentoml, itertools, pathlib, small_world
from runners.loading import load
from store.database import open_store
from store.reads import read_matches
from training.saving import save

kept = load(small_world.train(read_matches(open_store(os.environ["FOOTBALL_DATABASE_URL"])), name="first"))
parts = "football", kept.features, kept.model, kept.artifact
left, parent = 0, os.getpid()

def die(change):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def content(tag):
    folder = pathlib.Path(home, "models", *tag.split(":"))
    return [(file.name, file.read_bytes()) for file in sorted(folder.rglob("*")) if file.is_file()]

loaded = {}

def usable(expected):
    listed = sorted(str(model.tag) for model in bentoml.models.list() if model.tag.name == "football")
    assert set(expected) <= set(listed) and len(listed) <= len(expected) + 1, (expected, listed)
    for tag in listed:
        if loaded.get(tag) != content(tag):  # the same files as before load as before
            load(tag)
            loaded[tag] = content(tag)
    assert not listed or str(bentoml.models.get("football").tag) in listed
    return listed

expected, killed = [], 0
for moment in itertools.count(1):
    child = os.fork()
    if child == 0:
        left = moment
        sys.addaudithook(watch)
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
expected = usable([*expected, newest])

children = [os.fork() for _ in range(3) if os.getpid() == parent]
if 0 in children:
    save(*parts)
    os._exit(0)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
listed = [str(model.tag) for model in bentoml.models.list("football")]
assert len(listed) == len(expected) + 3, listed
print(killed, len(expected), sorted(os.listdir(home + "/tmp")))
"""
)

TRAINING = (
    CHANGES
    + """
def die(change):
    if all(word in change for word in sys.argv[1:]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
from cli.main import main
main(["train", "--json"])
"""
)


def test_killed_at_any_step_of_the_save_the_store_stays_usable(place, tmp_path):
    """
    A save that is killed at each of its file operations in turn never leaves a half-written model; the next one works.

    Saves at one and the same time wait for each other and get versions of their own.
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


def test_runs_killed_at_work_and_while_saving_leave_whole_models_and_the_next_one_completes(own_place, trained):
    """
    Killed twice while it loads and fits, and before the newest model is named.
    """
    own_place.keep(trained)
    tags = [own_place.tags()]
    for share in (0.3, 0.6):
        process = own_place.start("train", "--json")
        time.sleep(share * trained.took_s)
        process.send_signal(signal.SIGKILL)
        # On a machine that has just become faster a run may be done by then, and its model counts.
        tags.append(tags[-1] if process.wait(60) else own_place.tags())
        assert own_place.tags() == tags[-1]
    own_place.python("-c", TRAINING, "os.rename", "models/football/latest", code=-signal.SIGKILL)
    tags.append(own_place.tags())
    assert own_place.newest() in tags[-1]
    again = own_place.train()

    assert len(tags[-1]) == len(tags[-2]) + 1
    assert own_place.tags() == [*tags[-1], again.tag]
    assert own_place.newest() == again.tag
    listed = json.loads(own_place.football("models", "--json").stdout)
    assert [model["tag"] for model in listed] == own_place.tags()[::-1]
