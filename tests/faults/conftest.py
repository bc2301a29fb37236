"""A release of the small world in a place and on ports of its own, and a second bento to release in its stead."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from small_world import train

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from serving import environment, football, free_port

QUICK = {
    "FOOTBALL_RELEASE__STEPS": "[50]",
    "FOOTBALL_RELEASE__STEP_S": "0.3",
    # A busy machine is no reason to refuse a release or to take it back here.
    "FOOTBALL_RELEASE__LEAST_SLOW_S": "5",
    "FOOTBALL_GATE__LEAST_SLOW_MEDIAN_MS": "60",
    "FOOTBALL_GATE__LEAST_SLOW_P99_MS": "2000",
    "FOOTBALL_RELEASE__READY_WITHIN_S": "120",
    "FOOTBALL_RELEASE__STANDS_BACK": "false",  # behind other tests, not behind what serves
}
COMMAND_S = 240


@dataclass(frozen=True)
class Deployment:
    """Two bentos, and the settings of a release of theirs."""

    home: object
    folder: Path
    settings: dict[str, str]
    bentos: tuple[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings['FOOTBALL_SERVICE__PORT']}"

    def start(self, *arguments: str) -> subprocess.Popen:
        """Begin a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            env=environment(self.home, **self.settings),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run a command to its end."""
        started = self.start(*arguments)
        out, err = started.communicate(timeout=COMMAND_S)
        return subprocess.CompletedProcess(arguments, started.returncode, out, err)

    def status(self) -> dict:
        return json.loads(self.run("status", "--json").stdout)

    def processes(self) -> list[psutil.Process]:
        """All that was started for it and still runs, commands, keeper and proxy included."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                is_ours = process.environ().get("FOOTBALL_HOME") == str(self.folder)
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


@pytest.fixture(scope="module")
def deployment(home) -> Iterator[Deployment]:
    """Nothing is released yet; whatever is, is taken down at the end."""
    folder = Path(tempfile.mkdtemp(prefix="football-"))
    models = (home.tag, train(home.matches, seed=8))
    bentos = [json.loads(football(home, "build", model, "--json"))["bento"] for model in models]
    ports = [free_port() for _ in range(3)]
    settings = QUICK | {
        "FOOTBALL_HOME": str(folder),
        "FOOTBALL_SERVICE__PORT": str(ports[0]),
        "FOOTBALL_RELEASE__SLOT_PORTS": str(ports[1:]),
    }
    # Every request of all of this needs a key: the proof has one, the deployer one of its own.
    key = football(home, "keys", "add", "prover", FOOTBALL_HOME=str(folder)).strip()
    settings["FOOTBALL_API_KEY"] = key
    made = Deployment(home, folder, settings, (bentos[0], bentos[1]))
    yield made
    made.run("down")
    left = made.processes()
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=10)
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"football down left {left}"
