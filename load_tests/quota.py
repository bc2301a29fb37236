"""Whether one caller who asks for ten times his quota is noticed by the others.

    python load_tests/quota.py [--times 10] [--seconds 20]

Two workers, which share a Redis where FOOTBALL_REDIS_URL names one, and keys with a quota each. Three callers keep within theirs,
first alone, then while a fourth asks for ten times of his. Passes if 99.9 % of what the three ask is answered, their 99th percentile is
no more than half as long again, and the fourth had no more than his quota and his burst of each worker.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import fixtures
import machine
from bystander import Bystander, Question
from processes import ServerProcess
from server import copied_home, football_server, made_key
from wrk import Capacity, run_wrk

QUOTA_PER_S, BURST, WORKERS, MODEST = 100.0, 50.0, 2, 3
COMPUTED = b'{"force_recalculate":true}'
PAUSE_S = 0.1
SUCCESS, SLOWER = 0.999, 1.5
REPORTS = Path(__file__).parent / "reports"


def main(arguments: list[str]) -> int:
    """Measure, print and report; return 0 if nobody else noticed."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="football-quota-") as scratch:
        folder = Path(scratch)
        keys = [made_key(folder, f"caller-{number}", "predict") for number in range(MODEST + 1)]
        settings = {
            "FOOTBALL_API_KEYS_FILE": str(folder / "keys" / "callers.json"),
            "FOOTBALL_SERVICE__RATE_PER_S": str(QUOTA_PER_S),
            "FOOTBALL_SERVICE__RATE_BURST": str(BURST),
            "FOOTBALL_SERVICE__WORKERS": str(WORKERS),
        }
        ids = _ids(folder)
        with football_server(folder, copied_home(folder / "keyed"), name="keyed", settings=settings) as server:
            alone, _ = _asked(server, ids, keys, 0.0, options.seconds)
            beside, greedy = _asked(server, ids, keys, options.times, options.seconds)
    answered = 1.0 - sum(one.failed for one in beside) / sum(one.asked for one in beside)
    slower = max(one.p99_ms for one in beside) / max(one.p99_ms for one in alone)
    assert greedy is not None
    had = greedy.requests - greedy.errors
    allowed = QUOTA_PER_S * greedy.seconds + BURST * WORKERS
    told = {
        "machine": machine.described(),
        "answered": answered,
        "p99_ms": {"alone": [one.p99_ms for one in alone], "beside": [one.p99_ms for one in beside]},
        "greedy": {"asked_per_s": greedy.rate, "had": had, "allowed": allowed},
        "is_shared": bool(os.environ.get("FOOTBALL_REDIS_URL")),
    }
    options.reports.mkdir(parents=True, exist_ok=True)
    (options.reports / "quota.json").write_text(json.dumps(told, indent=1) + "\n")
    print(
        f"others: {answered:.2%} answered, p99 {max(one.p99_ms for one in alone):.1f} ms alone, "
        f"{max(one.p99_ms for one in beside):.1f} ms beside ({slower:.2f} times); "
        f"the greedy one asked {greedy.rate:,.0f}/s, had {had:,} of {allowed:,.0f} allowed"
    )
    return int(answered < SUCCESS or slower > SLOWER or (told["is_shared"] and had > 1.1 * allowed))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=float, default=10.0, help="of his quota, what the greedy one asks for")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    return parser.parse_args(arguments)


def _ids(folder: Path) -> list[str]:
    with football_server(folder, copied_home(folder / "open"), name="open") as server:
        return fixtures.match_ids(server.port, most=5_000)


def _asked(
    server: ServerProcess, ids: list[str], keys: list[str], times: float, seconds: float
) -> tuple[list[Bystander], Capacity | None]:
    """Have the modest ask, and the greedy one so many times his quota; return what became of both."""
    paths = [fixtures.path_of(one) for one in ids]
    modest = [
        Bystander(server.port, Question("POST", paths[place], COMPUTED, key)) for place, key in enumerate(keys[1:])
    ]
    with ExitStack() as stack:
        for one in modest:
            stack.enter_context(one)
        # Without the greedy one the generator asks for next to nothing, so that the machine has the same to do beside.
        callers = max(round(times * QUOTA_PER_S * PAUSE_S), 1)
        run = run_wrk(
            server.port, paths, [COMPUTED], connections=callers, seconds=seconds, pause_s=PAUSE_S, key=keys[0]
        )
    return modest, run if times else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
