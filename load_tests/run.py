"""Run one load test with locust and judge it.

    python load_tests/run.py SCENARIO [--seconds N] [--rate R] [--url URL] [--processes N]

SCENARIO is steady, match_day, batch, cold_cache or all. Without --url the
newest bento is served for the time of the test. Writes an HTML report and a
JSON summary to load_tests/reports/; exit code 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fixtures
import yaml
from machine import described
from processes import ServerProcess
from sampling import batch_problem, settle
from server import CHECKOUT, copied_home, football_server

HERE = Path(__file__).parent
SCENARIOS = ("steady", "match_day", "batch", "cold_cache")
TARGETS = CHECKOUT / "configs" / "load_targets.yaml"
REPORTS = HERE / "reports"
BUSY_GENERATOR = 0.9  # of a core and process; above it the latencies are locust's own
MOST_IDS = 72_000


def main(arguments: list[str]) -> int:
    """Run the scenarios; return 1 if one misses a target."""
    options = _options(arguments)
    options.reports.mkdir(parents=True, exist_ok=True)
    names = SCENARIOS if options.scenario == "all" else (options.scenario,)
    targets = yaml.safe_load(TARGETS.read_text())
    return max([_run_scenario(name, targets[name], options) for name in names])


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=(*SCENARIOS, "all"))
    parser.add_argument("--seconds", type=float, help="instead of the target file's")
    parser.add_argument("--rate", type=float, help="requests per second, instead of the target file's")
    parser.add_argument("--url", help="of a service on 127.0.0.1 that runs already")
    parser.add_argument("--processes", type=int, default=1, help="of locust, each a share of the rate")
    parser.add_argument("--reports", type=Path, default=REPORTS)
    return parser.parse_args(arguments)


def _run_scenario(name: str, target: dict[str, Any], options: argparse.Namespace) -> int:
    target = target | {key: value for key in ("seconds", "rate") if (value := getattr(options, key)) is not None}
    with tempfile.TemporaryDirectory(prefix="football-load-") as scratch, _service(Path(scratch), options) as service:
        port, server = service
        _write_ids(port, Path(scratch))
        before = server.usage() if server else None
        measured = _locust(name, target, f"http://127.0.0.1:{port}", Path(scratch), options)
        if server and before:
            after = server.usage()
            measured["server_cpu"] = (after.cpu_s - before.cpu_s) / measured["seconds"]
            measured["server_rss_mib"] = after.largest_rss_bytes / 2**20
            measured["start_to_ready_s"] = server.start_to_ready_s
    verdicts = judged(measured, target)
    summary = {"scenario": name, "machine": described(), "measured": measured, "verdicts": verdicts}
    (options.reports / f"{name}.json").write_text(json.dumps(summary, indent=1))
    _show(name, measured, verdicts, options)
    return 0 if all(verdict["is_met"] for verdict in verdicts) else 1


@contextlib.contextmanager
def _service(folder: Path, options: argparse.Namespace) -> Iterator[tuple[int, ServerProcess | None]]:
    """Give the port of the service that was named, or of one started for the test."""
    if options.url:
        address = urlsplit(options.url)
        if address.hostname not in ("127.0.0.1", "localhost"):
            raise SystemExit(f"{options.url} is not on this machine; load tests drive 127.0.0.1 only")
        yield address.port or 80, None
        return
    with football_server(folder, copied_home(folder)) as server:
        yield server.port, server


def _write_ids(port: int, folder: Path) -> None:
    ids = fixtures.match_ids(port, most=MOST_IDS)
    coming = fixtures.match_ids(port, most=MOST_IDS, status="scheduled")
    (folder / "ids").write_text("\n".join(ids))
    (folder / "coming").write_text("\n".join(coming))
    whole = partial(batch_problem, size=100)
    settle(port, fixtures.BATCH_PATH, fixtures.batch_bodies(ids[:100])[0], whole)


def _locust(name: str, target: dict[str, Any], url: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run locust in processes of its own and read what it left."""
    counts = folder / f"counts-{name}"
    counts.mkdir()
    scenarios = HERE / "scenarios"
    environment = dict(os.environ) | {
        "LOAD_IDS": str(folder / "ids"),
        "LOAD_COMING": str(folder / "coming"),
        "LOAD_SECONDS": str(target["seconds"]),
        "LOAD_RATE": str(target["rate"]),
        "LOAD_PROCESSES": str(options.processes),
        "LOAD_COUNTS": str(counts),
        "PYTHONPATH": str(scenarios),
    }
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary", "--host", url, "--users"]
    command += [str(options.processes), "--spawn-rate", "100", "--locustfile", str(scenarios / f"{name}.py")]
    command += ["--html", str(options.reports / f"{name}.html"), "--csv", str(folder / name), "--loglevel", "WARNING"]
    if options.processes > 1:
        command += ["--processes", str(options.processes), "--run-time", f"{target['seconds'] + 5:.0f}s"]
    begun = time.perf_counter()
    before = os.times()
    subprocess.run(command, env=environment, check=False, stdout=sys.stderr, timeout=target["seconds"] + 120)
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    elapsed = min(time.perf_counter() - begun, target["seconds"])
    return _read(folder / f"{name}_stats.csv", counts, elapsed) | {
        "generator_cpu": cpu_s / elapsed / options.processes,
    }


