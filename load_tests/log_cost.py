"""What logging every forecast costs: uncached throughput with the log and without it, in turns.

    python load_tests/log_cost.py [--turns 3] [--seconds 8] [--matches 30000]

Copies the match store and gives it so many matches to come, as only forecasts of those are logged, each once. Every turn asks a
fresh server for each of them once, computed anew; so with the log, each answer is a row to be written. Passes
if the median of the turns' ratios is at least .95 and every row was written.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import fixtures
import machine
from server import copied_home, football_environment, football_server
from wrk import run_wrk

LEAST = 0.95
CONNECTIONS = 64
ROWS_AT_ONCE = 1_000
SEASON = "2026-27"
COMPUTED = b'{"force_recalculate":true}'
REPORTS = Path(__file__).parent / "reports"
_WRITTEN_WITHIN_S = 60.0


def main(arguments: list[str]) -> int:
    """Measure, print and report; return 0 if the log costs no more than it may."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="football-log-") as scratch:
        folder = Path(scratch)
        home, store = copied_home(folder), folder / "matches.sqlite"
        shutil.copy(_store(), store)
        ids = _with_matches_to_come(folder, home, store, options.matches)
        turns = [_turn(folder, home, store, ids, options.seconds) for _ in range(options.turns)]
    ratios = [turn["with"] / turn["without"] for turn in turns]
    told = {"machine": machine.described(), "matches": len(ids), "turns": turns, "ratio": statistics.median(ratios)}
    options.reports.mkdir(parents=True, exist_ok=True)
    (options.reports / "log_cost.json").write_text(json.dumps(told, indent=1) + "\n")
    for turn, ratio in zip(turns, ratios, strict=True):
        print(
            f"{turn['with']:,.0f}/s with the log, {turn['without']:,.0f}/s without: {ratio:.3f}; "
            f"{turn['rows']:,} rows of {turn['asked']:,} answers to {len(ids):,} matches"
        )
    print(f"median {told['ratio']:.3f}, at least {LEAST} wanted")
    return int(told["ratio"] < LEAST or any(turn["rows"] < min(turn["asked"], len(ids)) for turn in turns))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--matches", type=int, default=30_000)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    return parser.parse_args(arguments)


def _store() -> Path:
    given = os.environ.get("FOOTBALL_DATABASE_URL", "")
    return Path(given.removeprefix("sqlite:///") or Path(football_environment()["FOOTBALL_HOME"]) / "matches.sqlite")


def _settings(store: Path, *, is_logged: bool) -> dict[str, str]:
    return {
        "FOOTBALL_DATABASE_URL": f"sqlite:///{store}",
        "FOOTBALL_PREDICTION_LOG__ENABLED": str(is_logged).lower(),
        "FOOTBALL_SERVICE__CACHE__WARM_FIXTURES": "0",
        "FOOTBALL_SERVICE__WORKERS": "1",
    }


def _with_matches_to_come(folder: Path, home: Path, store: Path, most: int) -> list[str]:
    """Have the service take in fixtures of sides that know each other, and return their ids."""
    with football_server(folder, home, settings=_settings(store, is_logged=False)) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
        told = list(islice(_fixtures(connection), most))
        ids = []
        for at in range(0, len(told), ROWS_AT_ONCE):
            answer = _asked(connection, "POST", "/v1/results", {"results": told[at : at + ROWS_AT_ONCE]})
            ids += [one["match_id"] for one in answer["results"] if one.get("match_id")]
    return ids


def _fixtures(connection: HTTPConnection) -> Iterator[dict[str, Any]]:
    first = dt.datetime.now(dt.UTC).replace(hour=15, minute=0, second=0, microsecond=0) + dt.timedelta(days=2)
    for competition in _asked(connection, "GET", "/v1/competitions")["competitions"]:
        code = competition["code"]
        names = [one["name"] for one in _asked(connection, "GET", f"/v1/teams?competition={code}")["teams"]]
        for place, (one, other) in enumerate(permutations(names, 2)):
            kickoff = first + dt.timedelta(days=place % 60)
            yield {
                "competition": code,
                "season": SEASON,
                "kickoff": kickoff.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "home_team": one,
                "away_team": other,
                "status": "scheduled",
            }


def _asked(connection: HTTPConnection, method: str, path: str, body: Any = None) -> Any:
    connection.request(method, path, None if body is None else json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise ValueError(f"{method} {path} answered {answer.status}, expected 200: {text[:500]!r}")
    return json.loads(text)


def _turn(folder: Path, home: Path, store: Path, ids: list[str], seconds: float) -> dict[str, float]:
    paths, told = [fixtures.path_of(one) for one in ids], {}
    for name in ("without", "with"):
        _forget(store)
        with football_server(folder, home, settings=_settings(store, is_logged=name == "with")) as server:
            run_wrk(
                server.port, paths[:1], [COMPUTED], connections=CONNECTIONS, seconds=2
            )  # one row, and a warm worker
            run = run_wrk(server.port, paths, [COMPUTED], connections=CONNECTIONS, seconds=seconds, first=1)
            told |= {name: run.rate, "asked": run.requests} if name == "with" else {name: run.rate}
            if run.errors or run.broken:
                raise ValueError(f"{run.errors} answers were errors and {run.broken} broke off, expected none")
            end = time.monotonic() + _WRITTEN_WITHIN_S
            while name == "with" and _rows(store) < min(run.requests, len(ids)) and time.monotonic() < end:
                time.sleep(0.5)
    return told | {"rows": _rows(store)}


def _forget(store: Path) -> None:
    with sqlite3.connect(store, timeout=30) as connection:
        if connection.execute("select 1 from sqlite_master where name = 'forecasts'").fetchone():
            connection.execute("delete from forecasts")


def _rows(store: Path) -> int:
    with sqlite3.connect(store, timeout=30) as connection:
        return int(connection.execute("select count(*) from forecasts").fetchone()[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
