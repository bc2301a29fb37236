"""Keeping it running: what dies is started again, as the state says.

BentoML replaces dead workers of a server; nobody replaces a dead server or a
dead proxy. The keeper does, and nothing else: it changes no state.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from contextlib import suppress
from typing import Final

import psutil

from deploy.durable import write_durably
from deploy.errors import AnotherIsAtIt, StateUnreadable
from deploy.lock import held
from deploy.place import Place
from deploy.plan import Plan
from deploy.proxy import Orders, configuration, haproxy
from deploy.slot import Slot, runs
from deploy.state import State, read_state

log = logging.getLogger("football.keeper")

_LOOK_S: Final = 0.2
_BETWEEN_STARTS_S: Final = 0.5  # a proxy whose port is taken ends at once, each time
_SERVERS_EVERY: Final = 3  # looks; finding a slot's processes reads what runs on the machine


class Keeper:
    """Keep one service running."""

    def __init__(self, place: Place, plan: Plan) -> None:
        self._place, self._plan = place, plan
        self._orders = Orders(place)
        self._proxy: subprocess.Popen[bytes] | None = None
        self._next_start = 0.0
        self._supervisors: dict[str, psutil.Process] = {}  # by slot; looking for one means looking at every process

    def run(self) -> bool:
        """Keep things running until the state says that nothing is wanted; False at once if another keeper does."""
        try:
            with held(self._place.keeper_lock):
                self._keep()
        except AnotherIsAtIt:
            return False
        return True

    def _keep(self) -> None:
        looks = 0
        while True:
            try:
                now = read_state(self._place)
            except StateUnreadable:
                log.exception("the state cannot be read; all is left as it is")
            else:
                if not now.is_wanted:
                    self._end_proxy()
                    return
                self._look(now, servers_too=looks % _SERVERS_EVERY == 0)
            looks += 1
            time.sleep(_LOOK_S)

    def _look(self, now: State, *, servers_too: bool) -> None:
        if self._orders.pid() is None and time.monotonic() >= self._next_start:
            self._start_proxy(now)
        if servers_too and any(self._is_dead(name) for name in now.running):
            self._start_servers()

    def _is_dead(self, name: str) -> bool:
        known = self._supervisors.get(name)
        if known is None or not runs(known):
            known = Slot(self._place, self._plan, name).supervisor()
        if known is not None:
            self._supervisors[name] = known
        return known is None

    def _start_servers(self) -> None:
        """Start dead servers again; not while another process is about to start and stop servers itself."""
        with suppress(AnotherIsAtIt, StateUnreadable), held(self._place.lock):
            for name, tag in read_state(self._place).running.items():
                if self._is_dead(name):
                    log.error("no server runs in slot %s; starting %s again", name, tag)
                    slot = Slot(self._place, self._plan, name)
                    slot.stop()  # workers without a supervisor still hold the port
                    self._supervisors[name] = slot.start(tag)

    def _start_proxy(self, now: State) -> None:
        """Start HAProxy; one that an earlier keeper started is left in peace, for it answers."""
        if self._proxy is not None:
            log.error("the proxy ended with %s; starting it again", self._proxy.poll())
        self._next_start = time.monotonic() + _BETWEEN_STARTS_S
        file = self._place.root / "haproxy.cfg"
        write_durably(file, configuration(self._place, self._plan, now).encode())
        with self._place.log("proxy").open("ab") as out:
            self._proxy = subprocess.Popen(  # noqa: S603 - the proxy that was found, no shell
                [haproxy(), "-f", str(file), "-db"],
                cwd=file.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _end_proxy(self) -> None:
        """Have HAProxy take no more requests and finish those it has; end it where that takes long."""
        pid = self._orders.pid()
        if pid is None:
            return
        proxy = psutil.Process(pid)
        for order in (signal.SIGUSR1, signal.SIGTERM, signal.SIGKILL):
            with suppress(psutil.Error):
                proxy.send_signal(order)
            if psutil.wait_procs([proxy], timeout=self._plan.drain_within_s)[0]:
                return
