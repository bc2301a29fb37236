"""Ways to run the command line and `bentoml serve` as a user would, each in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from ports import free_port

START_S = 300.0  # for a machine that is busy with other things


@dataclass
class Served:
    """A running `bentoml serve`, its supervisor and its log."""

    process: subprocess.Popen
    url: str
    log: Path

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=START_S)

    def lines(self) -> list[dict]:
        """What it logged as JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def end(self) -> int:
        """Ask the supervisor to stop, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=START_S)


def environment(home, **changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTBALL_", "PYTHONPATH"))}
    own = {"BENTOML_HOME": str(home.folder), "BENTOML_DO_NOT_TRACK": "True", "FOOTBALL_DATABASE_URL": home.database_url}
    own["PYTHONDONTWRITEBYTECODE"] = "1"  # the bentos are shared, and stay as they were built
    own["FOOTBALL_HOME"] = str(home.folder.parent / "football")  # not the user's own, whose keys would sign
    return kept | own | changes


def football(home, *arguments: str, **changes: str) -> str:
    """Run the command line in a process of its own, from a folder that is not the checkout; return what it printed."""
    command = [sys.executable, "-m", "cli.main", *arguments]
    run = subprocess.run(
        command, env=environment(home, **changes), cwd=home.folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def serve(
    home, bento: str, python: Path, folder: Path, *, workers: int = 1, wait: bool = True, **changes: str
) -> Served:
    """Serve a bento on a free port from an empty folder, over a copy of the store in that folder."""
    store = folder / "matches.sqlite"
    shutil.copy(home.database_url.removeprefix("sqlite:///"), store)
    # A server empties the folder of its metrics when it starts, so two must not share a BENTOML_HOME.
    own = folder / "bentoml"
    own.mkdir(exist_ok=True)
    for name in ("models", "bentos"):
        if not (own / name).exists():
            (own / name).symlink_to(home.folder / name)
    settings = {
        "BENTOML_HOME": str(own),
        "FOOTBALL_DATABASE_URL": f"sqlite:///{store}",
        "FOOTBALL_HOME": str(folder),
        "FOOTBALL_SERVICE__WORKERS": str(workers),
        "FOOTBALL_PREDICTION_LOG__COMPARED_EVERY_S": "2",
        "FOOTBALL_SERVICE__PORT": str(port := free_port()),
    }
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [python, "-m", "bentoml", "serve", bento, "--timeout-graceful-shutdown", "25"],
            env=environment(home, **(settings | changes)),
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    running = Served(process, f"http://127.0.0.1:{port}", log)
    if wait:
        wait_until_ready(running)
    return running


def wait_until_ready(running: Served) -> None:
    end = time.monotonic() + START_S
    while not answers(running, "/readyz"):
        assert running.process.poll() is None, running.log.read_text()
        assert time.monotonic() < end, running.log.read_text()
        time.sleep(0.1)


def wait_until_alive(running) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{running.url}/livez", timeout=5.0).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(running.log.read_text())


def answers(running: Served, path: str) -> bool:
    try:
        return httpx.get(running.url + path, timeout=5.0).status_code == 200
    except httpx.TransportError:
        return False
