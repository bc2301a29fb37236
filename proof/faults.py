"""Faults of processes: whom to hit, by process id, and when all is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psutil

from deploy.place import Place
from deploy.plan import Plan
from deploy.proxy import Orders
from deploy.slot import Slot, runs
from deploy.state import read_state
from proof.errors import ProofFailed
from proof.marks import Change, Kind

FAULTS: Final[tuple[Kind, ...]] = ("kill-worker", "kill-slot", "kill-supervisor", "kill-proxy", "stop-worker")
STOPPED_S: Final = 30.0
_WITHIN_S: Final = 90.0
_PAUSE_S: Final = 0.05
_WORKER: Final = "worker"  # in the command of a process that serves, as BentoML starts it


class Faults:
    """Hit the processes of a running release."""

    def __init__(self, place: Place, plan: Plan, stopped_s: float = STOPPED_S) -> None:
        self._place, self._plan, self._stopped_s = place, plan, stopped_s
        self._proxy = Orders(place)

    def strike(self, kind: Kind) -> Change:
        """Do what a kind says, wait until all is back, and return when it was. Raises ProofFailed if there is nothing to hit."""
        how = {
            "kill-worker": self._kill_worker,
            "kill-slot": self._kill_slot,
            "kill-supervisor": self._kill_supervisor,
            "kill-proxy": self._kill_proxy,
            "stop-worker": self._stop_worker,
        }
        return how[kind]()

    def _kill_worker(self) -> Change:
        slot = self._serving()
        workers = workers_of(slot)
        began = time.monotonic()
        workers[0].kill()
        is_back = _within(lambda: _serves(slot, count=len(workers), without=workers[0].pid))
        return _change("kill-worker", began, began, is_back, f"pid {workers[0].pid} in {slot.name}")

    def _kill_slot(self) -> Change:
        slot = self._serving()
        hit, count = slot.processes(), len(workers_of(slot))
        began = time.monotonic()
        for process in hit:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        is_back = _within(lambda: _serves(slot, count=count, without=hit[0].pid))
        return _change("kill-slot", began, began, is_back, f"{len(hit)} processes in {slot.name}")

    def _kill_supervisor(self) -> Change:
        slot = self._serving()
        supervisor, orphans = slot.supervisor(), workers_of(slot)
        if supervisor is None:
            raise ProofFailed(f"No supervisor runs in slot {slot.name}.")
        began = time.monotonic()
        supervisor.kill()
        is_back = _within(
            lambda: (
                not any(runs(orphan) for orphan in orphans)
                and _serves(slot, count=len(orphans), without=supervisor.pid)
            )
        )
        return _change("kill-supervisor", began, began, is_back, f"pid {supervisor.pid} in {slot.name}")

    def _kill_proxy(self) -> Change:
        pid = self._proxy.pid()
        if pid is None:
            raise ProofFailed("No proxy runs; release a bento first: football release")
        began = time.monotonic()
        psutil.Process(pid).kill()
        is_back = _within(lambda: self._proxy.pid() not in {None, pid})
        return _change("kill-proxy", began, began, is_back, f"pid {pid}")

    def _stop_worker(self) -> Change:
        slot = self._serving()
        worker = workers_of(slot)[0]
        began = time.monotonic()
        worker.suspend()
        try:
            time.sleep(self._stopped_s)
        finally:
            worker.resume()
        resumed = time.monotonic()
        is_back = _within(slot.is_ready)
        return _change("stop-worker", began, resumed, is_back, f"pid {worker.pid} in {slot.name}")

    def _serving(self) -> Slot:
        name = read_state(self._place).serving
        if name is None:
            raise ProofFailed("Nothing serves; release a bento first: football release")
        return Slot(self._place, self._plan, name)


def workers_of(slot: Slot) -> list[psutil.Process]:
    """Return the processes of a slot that serve requests. Raises ProofFailed if there is none."""
    found = []
    for process in slot.processes():
        with suppress(psutil.Error):
            if any(_WORKER in part for part in process.cmdline()):
                found.append(process)
    if not found:
        raise ProofFailed(f"No worker runs in slot {slot.name}.")
    return found


def _serves(slot: Slot, *, count: int, without: int) -> bool:
    """Return whether a slot is ready with as many workers as it had, without the one that was hit."""
    try:
        pids = [worker.pid for worker in workers_of(slot)]
    except ProofFailed:
        return False
    return len(pids) >= count and without not in pids and slot.is_ready()


def _within(is_back: Callable[[], bool]) -> bool:
    end = time.monotonic() + _WITHIN_S
    while not is_back():
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE_S)
    return True


def _change(kind: Kind, began: float, could: float, is_back: bool, hit: str) -> Change:
    ended = time.monotonic()
    said = hit if is_back else f"{hit}; not back within {_WITHIN_S:g} s"
    return Change(kind, began, ended, is_done=is_back, said=said, back_s=ended - could)
