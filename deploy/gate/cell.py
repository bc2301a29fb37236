"""The throw-away place in which bentos are started to be examined; nothing real lies in it."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from deploy.gate.asking import Asker
from deploy.gate.bounds import Bounds
from deploy.gate.last_words import reason_in, refusal_in
from deploy.place import SLOTS, Place
from deploy.plan import TOKEN, Plan
from deploy.priority import Background
from deploy.slot import HOME, Slot
from trust.keyring import FLOOR, REVOKED, TRUSTED

SQLITE: Final = "sqlite:///"
_PAUSE_S: Final = 0.1
_GRACE_S: Final = 3.0
_PATIENCE_S: Final = 5.0

# Only what every bento knows, or does not look at: an older one refuses settings of a section that it does not know.
_SETTINGS: Final = {
    "FOOTBALL_SERVICE__WORKERS": "1",
    "FOOTBALL_SERVICE__MAX_BATCH_SIZE": "100",
    "FOOTBALL_REDIS_URL": "",
    "FOOTBALL_CACHE_SECRET": "",
    "FOOTBALL_RECORDING__FOLDER": "",
    "FOOTBALL_PREDICTION_LOG__ENABLED": "false",  # what is examined is no forecast of the service
    "FOOTBALL_API_KEYS_FILE": "",  # and none is copied: whoever is in the cell may ask
    TOKEN: "",
    "PYTHONDONTWRITEBYTECODE": "1",  # the kept copy stays as it was signed
}


class DidNotStart(Exception):
    """Say why a server did not become ready."""


@dataclass(frozen=True, slots=True)
class Server:
    """Hold a server that was started in a cell.

    Attributes:
        began: By ``time.monotonic``.
    """

    slot: Slot
    process: psutil.Process
    ask: Asker
    began: float

    def wait_ready(self, within_s: float) -> float:
        """Wait until it is ready and return the seconds that it took. Raises DidNotStart as soon as it cannot be."""
        given_up_at = self.began + within_s
        background = Background(psutil.Process())
        while time.monotonic() < given_up_at:
            if self.slot.plan.stands_back:
                background.stand_back()  # both servers: what is examined is how they compare
            if self.slot.is_ready():
                return time.monotonic() - self.began
            log = self.log()
            if not _runs(self.process):
                raise DidNotStart(f"the server ended before it was ready: {reason_in(log)}")
            if told := refusal_in(log):
                raise DidNotStart(told)
            if "Traceback (most recent call last)" in log:
                # A worker that failed is started again and again; what it says once will not change.
                given_up_at = min(given_up_at, time.monotonic() + _GRACE_S)
            time.sleep(_PAUSE_S)
        waited = time.monotonic() - self.began
        raise DidNotStart(f"the server was not ready within {waited:.1f} s: {reason_in(self.log())}")

    def memory_mb(self) -> float:
        """Return the resident memory of all its processes in 10^6 bytes."""
        total = 0
        for process in self.slot.processes():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total / 1e6

    def log(self) -> str:
        """Return what it has logged."""
        with suppress(OSError):
            return self.slot.place.log(self.slot.name).read_text(encoding="utf-8", errors="replace")
        return ""


class Cell:
    """Start servers whose files all lie in one folder.

    Args:
        root: Made for this, and removed afterwards by ``swept``.
        plan: As for a release; the servers see a copy of its store, and nothing of its Redis.
    """

    def __init__(self, root: Path, plan: Plan, bounds: Bounds) -> None:
        self._place = Place(root)
        self._place.make()
        home = root / "home"
        home.mkdir(exist_ok=True)
        copied_keyring(plan.environment.get("FOOTBALL_HOME", ""), home / "keys")
        url = copied_store(plan.environment.get("FOOTBALL_DATABASE_URL", ""), home / "matches.sqlite")
        environment = {**plan.environment, "FOOTBALL_HOME": str(home), "FOOTBALL_DATABASE_URL": url, **_SETTINGS}
        self._plan = replace(plan, host="127.0.0.1", slot_ports=_free_ports(), environment=environment)
        self._within_s = bounds.answer_within_s
        self._taken = 0

    def start(self, folder: Path, tag: str) -> Server:
        """Start a kept bento; two at most."""
        slot = Slot(self._place, self._plan, SLOTS[self._taken])
        self._taken += 1
        slot.mount(folder)
        began = time.monotonic()
        return Server(slot, slot.start(tag), Asker(self._plan.host, slot.port, self._within_s), began)


def copied_keyring(home: str, folder: Path) -> None:
    """Copy whom this machine believes; never what it signs with."""
    keys = Path(home) / "keys"
    for name in (TRUSTED, REVOKED):
        if (keys / name).is_dir():
            shutil.copytree(keys / name, folder / name)
    if (keys / FLOOR).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(keys / FLOOR, folder / FLOOR)


def copied_store(url: str, file: Path) -> str:
    """Copy the match store of a URL as of one instant, and return the URL of the copy; only SQLite's can be copied.

    So the candidate cannot touch it, and two servers know the same results.
    """
    source = Path(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE) or not source.is_file():
        return url
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as real, closing(sqlite3.connect(file)) as copy:
        real.backup(copy)
    return f"{SQLITE}{file}"


@contextmanager
def swept(root: Path) -> Iterator[Path]:
    """Give an empty folder for a cell; before and after, end whatever runs in it, and remove it."""
    sweep(root)
    root.mkdir(parents=True)
    try:
        yield root
    finally:
        sweep(root)


def sweep(root: Path) -> None:
    """Kill the processes that were started in a cell, found by their BENTOML_HOME also when their parent is gone."""
    end = time.monotonic() + _PATIENCE_S
    while (left := list(_processes(root))) and time.monotonic() < end:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=1.0)
    shutil.rmtree(root, ignore_errors=True)


def _processes(root: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_ours = Path(process.environ().get(HOME, "/")).is_relative_to(root)
            if is_ours and process.pid != os.getpid() and _runs(process):
                yield process


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
