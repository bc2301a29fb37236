"""What a service does when far more is asked than it can answer, by callers who ask again at once.

    python load_tests/overload.py --port 3000 [--connections 200 1000 3000] [--seconds 20]

Asks a service that is running, as `football release` starts it. First its capacity, at 32 connections; then as many as are
named, each of which asks again as soon as it is answered or refused. A prober counts latencies of those who are let in and
of those who are refused, and how long it takes after the load has gone until all is as before. Every question is computed.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import fixtures
import machine
from wrk import Capacity, run_wrk

REPORTS = Path(__file__).parent / "reports"
COMPUTED = b'{"force_recalculate":true,"prediction_type":"probability"}'
CALM_CONNECTIONS = 32
_PAUSE_S = 0.02
_CALM_MS = 100.0
_PATIENCE_S = 10.0


@dataclass
class Probes:
    """Hold seconds by status of those who ask over a connection of their own, as the load goes on."""

    by_status: dict[int, list[float]] = field(default_factory=dict)

    def p99_ms(self, *statuses: int) -> float:
        """Return the 99th percentile over some statuses; NaN if there are none."""
        ordered = sorted(seconds for status in statuses for seconds in self.by_status.get(status, []))
        return 1e3 * ordered[int(0.99 * (len(ordered) - 1))] if ordered else float("nan")


@dataclass(frozen=True)
class Row:
    """Hold one load: goodput a second, percentiles in milliseconds, seconds until all was as before."""

    connections: int
    asked_per_s: float
    goodput: float
    refused_share: float
    accepted_p99_ms: float
    refused_p99_ms: float
    health_p99_ms: float
    recovered_s: float
    other: dict[int, int]


class Prober:
    """Ask every now and then, each time over a new connection."""

    def __init__(self, port: int, paths: list[str], *, method: str = "POST", body: bytes = COMPUTED) -> None:
        self.probes = Probes()
        self._port, self._paths, self._method, self._body = port, paths, method, body
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """End."""
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._is_over.wait(_PAUSE_S):
            status, seconds = ask(self._port, self._paths[number % len(self._paths)], self._method, self._body)
            self.probes.by_status.setdefault(status, []).append(seconds)
            number += 1


def ask(port: int, path: str, method: str, body: bytes) -> tuple[int, float]:
    """Return status and seconds of one request over a connection of its own; 0 where it was not answered."""
    begun = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request(method, path, body or None, {"content-type": "application/json"} if body else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - begun
    except (OSError, HTTPException):
        return 0, time.perf_counter() - begun
    finally:
        connection.close()


def measured(port: int, paths: list[str], connections: int, seconds: float) -> Row:
    """Load the service and return what it did."""
    with Prober(port, paths) as prober, Prober(port, ["/readyz"], method="GET", body=b"") as health:
        load = _load(port, paths, connections, seconds)
    ended = time.perf_counter()
    while time.perf_counter() - ended < 60.0:
        status, took_s = ask(port, paths[0], "POST", COMPUTED)
        if status == 200 and 1e3 * took_s < _CALM_MS:
            break
        time.sleep(_PAUSE_S)
    refusals = (503, 429)
    known = {200, *refusals}
    return Row(
        connections=connections,
        asked_per_s=load.rate,
        goodput=(load.requests - load.errors) / load.seconds,
        refused_share=load.errors / max(load.requests, 1),
        accepted_p99_ms=prober.probes.p99_ms(200),
        refused_p99_ms=prober.probes.p99_ms(*refusals),
        health_p99_ms=health.probes.p99_ms(*health.probes.by_status),
        recovered_s=time.perf_counter() - ended,
        other={status: len(found) for status, found in prober.probes.by_status.items() if status not in known},
    )


def _load(port: int, paths: list[str], connections: int, seconds: float) -> Capacity:
    return run_wrk(port, paths, [COMPUTED], connections=connections, seconds=seconds)


def main(arguments: list[str]) -> int:
    """Run it; the exit code is 1 if a request was neither answered nor refused."""
    options = _options(arguments)
    paths = [fixtures.path_of(one) for one in fixtures.match_ids(options.port, most=5_000)]
    calm = _load(options.port, paths, CALM_CONNECTIONS, options.seconds)
    print(
        f"capacity {calm.rate:,.0f}/s at {CALM_CONNECTIONS} connections, p99 {calm.p99_ms:.0f} ms, {calm.errors} refused"
    )
    rows = [measured(options.port, paths, connections, options.seconds) for connections in options.connections]
    for row in rows:
        print(
            f"{row.connections:>5} connections: asked {row.asked_per_s:,.0f}/s, answered {row.goodput:,.0f}/s "
            f"({row.goodput / calm.rate:.0%} of capacity), let in p99 {row.accepted_p99_ms:.0f} ms, refused p99 "
            f"{row.refused_p99_ms:.0f} ms, health p99 {row.health_p99_ms:.0f} ms, as before after {row.recovered_s:.2f} s"
            + (f", neither: {row.other}" if row.other else "")
        )
    told = {"machine": machine.described(), "capacity": asdict(calm), "loads": [asdict(row) for row in rows]}
    options.reports.mkdir(parents=True, exist_ok=True)
    (options.reports / "overload.json").write_text(json.dumps(told, indent=1) + "\n")
    return 1 if any(row.other for row in rows) else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--connections", type=int, nargs="+", default=[200, 1_000, 3_000])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
