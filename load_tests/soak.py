"""Memory over many requests: flat, or the test fails.

    python load_tests/soak.py [--requests 1000000] [--bound-mib 20] [--plant-leak]

Drives mixed requests in slices, measures each worker between them, and fits a
line to what came after the warm-up. Passes if the upper 95 % bound of the
growth over 10^6 requests stays under the bound for every worker. With
``--plant-leak`` the same check runs on a server that keeps 1 kB of each
request; the exit code is then 0 only if the check catches it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import fixtures
from contenders import PEERS, Asked
from machine import described
from processes import ServerProcess, free_port
from sampling import batch_problem, settle
from server import copied_home, football_server
from slope import Slope, fitted_slope
from wrk import Capacity, run_wrk

MILLION = 1_000_000
MIB = 2**20
SLICES = 40
WARM_UP_SHARE = 0.25  # caches fill and the allocator settles
CONNECTIONS = 32
MIXED_PATHS = 20_000
REPORTS = Path(__file__).parent / "reports"


def main(arguments: list[str]) -> int:
    """Run the check and report; return 0 if memory is flat and no answer was wrong, or if a planted leak is caught."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="football-soak-") as scratch:
        server = _leaky(Path(scratch)) if options.plant_leak else _football(Path(scratch))
        with server:
            asked = _nothing() if options.plant_leak else _mixed(server.port)
            samples = drive(server, asked, options.requests)
    report = judged(samples, bound_bytes=options.bound_mib * MIB, warm_up_requests=options.requests * WARM_UP_SHARE)
    report["machine"] = described()
    options.reports.mkdir(parents=True, exist_ok=True)
    name = "soak_planted_leak" if options.plant_leak else "soak"
    (options.reports / f"{name}.json").write_text(json.dumps(report | {"samples": samples}, indent=1))
    _show(report, options)
    if options.plant_leak:
        return int(report["is_flat"])
    return int(not report["is_flat"] or report["errors"] > 0)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=MILLION, help="in all; the bound is for 10^6 all the same")
    parser.add_argument("--bound-mib", type=float, default=20.0, help="most growth over 10^6 requests, of each worker")
    parser.add_argument("--plant-leak", action="store_true")
    parser.add_argument("--reports", type=Path, default=REPORTS)
    return parser.parse_args(arguments)


def drive(server: ServerProcess, asked: Asked, requests: int) -> list[dict[str, Any]]:
    """Send about so many requests in slices; return one sample after each slice."""
    probe = _slice(server, asked, seconds=3, first=0)
    seconds = max(1, round(requests / max(probe.rate, 1.0) / SLICES))
    samples, sent = [], probe.requests
    while sent < requests:
        run = _slice(server, asked, seconds=seconds, first=sent)
        sent += run.requests
        used = server.usage()
        samples.append(
            {
                "requests": sent,
                "rate": run.rate,
                "errors": run.errors + run.broken,
                "rss": used.rss_bytes,
                "uss": used.uss_bytes,
            }
        )
        if len(samples) % 5 == 0:
            largest = used.largest_rss_bytes / MIB
            print(f"{sent:>9,} requests, {run.rate:,.0f}/s, worker {largest:.1f} MiB", file=sys.stderr, flush=True)
    return samples


def _slice(server: ServerProcess, asked: Asked, *, seconds: float, first: int) -> Capacity:
    return run_wrk(server.port, asked.paths, asked.bodies, connections=CONNECTIONS, seconds=seconds, first=first)


def judged(samples: list[dict[str, Any]], *, bound_bytes: float, warm_up_requests: float) -> dict[str, Any]:
    """Fit unshared and resident memory of each process after the warm-up and compare the growth with the bound."""
    kept = [sample for sample in samples if sample["requests"] >= warm_up_requests]
    x = [sample["requests"] for sample in kept]
    processes: list[dict[str, Any]] = []
    for pid in kept[-1]["rss"]:
        if all(pid in sample["rss"] for sample in kept):
            line = {kind: fitted_slope(x, [sample[kind][pid] for sample in kept]) for kind in ("uss", "rss")}
            processes.append(_verdict(pid, line, kept[-1]["rss"][pid], bound_bytes))
    steady = all(set(sample["rss"]) == set(kept[0]["rss"]) for sample in kept)
    return {
        "requests": samples[-1]["requests"],
        "errors": sum(sample["errors"] for sample in samples),
        "processes_stayed": steady,
        "bound_mib": bound_bytes / MIB,
        "processes": processes,
        "is_flat": steady and all(process["is_flat"] for process in processes),
    }


def _verdict(pid: int, line: dict[str, Slope], rss_bytes: int, bound_bytes: float) -> dict[str, Any]:
    growth = {kind: slope.high * MILLION for kind, slope in line.items()}
    numbers = {f"{kind}_bytes_per_request": [slope.value, slope.low, slope.high] for kind, slope in line.items()}
    return {"pid": pid, "rss_mib": rss_bytes / MIB, "is_flat": max(growth.values()) <= bound_bytes} | numbers


def _show(report: dict[str, Any], options: argparse.Namespace) -> None:
    print(
        f"{report['requests']:,} requests, {report['errors']} errors; bound {report['bound_mib']:g} MiB over 10^6 requests"
    )
    for process in report["processes"]:
        parts = [f"process {process['pid']}: {process['rss_mib']:.1f} MiB resident"]
        for kind in ("uss", "rss"):
            value, low, high = process[f"{kind}_bytes_per_request"]
            parts.append(f"{kind.upper()} {value:+.2f} bytes a request (95 %: {low:+.2f} to {high:+.2f})")
        print("  " + ", ".join(parts) + ("" if process["is_flat"] else "  NOT FLAT"))
    if not report["processes_stayed"]:
        print("  a process ended or was replaced while it was measured")
    caught = "caught" if not report["is_flat"] else "NOT caught"
    print(
        f"planted leak {caught}" if options.plant_leak else f"memory is {'flat' if report['is_flat'] else 'NOT flat'}"
    )


def _football(folder: Path) -> ServerProcess:
    return football_server(folder, copied_home(folder))


def _leaky(folder: Path) -> ServerProcess:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "leaky:app", "--app-dir", str(PEERS), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--no-access-log"]
    return ServerProcess("leaky", command, port=port, ready_path="/", folder=folder, environment=dict(os.environ))


def _nothing() -> Asked:
    return Asked(["/"], [b"{}"])


def _mixed(port: int) -> Asked:
    """Ask for hot and cold matches in all kinds, and now and then for a batch."""
    ids = fixtures.match_ids(port, most=72_000)
    whole = partial(batch_problem, size=100)
    settle(port, fixtures.BATCH_PATH, fixtures.batch_bodies(ids[:100])[0], whole)
    kinds = [b"{}", fixtures.FULL, b'{"prediction_type":"score"}', b'{"force_recalculate":true}']
    paths = [fixtures.path_of(match_id) for match_id in fixtures.hot_sequence(ids, length=MIXED_PATHS)]
    bodies = [kinds[place % len(kinds)] for place in range(MIXED_PATHS)]
    for place, batch in enumerate(fixtures.batch_bodies(ids, 20)[:100]):
        paths[place * 200], bodies[place * 200] = fixtures.BATCH_PATH, batch
    return Asked(paths, bodies)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
