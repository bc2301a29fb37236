"""A real Prometheus watches a real server: the alerts of slowness fire when it is slowed, and clear when it is not."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest
import yaml
from ports import free_port
from serving import Served, serve

from deploy.build import CHECKOUT

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs prometheus: apt-get install prometheus"),
]

RULES = CHECKOUT / "deploy" / "compose" / "rules.yaml"
FASTER = float(os.environ.get("FASTER", "40"))
"""Windows and waiting times of the rules are shortened by so much; 1 takes the quarter of an hour that it takes for real."""

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SLOW = {"AnswersAreSlow", "SlownessBurnsFast"}
STOPPED_S = 0.25
"""Once is enough to be slow. A stopped worker does not see that a request waits to be read, only that what it has begun takes long."""
STOPS = 8
"""While a batch is asked for and answered, which takes longer than to compute it; metrics come in time all the same."""
STOPPING = """
import os, signal, sys, time
stopped_s, going_s, *pids = map(float, sys.argv[1:])
while True:
    for order, seconds in ((signal.SIGSTOP, stopped_s), (signal.SIGCONT, going_s)):
        for pid in pids:
            os.kill(int(pid), order)
        time.sleep(seconds)
"""
"""A program of its own: a thread of the tests gets its turn too late to stop anybody within milliseconds."""


def shortened(rules: str) -> str:
    """The rules, all their windows and waiting times shorter; the thresholds are what they are."""

    def shorter(found: re.Match) -> str:
        return f"{found[1]}{max(int(float(found[2]) * SECONDS[found[3]] * 1e3 / FASTER), 1)}ms{found[4]}"

    rules = re.sub(r"(\[)(\d+)([smhd])(\])", shorter, rules)
    return re.sub(r"(for: )(\d+)([smhd])()$", shorter, rules, flags=re.MULTILINE)


@pytest.fixture
def watched(home, bento, python, tmp_path) -> Iterator[Served]:
    """A server of its own, so that nothing but what is asked here is in its metrics."""
    folder = tmp_path / "watched"
    folder.mkdir()
    running = serve(home, bento, python, folder, workers=2)
    yield running
    running.end()


@pytest.fixture
def prometheus(watched, tmp_path) -> Iterator[str]:
    """The address of one that scrapes the server by this repository's rules."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(shortened(RULES.read_text()))
    every = f"{int(5e3 / min(FASTER, 2.5))}ms"
    jobs = [{"job_name": "football", "static_configs": [{"targets": [watched.url.removeprefix("http://")]}]}]
    told = {"global": {"scrape_interval": every, "evaluation_interval": every}, "rule_files": [str(rules)]}
    told["global"]["scrape_timeout"] = every
    configuration = tmp_path / "prometheus.yaml"
    configuration.write_text(yaml.safe_dump(told | {"scrape_configs": jobs}))
    port = free_port()
    command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.wait(timeout=30)


def firing(prometheus: str) -> set[str]:
    """The names of the alerts that fire now."""
    try:
        told = httpx.get(f"{prometheus}/api/v1/alerts", timeout=10.0)
    except httpx.TransportError:
        return set()
    if told.status_code != 200:  # it is still starting
        return set()
    return {alert["labels"]["alertname"] for alert in told.json()["data"]["alerts"] if alert["state"] == "firing"}


def wait_for(prometheus: str, claim, within_s: float) -> set[str]:
    """Wait until a claim about the alerts that fire holds, and return them; those of the last look if it never does."""
    end = time.monotonic() + within_s
    while not claim(found := firing(prometheus)) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def workers(server) -> list[psutil.Process]:
    tree = psutil.Process(server.process.pid).children(recursive=True)
    return [process for process in tree if any("worker" in part for part in process.cmdline())]


@contextmanager
def kept_doing(work) -> Iterator[None]:
    """Do it again and again in a thread."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def stopping(processes: list[psutil.Process], going_s: float) -> Iterator[None]:
    """Stop processes again and again, and have them go on in the end."""
    pids = [str(process.pid) for process in processes]
    running = subprocess.Popen([sys.executable, "-c", STOPPING, str(STOPPED_S), str(going_s), *pids])
    try:
        yield
    finally:
        running.kill()
        running.wait(timeout=30)
        for process in processes:
            process.resume()


def test_slowed_it_alarms_and_left_alone_it_clears(watched, prometheus):
    """
    The workers are stopped again and again, so that batches take longer than 200 ms: both alerts fire, and neither fires
    before or after.
    """
    slowed = workers(watched)
    (match,) = httpx.get(f"{watched.url}/v1/fixtures", params={"limit": 1}, timeout=10.0).json()["matches"]
    changed = [{"match_id": match["match_id"], "features": {"rest_days_home": 3.0 + n / 100}} for n in range(100)]

    took_s: list[float] = []

    def ask() -> None:
        began = time.monotonic()
        client.post(
            "/v1/predictions/predict/batch", json={"requests": [one | {"force_recalculate": True} for one in changed]}
        ).raise_for_status()
        took_s.append(time.monotonic() - began)
        time.sleep(0.05)

    assert len(slowed) == 2
    with watched.client() as client, kept_doing(ask):
        before = wait_for(prometheus, lambda found: found & SLOW, 5.0 + 120.0 / FASTER)
        going_s = statistics.median(took_s) / STOPS
        with stopping(slowed, going_s):
            during = wait_for(prometheus, lambda found: found >= SLOW, 60.0 + 1800.0 / FASTER)
        after = wait_for(prometheus, lambda found: not found & SLOW, 60.0 + 5400.0 / FASTER)

    told = f"{len(took_s)} batches; the last took {took_s[-3:]} s; each ran {going_s:.4f} s between two stops"
    assert (before & SLOW, during & SLOW, after & SLOW) == (set(), SLOW, set()), told
