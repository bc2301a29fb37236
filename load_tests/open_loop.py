"""An open loop: requests leave when a Poisson clock says so, whether or not earlier ones were answered.

MLPerf's LoadGen (Server scenario) keeps the clock and the latencies, counted
from when a request was due and not from when it could be sent. This program
only carries its queries over HTTP/1.1 keep-alive connections.

    python open_loop.py PLAN.json

prints one JSON object.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import Any

import mlperf_loadgen as loadgen

RECEIVE_BYTES = 262_144
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
SWITCH_INTERVAL_S = 0.0002  # else a thread may hold the interpreter for 5 ms while another is due


class Carrier:
    """Send queries over a pool of connections and report each answer to LoadGen."""

    def __init__(self, port: int, connections: int, requests: list[bytes]) -> None:
        self.requests = requests
        self.failures = 0
        self.answers = 0
        self.waiting: deque[Any] = deque()
        self.free: deque[socket.socket] = deque()
        self._lock = threading.Lock()
        self._asked: dict[int, int] = {}
        self._received: dict[int, bytes] = {}
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._is_closed = False
        self._port = port
        self.free.extend(self._connect(port) for _ in range(connections))
        self._sent = 0
        threading.Thread(target=self._receive, daemon=True).start()

    def issue(self, samples: list[Any]) -> None:
        """Send what is due; what finds no free connection waits, and its clock runs."""
        for sample in samples:
            with self._lock:
                connection = self.free.popleft() if self.free else None
                if connection is None:
                    self.waiting.append(sample.id)
                    continue
            self._send(connection, sample.id)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Close the connections."""
        self._is_closed = True
        for connection in self._sockets.values():
            connection.close()

    def _connect(self, port: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = connection.fileno()
        self._sockets[number], self._received[number] = connection, b""
        self._poll.register(number, select.EPOLLIN)
        return connection

    def _send(self, connection: socket.socket, query: int) -> None:
        self._asked[connection.fileno()] = query
        request = self.requests[self._sent % len(self.requests)]
        self._sent += 1
        connection.sendall(request)

    def _receive(self) -> None:
        while not self._is_closed:
            for number, _ in self._poll.poll(0.5):
                self._take(number)

    def _take(self, number: int) -> None:
        connection = self._sockets[number]
        try:
            received = connection.recv(RECEIVE_BYTES)
        except ConnectionError:
            received = b""
        if not received:
            self._replace(number)
            return
        data = self._received[number] + received
        size = answer_size(data)
        if size is None or len(data) < size:
            self._received[number] = data
            return
        self._received[number] = b""
        self._finish(connection, self._asked.pop(number), is_good=data[9:10] == b"2")

    def _replace(self, number: int) -> None:
        """Open a new connection for one that the server closed; what it still owed is a failure."""
        self._poll.unregister(number)
        old, query = self._sockets.pop(number), self._asked.pop(number, None)
        if query is None:
            with self._lock:
                self.free.remove(old)
        old.close()
        new = self._connect(self._port)
        if query is not None:
            self._finish(new, query, is_good=False)
            return
        with self._lock:
            self.free.append(new)

    def _finish(self, connection: socket.socket, query: int, *, is_good: bool) -> None:
        self.answers += 1
        self.failures += not is_good
        loadgen.QuerySamplesComplete([loadgen.QuerySampleResponse(query, 0, 0)])
        with self._lock:
            following = self.waiting.popleft() if self.waiting else None
            if following is None:
                self.free.append(connection)
        if following is not None:
            self._send(connection, following)


def answer_size(data: bytes) -> int | None:
    r"""Return the bytes of the answer that begins the data, or None while its headers are not complete.

    >>> answer_size(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    40
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    found = LENGTH.search(data, 0, end)
    return end + 4 + (int(found.group(1)) if found else 0)


def run(plan: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run one plan: port, connections, rate (requests/s), seconds, requests (a file of length-prefixed requests)."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    carrier = Carrier(plan["port"], plan["connections"], read_requests(Path(plan["requests"])))
    settings = loadgen.TestSettings()
    settings.scenario = loadgen.TestScenario.Server
    settings.mode = loadgen.TestMode.PerformanceOnly
    settings.server_target_qps = plan["rate"]
    settings.server_target_latency_ns = 10**9
    settings.server_coalesce_queries = True
    settings.min_duration_ms = int(plan["seconds"] * 1_000)
    settings.min_query_count = 1
    log = loadgen.LogSettings()
    log.log_output.outdir = str(folder)
    log.log_output.copy_summary_to_stdout = False
    log.enable_trace = False
    system = loadgen.ConstructSUT(carrier.issue, carrier.flush)
    library = loadgen.ConstructQSL(1_024, 1_024, lambda _: None, lambda _: None)
    loadgen.StartTestWithLogSettings(system, library, settings, log)
    loadgen.DestroyQSL(library)
    loadgen.DestroySUT(system)
    carrier.close()
    summary = parse_summary((folder / "mlperf_log_summary.txt").read_text())
    return summary | {"answers": carrier.answers, "failures": carrier.failures}


def parse_summary(text: str) -> dict[str, float]:
    """Return rates and latencies in milliseconds out of LoadGen's summary."""
    names = {
        "scheduled_rate": r"Scheduled samples per second\s*: ([\d.]+)",
        "completed_rate": r"Completed samples per second\s*: ([\d.]+)",
        "p50_ms": r"50\.00 percentile latency \(ns\)\s*: (\d+)",
        "p90_ms": r"90\.00 percentile latency \(ns\)\s*: (\d+)",
        "p99_ms": r"99\.00 percentile latency \(ns\)\s*: (\d+)",
        "p999_ms": r"99\.90 percentile latency \(ns\)\s*: (\d+)",
        "max_ms": r"Max latency \(ns\)\s*: (\d+)",
    }
    values = {name: float(found.group(1)) for name, pattern in names.items() if (found := re.search(pattern, text))}
    return {name: value / 1e6 if name.endswith("_ms") else value for name, value in values.items()}


def write_requests(file: Path, requests: list[bytes]) -> None:
    """Write requests, each after its length in four bytes."""
    file.write_bytes(b"".join(len(request).to_bytes(4, "big") + request for request in requests))


def read_requests(file: Path) -> list[bytes]:
    """Read what ``write_requests`` wrote."""
    data, place, requests = file.read_bytes(), 0, []
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        requests.append(data[place + 4 : place + 4 + size])
        place += 4 + size
    return requests


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(run(json.loads(Path(sys.argv[1]).read_text()), Path(scratch))))
