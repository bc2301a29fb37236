"""The benchmark: one table in one run, ours against its limit and its peers.

    python load_tests/bench.py [--seconds 6] [--only KEY ...] [--reports FOLDER]

Servers run one after another, never two at once, one worker each unless the
row says otherwise; the load generator runs on the same machine and its share
of a core is shown. Exit code 1 if an acceptance figure is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import fixtures
import numpy as np
from acceptance import OURS, judged
from bench_report import markdown
from contenders import BATCH, HOT_MATCHES, Contender, Material, contenders
from machine import described
from measuring import closed_loop, open_loop
from processes import NotStarted, ServerProcess
from sampling import ask, batch_problem, settle
from server import copied_home, football_server, has_setting, run_in_project
from wrk import WrkFailed, run_wrk

CONNECTIONS = (16, 64)
MOST_IDS = 72_000
PEER_ROWS = 2_000
REPORTS = Path(__file__).parent / "reports"


def main(arguments: list[str]) -> int:
    """Measure, write the reports, print the table; return 1 if an acceptance figure is missed."""
    options = _options(arguments)
    options.reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="football-bench-") as scratch:
        material = _material(Path(scratch))
        results = _measure_all(material, options)
    report = {"machine": described(), "seconds": options.seconds, "results": results}
    report["acceptance"] = judged({row["key"]: row for row in results})
    text = markdown(report)
    (options.reports / "bench.json").write_text(json.dumps(report, indent=1))
    (options.reports / "bench.md").write_text(text)
    print(text)
    return 0 if all(line["is_met"] for line in report["acceptance"]) else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement; whole seconds, at least 2")
    parser.add_argument("--only", nargs="*", default=None, help="keys of rows, such as echo cached idiomatic")
    parser.add_argument("--reports", type=Path, default=REPORTS)
    return parser.parse_args(arguments)


def _material(folder: Path) -> Material:
    """Copy the bento, read ids over HTTP and the length of one answer, and write booster and rows for the peers."""
    home = copied_home(folder)
    run_in_project(home, "rows.py", str(folder))
    rows = np.load(folder / "rows.npy")[:PEER_ROWS].tolist()
    sizes: list[int] = []
    with football_server(folder, home) as server:
        ids = fixtures.match_ids(server.port, most=MOST_IDS)
        path = fixtures.path_of(ids[0])
        settle(server.port, path, fixtures.FULL, lambda answer: sizes.append(_size(answer)))
    return Material(folder, home, ids, rows, answer_bytes=sizes[0])


def _size(answer: Any) -> int:
    return len(json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode())


def _measure_all(material: Material, options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = [row for row in contenders() if options.only is None or row.key in options.only]
    results: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(row.server for row in rows):
        sharing = [row for row in rows if row.server == name]
        for row, outcome in zip(sharing, _measure_server(sharing, material, options.seconds), strict=True):
            results[row.key] = {"key": row.key, "title": row.title, "predictions": row.predictions} | outcome
            _say(results[row.key])
    _add_floor(results, rows, material, options.seconds)
    return list(results.values())


def _measure_server(rows: list[Contender], material: Material, seconds: float) -> list[dict[str, Any]]:
    """Start the server that the rows share and measure each; a failure becomes a row that says why."""
    missing = [".".join(path) for path in rows[0].needs if not has_setting(material.home, *path)]
    if missing:
        return [{"failed": f"this bento has no setting {missing}"} for _ in rows]
    try:
        with rows[0].start(material) as server:
            return [_measured(row, server, material, seconds) for row in rows]
    except (NotStarted, OSError) as error:
        return [{"failed": str(error)} for _ in rows]


def _measured(row: Contender, server: ServerProcess, material: Material, seconds: float) -> dict[str, Any]:
    try:
        return _measure(row, server, material, seconds)
    except (WrkFailed, OSError, ValueError) as error:
        return {"failed": f"{error}\n{server.last_words()}"}


def _measure(row: Contender, server: ServerProcess, material: Material, seconds: float) -> dict[str, Any]:
    asked = row.asked(material)
    warm_up_s = max(1.0, seconds / 3)
    outcome: dict[str, Any] = {"start_to_ready_s": server.start_to_ready_s, "loads": {}}
    if row.key in OURS:  # the first look at old matches replays all of them, once
        whole = partial(batch_problem, size=BATCH)
        settle(server.port, fixtures.BATCH_PATH, fixtures.batch_bodies(material.ids[:BATCH], BATCH)[0], whole)
    elif row.check is not None:
        settle(server.port, asked.paths[0], asked.bodies[0], lambda _: None)
    first = 0
    if len(asked.paths) > HOT_MATCHES and row.key == "cached_80_20":
        for match_id in material.ids[:HOT_MATCHES]:  # what is measured is the cache, so all are in it
            ask(server.port, fixtures.path_of(match_id), fixtures.FULL, lambda _: None)
    for connections in CONNECTIONS:
        warm = run_wrk(server.port, asked.paths, asked.bodies, connections=connections, seconds=warm_up_s, first=first)
        first += warm.requests
        load = closed_loop(
            server,
            asked,
            check=row.check,
            predictions=row.predictions,
            connections=connections,
            seconds=seconds,
            first=first,
            expected=row.expected,
        )
        first += round(load.requests_per_s * seconds)
        outcome["loads"][connections] = asdict(load)
    if row.open_loop:
        outcome["open_loop"] = open_loop(
            server.port, asked, rate=_capacity(outcome, row.predictions) / 2, seconds=seconds
        )
    return outcome


def _capacity(outcome: dict[str, Any], predictions: int) -> float:
    """Return the most requests per second that were answered rightly."""
    return max(load["predictions_per_s"] for load in outcome["loads"].values()) / predictions


def _add_floor(results: dict[str, Any], rows: list[Contender], material: Material, seconds: float) -> None:
    """Measure what the open-loop generator itself shows at the rate of the cached row, against the constant echo."""
    rate = results.get("cached", {}).get("open_loop", {}).get("rate")
    echo = next((row for row in rows if row.key == "echo_constant"), None)
    if rate is None or echo is None or "failed" in results["echo_constant"]:
        return
    with echo.start(material) as server:
        results["echo_constant"]["open_loop"] = open_loop(server.port, echo.asked(material), rate=rate, seconds=seconds)


def _say(row: dict[str, Any]) -> None:
    now = time.strftime("%H:%M:%S")
    rates = [f"{load['predictions_per_s']:,.0f}" for load in row.get("loads", {}).values()]
    print(f"{now} {row['title']}: {row.get('failed') or ' / '.join(rates)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
