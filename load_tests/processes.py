"""Servers as process trees: started in a group of their own, measured, and always ended.

Knows nothing of football. Every process is addressed by its id or by the id of
the group that was made for it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import psutil

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0
END_TIMEOUT_S = 15.0
PAUSE_S = 0.02


class NotStarted(Exception):
    """Say which server did not come up, and show the end of what it wrote."""


@dataclass(frozen=True)
class Usage:
    """Hold what a process tree has used so far.

    Attributes:
        cpu_s: User and system seconds of the processes that still live.
        rss_bytes, uss_bytes: Resident and unshared memory by process id.
    """

    cpu_s: float
    rss_bytes: dict[int, int]
    uss_bytes: dict[int, int]

    @property
    def largest_rss_bytes(self) -> int:
        """Return the resident memory of the largest process: the worker, not its supervisor."""
        return max(self.rss_bytes.values(), default=0)


class ServerProcess:
    """Run a server in a process group of its own until the block is left.

    Args:
        name: For messages.
        command: Arguments; the program is found by its path.
        port: Where it listens on 127.0.0.1.
        ready_path: Answers 200 as soon as it can be asked.
        environment: Added to this process's.
        folder: Working folder; its output goes to ``<name>.log`` there.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        port: int,
        ready_path: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        is_ready: Callable[[int, str], bool] | None = None,
    ) -> None:
        self.name = name
        self.port = port
        self.start_to_ready_s = 0.0
        self._command = list(command)
        self._environment = dict(os.environ) | dict(environment or {})
        self._folder = folder
        self._ready_path = ready_path
        self._answers = is_ready or answers_200
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the base address."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Return the id of the process that was started, which is also that of its group."""
        if self._process is None:
            raise NotStarted(f"{self.name} is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        """Start it and wait until it is ready. Raises NotStarted."""
        begun = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(begun)
        except BaseException:
            self.end()
            raise
        self.start_to_ready_s = time.perf_counter() - begun
        return self

    def __exit__(self, *_exception: object) -> None:
        """End it."""
        self.end()

    def end(self) -> None:
        """End every process of the tree: politely first, then for good."""
        if self._process is None:
            return
        tree = self.processes()
        _signal_group(self._process.pid, signal.SIGTERM)
        _, alive = psutil.wait_procs(tree, timeout=END_TIMEOUT_S)
        if alive:
            _signal_group(self._process.pid, signal.SIGKILL)
            for process in alive:  # a child may have left the group
                _kill(process)
        self._process.wait()
        self._process = None

    def processes(self) -> list[psutil.Process]:
        """Return the living processes of the tree, the one that was started first."""
        try:
            first = psutil.Process(self.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def usage(self) -> Usage:
        """Measure the tree as it is now."""
        cpu_s, rss, uss = 0.0, {}, {}
        for process in self.processes():
            try:
                times, memory = process.cpu_times(), process.memory_full_info()
            except psutil.Error:
                continue
            cpu_s += times.user + times.system
            rss[process.pid], uss[process.pid] = memory.rss, memory.uss
        return Usage(cpu_s, rss, uss)

    def last_words(self, lines: int = 12) -> str:
        """Return the end of what the server wrote."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _wait_until_ready(self, begun: float) -> None:
        process = self._process
        while time.perf_counter() - begun < START_TIMEOUT_S:
            if process is None or process.poll() is not None:
                raise NotStarted(f"{self.name} ended before it was ready:\n{self.last_words()}")
            if self._answers(self.port, self._ready_path):
                return
            time.sleep(PAUSE_S)
        raise NotStarted(f"{self.name} was not ready within {START_TIMEOUT_S:.0f} s:\n{self.last_words()}")


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def answers_200(port: int, path: str) -> bool:
    """Return whether a GET is answered 200."""
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
