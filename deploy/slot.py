"""A slot: a folder of its own for BentoML, a port, and the server that runs there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil

from deploy.errors import NotReady
from deploy.place import SLOTS, Place
from deploy.plan import Plan
from deploy.priority import Background

HOME: Final = "BENTOML_HOME"
GRACEFUL_S: Final = 20
STORES: Final = ("bentos", "models")
"""Folders of a kept release that are a server's BentoML stores."""

PAST: Final = "past"
"""Folder beside the stores of a kept release, in which its servers keep what replaying old matches took them seconds for."""

_PAUSE_S: Final = 0.2
_LOG_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Slot:
    """Start, watch and end the server of one slot.

    Every slot has a BENTOML_HOME of its own: BentoML empties the folder of the metrics when a server starts, whoever
    else uses it. By that variable the processes of a slot are found, also when their parent is gone.
    """

    place: Place
    plan: Plan
    name: str

    @property
    def port(self) -> int:
        """Return where its server listens."""
        return self.plan.slot_ports[SLOTS.index(self.name)]

    @property
    def url(self) -> str:
        """Return the address of its server."""
        return f"http://{self.plan.host}:{self.port}"

    @property
    def home(self) -> Path:
        """Return its BENTOML_HOME."""
        return self.place.slot(self.name) / "bentoml"

    def mount(self, kept: Path) -> None:
        """Have its stores be those of a kept release."""
        self.home.mkdir(parents=True, exist_ok=True)
        for store in STORES:
            aside = self.home / f".{store}.new"
            aside.unlink(missing_ok=True)
            aside.symlink_to(kept / store)
            aside.replace(self.home / store)

    def start(self, tag: str) -> psutil.Process:
        """Start a server of a mounted bento, in a session of its own so that it outlives this process."""
        environment = dict(os.environ) | dict(self.plan.environment) | {HOME: str(self.home)}
        environment["FOOTBALL_SERVICE__PORT"] = str(self.port)
        environment["FOOTBALL_PAST_FOLDER"] = str((self.home / STORES[0]).resolve().parent / PAST)
        command = [sys.executable, "-m", "bentoml", "serve", tag, "--host", self.plan.host, "--port", str(self.port)]
        command += ["--timeout-graceful-shutdown", str(GRACEFUL_S)]
        with self.place.log(self.name).open("ab") as log:
            started = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                command,
                env=environment,
                cwd=self.place.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return psutil.Process(started.pid)

    def wait_ready(self, server: psutil.Process, *, stands_back: bool = False) -> None:
        """Wait until a server says that it is ready. Raises NotReady if it ends or takes too long.

        Args:
            stands_back: Whether it has, until then, only what others leave of the processor.
        """
        background = Background(server)
        end = time.monotonic() + self.plan.ready_within_s
        while time.monotonic() < end:
            if stands_back:
                background.stand_back()
            if not runs(server):
                raise NotReady(f"The server in slot {self.name} ended before it was ready.{self._last_words()}")
            if self.is_ready():
                background.step_forward()
                return
            time.sleep(_PAUSE_S)
        raise NotReady(
            f"The server in slot {self.name} was not ready within {self.plan.ready_within_s:g} s.{self._last_words()}"
        )

    def is_ready(self) -> bool:
        """Return whether a server of this slot answers that it is ready."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=2.0, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def supervisor(self) -> psutil.Process | None:
        """Return the process that replaces dead workers; None where it is gone."""
        mine = {process.pid: process for process in self.processes()}
        for process in mine.values():
            with suppress(psutil.Error):
                if "serve" in process.cmdline() and process.ppid() not in mine:
                    return process
        return None

    def processes(self) -> list[psutil.Process]:
        """Return all processes that were started for this slot and still run, oldest first."""
        return sorted(self._found(), key=lambda process: process.pid)

    def _found(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and runs(process) and process.environ().get(HOME) == str(self.home):
                    yield process

    def stop(self) -> None:
        """End whatever runs in this slot: first asked to, then killed. Harmless where nothing does."""
        supervisor = self.supervisor()
        if supervisor is not None:
            with suppress(psutil.Error):
                supervisor.terminate()
            self._wait_until_gone(GRACEFUL_S + 5)
        for end in (psutil.Process.terminate, psutil.Process.kill):
            left = self.processes()
            for process in left:
                with suppress(psutil.Error):
                    end(process)
            self._wait_until_gone(5)

    def _wait_until_gone(self, seconds: float) -> None:
        """Wait for processes to end, not for their parents to take notice: the keeper does not of those it started."""
        end = time.monotonic() + seconds
        while self.processes() and time.monotonic() < end:
            time.sleep(_PAUSE_S)

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = self.place.log(self.name).read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
            return " The last it logged:\n" + "\n".join(lines)
        return ""


def runs(process: psutil.Process) -> bool:
    """Return whether a process has not ended; one that nobody has collected yet has."""
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
