"""The gate before real servers: a good bento passes, and each kind of bad one is refused for its own reason."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from candidates import alive_in, bounds_with, change_source, make_faulty, model_folder, plan_with, renamed

from deploy import kept, state
from deploy.build import build
from deploy.errors import Refused
from deploy.gate.cell import Cell, swept
from deploy.gate.examination import Examination
from deploy.gate.gatekeeper import Gatekeeper
from deploy.gate.sides import Sides
from deploy.gate.task import Task
from deploy.place import Place

pytestmark = [
    pytest.mark.service,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of BentoML, when it builds
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # a server outlives its Popen
]
QUESTION = {"home_team": "Quarry", "away_team": "Rothbach", "competition": "qc.1"}


@pytest.fixture(scope="module")
def good(home, tmp_path_factory):
    """A kept copy of a bento of the small world's model, and its tag; copied, never changed."""
    tag = build([home.tag])
    folder = tmp_path_factory.mktemp("good") / "copy"
    kept.copy_to(folder, tag)
    return folder, tag


@pytest.fixture
def gatekeeper(home, tmp_path):
    """A gate of releases of its own; what it says is kept in ``said``."""
    place = Place(tmp_path / "releases")
    place.make()
    said: list[str] = []
    keeper = Gatekeeper(place, plan_with(home.database_url), bounds_with(), say=said.append)
    return keeper, said


def reasons_against(gatekeeper, folder, tag) -> str:
    """Have the gate refuse a bento, look that it left nothing behind, and return its reasons."""
    keeper, _ = gatekeeper
    with pytest.raises(Refused) as refusal:
        keeper(folder, tag)
    assert not keeper.place.cell.exists()
    assert alive_in(keeper.place.cell) == []
    event = state.history(keeper.place)[-1]
    assert (event["what"], event["tag"], event["verdict"]) == ("examined", tag, "refused")
    return str(refusal.value)


