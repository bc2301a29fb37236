"""What a service does when far more is asked than it can answer, by callers who ask again at once.

    python load_tests/overload.py --port 3000 [--times 2 5 10] [--eager 1000] [--items 20] [--seconds 20]

Asks a service that is running, as `football release` starts it. First its capacity, at 32 connections; then so many times
as much, by callers who wait a twentieth of a second before they ask again; then connections, each of which asks again as
soon as it is answered or refused. A prober counts latencies of those who are let in and of those who are refused, and how
long it takes after the load has gone until all is as before. Every question is computed. With ``--items``, each asks for so
many matches at a time. What refusing and asking cost the machine is not there for answers: the generator's share of a core
is printed, and refusing takes about as much.
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
CALLERS_PAUSE_S = 0.05  # a proxy has room for so many callers; with a longer pause it takes more of them
ONSET_S = 2.5
COMPUTED = b'{"force_recalculate":true,"prediction_type":"probability"}'
CALM_CONNECTIONS = 32
_PROBERS_PAUSE_S = 0.02
_CALM_MS = 100.0
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Asked:
    """Hold what is asked, over and over: paths and bodies, in order and paired, the shorter list again and again."""

    paths: list[str]
    bodies: list[bytes]
    method: str = "POST"

    def at(self, place: int) -> tuple[str, str, bytes]:
        """Return method, path and body of one request."""
        return self.method, self.paths[place % len(self.paths)], self.bodies[place % len(self.bodies)]


HEALTH = Asked(["/readyz"], [b""], "GET")


@dataclass
class Probes:
    """Hold when they asked and how many seconds it took, by status, of those who ask over a connection of their own."""

    by_status: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    def ms(self, share: float, *statuses: int, after_s: float = 0.0) -> float:
        """Return a percentile over some statuses, of those who asked so long after the beginning; NaN if there are none."""
        asked = (one for status in statuses for one in self.by_status.get(status, []))
        ordered = sorted(seconds for at_s, seconds in asked if at_s >= after_s)
        return 1e3 * ordered[int(share * (len(ordered) - 1))] if ordered else float("nan")


@dataclass(frozen=True)
class Row:
    """Hold one load: goodput a second, percentiles in milliseconds, seconds until all was as before.

    Nobody is refused until callers have waited long for a second without a break; percentiles of those who are let in are
    told apart for that time, ``ONSET_S``, and for all that follows.
    """

    name: str
    asked_per_s: float
    generator_cpu: float
    goodput: float
    refused_share: float
    accepted_p50_ms: float
    accepted_p99_ms: float
    accepted_p99_at_onset_ms: float
    refused_p99_ms: float
    health_p99_ms: float
    recovered_s: float
    other: dict[int, int]


class Prober:
    """Ask every now and then, each time over a new connection."""

    def __init__(self, port: int, asked: Asked) -> None:
        self.probes = Probes()
        self._port, self._asked = port, asked
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
        number, begun = 0, time.perf_counter()
        while not self._is_over.wait(_PROBERS_PAUSE_S):
            at_s = time.perf_counter() - begun
            status, seconds = ask(self._port, *self._asked.at(number))
            self.probes.by_status.setdefault(status, []).append((at_s, seconds))
            number += 1


def ask(port: int, method: str, path: str, body: bytes) -> tuple[int, float]:
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


def measured(name: str, port: int, asked: Asked, connections: int, seconds: float, pause_s: float = 0.0) -> Row:
    """Load the service and return what it did."""
    with Prober(port, asked) as prober, Prober(port, HEALTH) as health:
        load = _load(port, asked, connections, seconds, pause_s)
    ended = time.perf_counter()
    while time.perf_counter() - ended < 60.0:
        status, took_s = ask(port, *asked.at(0))
        if status == 200 and 1e3 * took_s < _CALM_MS:
            break
        time.sleep(_PROBERS_PAUSE_S)
    refusals = (503, 429)
    known = {200, *refusals}
    return Row(
        name=name,
        asked_per_s=load.rate,
        generator_cpu=load.generator_cpu,
        goodput=(load.requests - load.errors) / load.seconds,
        refused_share=load.errors / max(load.requests, 1),
        accepted_p50_ms=prober.probes.ms(0.5, 200, after_s=ONSET_S),
        accepted_p99_ms=prober.probes.ms(0.99, 200, after_s=ONSET_S),
        accepted_p99_at_onset_ms=prober.probes.ms(0.99, 200),
        refused_p99_ms=prober.probes.ms(0.99, *refusals),
        health_p99_ms=health.probes.ms(0.99, *health.probes.by_status, after_s=ONSET_S),
        recovered_s=time.perf_counter() - ended,
        other={status: len(found) for status, found in prober.probes.by_status.items() if status not in known},
    )


def _load(port: int, asked: Asked, connections: int, seconds: float, pause_s: float = 0.0) -> Capacity:
    return run_wrk(port, asked.paths, asked.bodies, connections=connections, seconds=seconds, pause_s=pause_s)


def _asked(port: int, items: int) -> Asked:
    ids = fixtures.match_ids(port, most=5_000)
    if items == 1:
        return Asked([fixtures.path_of(one) for one in ids], [COMPUTED])
    bodies = fixtures.batch_bodies(ids, items, prediction_type="probability", is_computed=True)
    return Asked([fixtures.BATCH_PATH], bodies)


def main(arguments: list[str]) -> int:
    """Run it; the exit code is 1 if a request was neither answered nor refused."""
    options = _options(arguments)
    asked = _asked(options.port, options.items)
    calm = _load(options.port, asked, CALM_CONNECTIONS, options.seconds)
    print(
        f"capacity {calm.rate:,.0f}/s at {CALM_CONNECTIONS} connections, p99 {calm.p99_ms:.0f} ms, {calm.errors} refused"
    )
    rows = []
    for times in options.times:
        callers = round(times * calm.rate * CALLERS_PAUSE_S)
        rows.append(
            measured(f"{times:g} times capacity", options.port, asked, callers, options.seconds, CALLERS_PAUSE_S)
        )
    rows += [measured(f"{eager} eager callers", options.port, asked, eager, options.seconds) for eager in options.eager]
    for row in rows:
        print(
            f"{row.name}: asked {row.asked_per_s:,.0f}/s, answered {row.goodput:,.0f}/s "
            f"({row.goodput / calm.rate:.0%} of capacity), let in p50 {row.accepted_p50_ms:.0f}, p99 "
            f"{row.accepted_p99_ms:.0f} ms ({row.accepted_p99_at_onset_ms:.0f} with the onset), "
            f"refused p99 {row.refused_p99_ms:.0f} ms, health p99 {row.health_p99_ms:.0f} ms, "
            f"as before after {row.recovered_s:.2f} s, generator {row.generator_cpu:.0%} of a core"
            + (f", neither: {row.other}" if row.other else "")
        )
    told = {"machine": machine.described(), "capacity": asdict(calm), "loads": [asdict(row) for row in rows]}
    options.reports.mkdir(parents=True, exist_ok=True)
    (options.reports / "overload.json").write_text(json.dumps(told, indent=1) + "\n")
    return 1 if any(row.other for row in rows) else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--times", type=float, nargs="*", default=[2.0, 5.0, 10.0], help="of capacity")
    parser.add_argument("--eager", type=int, nargs="*", default=[1_000], help="callers who ask again at once")
    parser.add_argument("--items", type=int, default=1, help="matches that a request asks for")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
