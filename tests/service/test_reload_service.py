"""A running server changes the model it serves, in all its workers, and nobody waits."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from serving import serve
from small_world import train

pytestmark = pytest.mark.service

RELOAD = "/v1/predictions/models/default/reload"
WATCH = "/v1/predictions/hot-reload"
ASKED = {"home_team": "Hexley", "away_team": "Dunmere", "competition": "qa.1"}


@pytest.fixture
def running(home, bento, python, tmp_path):
    """The bento with two workers, over a model store of its own."""
    own = tmp_path / "bentoml"
    own.mkdir()
    shutil.copytree(home.folder / "models", own / "models")
    for version in (own / "models" / "football").iterdir():
        if version.is_dir() and version.name != home.tag.partition(":")[2]:
            shutil.rmtree(version)
    started = serve(home, bento, python, tmp_path, workers=2)
    yield started, own / "models" / "football"
    started.end()


def served(url: str) -> list[str]:
    """Versions that answer, by requests on connections of their own, so that both workers come to answer."""
    return [
        httpx.post(f"{url}/v1/predictions/predict", json=ASKED, timeout=30).json()["model_version"] for _ in range(12)
    ]


def workers_of(process) -> set[int]:
    """Processes that serve: children of the supervisor that listen."""
    tasks = Path(f"/proc/{process.pid}/task")
    children = {int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()}
    return {pid for pid in children if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_a_server_changes_its_model_under_load(home, running):
    """
    While callers go on, both workers change to a newer model, by hand and as it is saved; a worker that is killed comes
    back with it; every answer is 200 and is that of the version it names.
    """
    server, store = running
    first = home.tag.partition(":")[2]
    newer = train(home.matches, seed=12).partition(":")[2]
    shutil.copytree(home.folder / "models" / "football" / newer, store / newer)
    is_over, answers = threading.Event(), []

    def caller():
        with server.client() as client:
            while not is_over.wait(0.005):
                body = ASKED | {"force_recalculate": len(answers) % 2 == 0}
                answers.append(client.post("/v1/predictions/predict", json=body))

    with ThreadPoolExecutor(2) as threads:
        callers = [threads.submit(caller) for _ in range(2)]
        reloaded = httpx.post(server.url + RELOAD, timeout=60).json()
        after = served(server.url)
        back = httpx.post(server.url + RELOAD, json={"model_version": first}, timeout=60).json()
        returned = served(server.url)
        httpx.post(f"{server.url}{WATCH}/start", timeout=60)
        save_as_newest(store, newer)
        until(lambda: httpx.get(f"{server.url}{WATCH}/stats", timeout=30).json()["successful_reloads"] == 3)
        until(lambda: set(served(server.url)) == {"newest"})
        until(lambda: answers[-1].json()["model_version"] == "newest")
        is_over.set()
        for one in callers:
            one.result()
    stats = [httpx.get(f"{server.url}{WATCH}/stats", timeout=30).json() for _ in range(6)]
    health = httpx.get(f"{server.url}/v1/predictions/health", timeout=30).json()
    os.kill(min(workers_of(server.process)), signal.SIGKILL)
    until(lambda: sum(line["message"] == "serving" for line in server.lines()) == 3)
    until(lambda: sum(line["message"] == "ready" for line in server.lines()) == 3)
    replaced = served(server.url)
    shown = httpx.get(f"{server.url}/metrics", timeout=30).text

    assert "football_worker_restarts_total 1.0" in shown
    assert (reloaded["status"], reloaded["model_version"], reloaded["workers_serving"]) == ("success", newer, 2)
    assert (back["previous_version"], back["workers_serving"]) == (newer, 2)
    assert [set(one) for one in (after, returned, replaced)] == [{newer}, {first}, {"newest"}]
    assert {answer.status_code for answer in answers} == {200}
    numbers = sorted({(told["model_version"], told["home_win_prob"]) for told in (answer.json() for answer in answers)})
    assert [version for version, _ in numbers] == sorted([first, newer, "newest"])
    assert len({number for _, number in numbers}) == 2
    assert {(told["total_reloads"], told["successful_reloads"], told["rollbacks"]) for told in stats} == {(3, 3, 1)}
    assert (stats[0]["success_rate"], stats[0]["is_monitoring"], health["hot_reload_enabled"]) == (1.0, True, True)
    assert not any(line["level"] == "error" for line in server.lines())


def save_as_newest(store: Path, version: str) -> None:
    """Save a version again as one that was made later, in one step."""
    aside = store.parent / "aside"
    shutil.copytree(store / version, aside)
    told = (aside / "model.yaml").read_text().splitlines()
    later = {"version": "version: newest", "creation_time": "creation_time: '2100-01-01T00:00:00+00:00'"}
    (aside / "model.yaml").write_text("\n".join(later.get(line.partition(":")[0], line) for line in told) + "\n")
    aside.rename(store / "newest")


def until(claim, *, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.1)