def record(folder: Path, questions) -> None:
    """Have requests recorded, as a server does, as of a time to come: no model has learned from it."""
    lines = [
        {
            "at": "2025-07-01T00:00:00Z",
            "question": one,
            "proba": [0.4, 0.3, 0.3],
            "model": "m:1",
            "as_of": "2099-01-01Z",
        }
        for one in questions
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_rebuild_passes_beside_what_serves_and_leaves_a_report(gatekeeper, good, tmp_path):
    """
    The same model in another bento: compared with what serves on recorded requests, let through, every check told.
    """
    keeper, said = gatekeeper
    _, tag = renamed(*good, keeper.place.kept / "serving", "serving")
    state.write_state(keeper.place, state.State(serving="blue", tags={"blue": tag}))
    record(
        keeper.place.requests,
        [{"match_id": "no-such-match"}, QUESTION],
    )

    keeper(*good)

    version = good[1].partition(":")[2]
    report = json.loads((keeper.place.reports / f"{version}.json").read_text())
    assert report["is_passed"]
    assert report["compared_with"] == tag
    assert report["sample"] == {"recorded": 2, "from_store": 10, "left_out": 0}
    verdicts = {check["name"]: check["verdict"] for check in report["checks"]}
    assert set(verdicts.values()) == {"passed"}
    figures = {check["name"]: check["figures"] for check in report["checks"]}
    assert figures["change"]["max"] == 0.0
    assert figures["change"]["compared"] == 11  # no-such-match is declined by both
    assert figures["score"]["unseen"] == figures["score"]["matches"] >= 50
    readable = (keeper.place.reports / f"{version}.txt").read_text()
    assert [line.split(":")[0] for line in said] == [f"passed  {name}" for name in verdicts]
    assert all(line in readable for line in said)
    assert not keeper.place.cell.exists()
    if os.geteuid() == 0:
        assert report["network"] == "cut off"


def test_a_bento_that_cannot_be_imported_is_refused(gatekeeper, good, tmp_path):
    """
    The reason is the one that the server logged.
    """
    folder, tag = renamed(*good, tmp_path / "copy", "bad")
    change_source(folder, tag, "service.py", lambda text: f"{text}\nimport not_a_module\n")

    reasons = reasons_against(gatekeeper, folder, tag)

    assert "start: the server ended before it was ready" in reasons
    assert "No module named 'not_a_module'" in reasons


def test_a_truncated_model_is_refused(gatekeeper, good, tmp_path):
    """
    A model of which a part is missing is refused by the loader, whose reason is told.
    """
    folder, tag = renamed(*good, tmp_path / "copy", "bad")
    objects = model_folder(folder) / "custom_objects.pkl"
    objects.write_bytes(objects.read_bytes()[:1_000])

    reasons = reasons_against(gatekeeper, folder, tag)

    assert "is refused: it cannot be unpickled" in reasons


def test_features_that_are_not_those_of_the_training_are_refused(gatekeeper, good, tmp_path):
    """
    One stored value of a feature that is computed otherwise now is enough, and the feature is named.
    """
    folder, tag = renamed(*good, tmp_path / "copy", "bad")
    file = model_folder(folder) / "model.yaml"
    told = yaml.safe_load(file.read_text())
    row = told["metadata"]["golden"]["features"][0]
    place = next(place for place, value in enumerate(row) if value == value and value != 0.0)
    row[place] *= 1.001
    file.write_text(yaml.safe_dump(told))

    reasons = reasons_against(gatekeeper, folder, tag)

    assert f"golden check: {told['metadata']['feature_names'][place]} differ" in reasons


@pytest.fixture(scope="module")
def sides(home, good, tmp_path_factory):
    """Servers of a good bento and of one with faults to be chosen, and a way to choose one and have it judged."""
    root = tmp_path_factory.mktemp("sides")
    fault = root / "fault"
    fault.write_text("")
    folder, tag = renamed(*good, root / "faulty", "faulty")
    make_faulty(folder, tag)
    plan = plan_with(home.database_url, FAULT_FILE=str(fault))
    bounds = bounds_with()
    pinned = tuple(kept.models_of(kept.bento_in(folder, tag)))
    with swept(root / "cell") as cell:
        servers = Cell(cell, plan, bounds)
        candidate, rival = servers.start(folder, tag), servers.start(*good)
        for server in (candidate, rival):
            server.wait_ready(bounds.ready_within_s)
        task = Task(tag, str(folder), pinned, None, None, str(cell), str(root / "requests"), "", plan, bounds)

        def judge(chosen: str, *, alone: bool = False) -> dict[str, str]:
            fault.write_text("")
            wait_for(lambda: candidate.ask.predict(QUESTION).status == 200)  # the last fault is over
            fault.write_text(chosen)
            found = Examination(task).judge(Sides(candidate, None if alone else rival))
            return {check.name: check.reason for check in found if check.verdict == "refused"}

        yield judge
        for server in (candidate, rival):
            server.ask.close()


def test_without_a_fault_nothing_is_refused(sides):
    """
    What the tests below refuse is the fault.
    """
    assert sides("") == {}


def test_swapped_classes_are_refused(sides):
    """
    Home for away: too far from what serves, and worse on what was played since.
    """
    refused = sides("swapped")

    assert "what serves says" in refused["change"]
    assert "worse than what serves" in refused["score"]


def test_swapped_classes_are_refused_where_nothing_serves(sides):
    """
    Worse than the mere frequencies of the outcomes is bad enough.
    """
    assert "worse than the frequencies of the outcomes" in sides("swapped", alone=True)["score"]


def test_missing_features_are_refused(sides):
    """
    A model that is shown nothing of the teams does not answer as what serves.
    """
    assert "what serves says" in sides("missing features")["change"]


def test_a_slower_server_is_refused(sides):
    """
    Every answer takes 0.15 s longer.
    """
    assert "too slow by its median" in sides("slow")["latency"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("not a number", "home_win_prob is None"),
        ("not one", "home, draw and away sum to 1.01"),
        ("crash", "the first prediction fails"),
        ("hang", "no answer within 3 s"),
        ("death", "the connection broke off"),
    ],
)
def test_answers_that_do_not_hold_together_are_refused(sides, fault, reason):
    """
    NaN, a sum that is not 1, an exception, no answer, the end of the process: each is told.
    """
    assert reason in sides(fault)["answers"]


def test_a_gate_that_is_killed_leaves_nothing_running(home, good, tmp_path):
    """
    The servers end with it; nothing waits for the next examination to sweep.
    """
    folder, tag = good
    releases = tmp_path / "home" / "releases"
    kept_folder = releases / "kept" / tag.partition(":")[2]
    kept_folder.parent.mkdir(parents=True)
    kept_folder.symlink_to(folder)
    environment = os.environ | {"FOOTBALL_HOME": str(tmp_path / "home"), "FOOTBALL_DATABASE_URL": home.database_url}
    gate = subprocess.Popen([sys.executable, "-m", "cli.main", "gate", tag], env=environment, start_new_session=True)
    try:
        wait_for(lambda: alive_in(releases / "cell"))
    finally:
        gate.send_signal(signal.SIGKILL)
        gate.wait()

    wait_for(lambda: not alive_in(releases / "cell"))


def wait_for(condition) -> None:
    end = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