def _read(stats: Path, counts: Path, seconds: float) -> dict[str, Any]:
    with stats.open(newline="") as file:
        total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    parts = [json.loads(file.read_text()) for file in counts.glob("*.json")]
    cached, computed = (sum(part[key] for part in parts) for key in ("cached", "computed"))
    return {
        "requests": int(total["Request Count"]),
        "failures": int(total["Failure Count"]),
        "seconds": seconds,
        "rate": int(total["Request Count"]) / seconds,
        "p50_ms": float(total["50%"]),
        "p95_ms": float(total["95%"]),
        "p99_ms": float(total["99%"]),
        "max_ms": float(total["Max Response Time"]),
        "hit_rate": cached / max(1, cached + computed),
        "latest_send_ms": max((part["late_s"] for part in parts), default=0.0) * 1_000,
        "dropped": sum(part["dropped"] for part in parts),
    }


def judged(measured: dict[str, Any], target: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one verdict a target: what, the bound, what was reached, is_met.

    >>> measured = {"rate": 99.0, "seconds": 60, "p95_ms": 9.0, "p99_ms": 30.0, "failures": 0, "dropped": 0}
    >>> target = {"rate": 100, "rate_share": 0.98, "p95_ms": 10, "p99_ms": 20, "failures": 0}
    >>> [line["what"] for line in judged(measured, target) if not line["is_met"]]
    ['p99_ms']
    """
    # Arrivals are drawn from a Poisson process, whose count in a short test strays by itself.
    least = target["rate"] * target["rate_share"] - 3 * (target["rate"] / measured["seconds"]) ** 0.5
    lines = [_verdict("rate", f">= {least:,.1f}", measured["rate"], measured["rate"] >= least)]
    lines += [
        _verdict(name, f"<= {target[name]}", measured[name], measured[name] <= target[name])
        for name in ("p95_ms", "p99_ms", "failures")
    ]
    lines.append(_verdict("dropped", "<= 0", measured["dropped"], measured["dropped"] == 0))
    if "hit_rate" in target:
        reached = measured["hit_rate"]
        lines.append(_verdict("hit_rate", f">= {target['hit_rate']}", reached, reached >= target["hit_rate"]))
    return lines


def _verdict(what: str, bound: str, reached: float, is_met: bool) -> dict[str, Any]:
    return {"what": what, "bound": bound, "reached": reached, "is_met": is_met}


def _show(name: str, measured: dict[str, Any], verdicts: list[dict[str, Any]], options: argparse.Namespace) -> None:
    print(
        f"{name}: {measured['requests']} requests in {measured['seconds']:.0f} s, hit rate {measured['hit_rate']:.1%}"
    )
    for verdict in verdicts:
        mark = "met   " if verdict["is_met"] else "MISSED"
        print(f"  {mark} {verdict['what']:<9} {verdict['reached']:>10,.3f}  {verdict['bound']}")
    print(f"  locust took {measured['generator_cpu']:.0%} of a core in each of {options.processes} processes")
    if measured["generator_cpu"] > BUSY_GENERATOR:
        print("  the generator was the limit: its latencies are its own; give it --processes 2")
    print(f"  report: {options.reports / f'{name}.html'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
