"""Do a server harm in every way that is known, and see that nobody else notices.

    python load_tests/abuse.py [--messages 100000] [--connections 1000] [--seconds 30] [--seed 1]

Starts two workers of the newest bento, and another server that asks for keys. While each attack runs, a caller who does
no harm asks on. Passes if no answer from 500 on was given but 503 and 504, nobody hung, no worker died, that caller was
always answered, and neither memory nor the number of metrics grew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import fixtures
import machine
from attacks import Told, ask, hold, send_messages
from bystander import Bystander, Question
from crafted import crafted, request_of
from hostile_messages import Messages
from processes import ServerProcess
from server import copied_home, football_server, made_key

REPORTS = Path(__file__).parent / "reports"
MIB = 2**20
MOST_MEMORY_MIB = 50.0
MOST_SERIES = 50
_WORKER = "worker"
_SETTLE_S = 3.0


@dataclass
class Outcome:
    """Hold what came of one attack.

    Attributes:
        statuses: How often each was answered; 0 is a connection that was closed without an answer.
        failures: Answers from 500 on but 503 and 504, and answers to crafted requests that are not right.
        caller_failed, caller_asked, caller_p99_ms: Of the caller who does no harm.
        memory_mib: Growth of the worker that grew most since before the first attack.
        series: Growth of the number of lines of metrics since a rehearsal of all attacks, small.
        deaths: Workers that are not there any more.
    """

    name: str
    statuses: dict[int, int]
    failures: int
    hung: int
    seconds: float
    caller_failed: int
    caller_asked: int
    caller_p99_ms: float
    memory_mib: float
    series: int
    deaths: int
    said: list[str]

    @property
    def is_passed(self) -> bool:
        """Return whether the server withstood it."""
        is_small = self.memory_mib <= MOST_MEMORY_MIB and self.series <= MOST_SERIES
        return (
            not (self.failures or self.hung or self.caller_failed or self.deaths) and self.caller_asked > 0 and is_small
        )


class Watch:
    """Know how a server was before it was attacked."""

    def __init__(self, server: ServerProcess, key: str = "") -> None:
        self._server, self._key = server, key
        self._workers = self._pids()
        self._memory, self._series = self._memory_now(), self._series_now()

    def outcome(self, name: str, told: Told, bystander: Bystander, seconds: float, said: list[str]) -> Outcome:
        """Return what came of an attack that is over."""
        time.sleep(_SETTLE_S)
        return Outcome(
            name=name,
            statuses=dict(sorted(told.statuses.items())),
            failures=told.failures + len(said),
            hung=told.hung,
            seconds=seconds,
            caller_failed=bystander.failed,
            caller_asked=bystander.asked,
            caller_p99_ms=bystander.p99_ms,
            memory_mib=max(now - self._memory[pid] for pid, now in self._memory_now().items()) / MIB,
            series=self._series_now() - self._series,
            deaths=len(self._workers - self._pids()),
            said=said,
        )

    def _pids(self) -> set[int]:
        return {one.pid for one in self._server.processes() if any(_WORKER in part for part in one.cmdline())}

    def _memory_now(self) -> dict[int, int]:
        return {pid: used for pid, used in self._server.usage().uss_bytes.items() if pid in self._workers}

    def _series_now(self) -> int:
        connection = HTTPConnection("127.0.0.1", self._server.port, timeout=10)
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        connection.request("GET", "/metrics", headers=headers)
        text = connection.getresponse().read().decode()
        connection.close()
        # Which codes and routes were met is bounded by the API; it grows towards that bound, whatever is asked.
        return sum(not line.startswith("#") for line in text.splitlines())


Attack = Callable[[int, list[str]], Awaitable[Told]]
"""Does it to a port, adds to a list what was not right, and returns what was answered."""


def attacks(options: argparse.Namespace, ids: list[str]) -> dict[str, Attack]:
    """Return the attacks by name."""
    paths = [fixtures.path_of(one).encode() for one in ids] + [b"/v1/predictions/predict", fixtures.BATCH_PATH.encode()]
    bodies = [fixtures.FULL, b"{}", json.dumps({"match_id": ids[0]}).encode(), fixtures.batch_bodies(ids, 5)[0]]
    head = b"POST /v1/predictions/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    long_answers = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 20
    many = {"connections": options.connections, "seconds": options.seconds}

    async def messages(port: int, _said: list[str]) -> Told:
        drawn = iter(Messages(paths, bodies, options.seed))
        return await send_messages(port, drawn, count=options.messages, at_once=128)

    async def slow_heads(port: int, _said: list[str]) -> Told:
        return await hold(port, head, b"x-a: b\r\n", **many)

    async def slow_bodies(port: int, said: list[str]) -> Told:
        told = await hold(port, head + b"content-length: 1000\r\n\r\n{", b" ", **many)
        if set(told.statuses) != {408}:
            said.append(f"slow bodies were answered {dict(told.statuses)}, expected 408")
        return told

    async def slow_readers(port: int, _said: list[str]) -> Told:
        return await hold(port, long_answers, b"", reads=False, **many)

    async def one_by_one(port: int, said: list[str]) -> Told:
        told = Told()
        for one in crafted(ids[0]):
            try:
                status, seconds = await ask(port, one.request)
            except TimeoutError:
                told.hung += 1
                said.append(f"{one.name}: no answer")
                continue
            told.statuses[status] += 1
            told.slowest_s = max(told.slowest_s, seconds)
            if status not in one.right:
                said.append(f"{one.name}: {status}, expected {sorted(one.right)}")
        return told

    return {
        "each wrong in one way": one_by_one,
        "slow heads": slow_heads,
        "slow bodies": slow_bodies,
        "answers nobody reads": slow_readers,
        "paths that are not there": lambda port, _said: _strange_paths(port, options.messages // 5, options.seed),
        "broken messages": messages,
    }


async def _strange_paths(port: int, count: int, seed: int) -> Told:
    """Ask for so many distinct paths, ids and parameters, over few connections."""
    told, draw = Told(), random.Random(seed)
    shapes = (
        "/{0}",
        "/v1/matches/{0}",
        "/v1/fixtures?team={0}",
        "/v1/predictions/{0}/{0}",
        "/v1/predictions/models/{0}",
    )

    async def work(share: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(share):
            path = draw.choice(shapes).format(f"{draw.getrandbits(64):x}")
            method, kind = (
                ("POST", b"application/json") if path.count("/") == 4 and "models" not in path else ("GET", None)
            )
            writer.write(request_of(b"{}" if kind else b"", path=path, media_type=kind, method=method))
            head = await reader.readuntil(b"\r\n\r\n")
            told.statuses[int(head.split(b" ", 2)[1])] += 1
            length = re.search(rb"content-length: (\d+)", head.lower())
            await reader.readexactly(int(length[1]) if length else 0)
        writer.transport.abort()

    await asyncio.gather(*(work(count // 16) for _ in range(16)))
    return told


async def wrong_keys(port: int, count: int, seed: int) -> Told:
    """Ask with so many keys that nobody has."""
    told, draw = Told(), random.Random(seed)
    tried = [f"fp_{draw.getrandbits(32):08x}_{draw.getrandbits(256):064x}" for _ in range(1_000)]

    async def work(share: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(share):
            key = tried[number % len(tried)]
            writer.write(f"GET /v1/competitions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            told.statuses[int(head.split(b" ", 2)[1])] += 1
            length = re.search(rb"content-length: (\d+)", head.lower())
            await reader.readexactly(int(length[1]) if length else 0)
        writer.transport.abort()

    await asyncio.gather(*(work(count // 32) for _ in range(32)))
    return told


def main(arguments: list[str]) -> int:
    """Run it all; return the exit code."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        home = copied_home(Path(scratch))
        outcomes = [*_against_open(options, Path(scratch), home), _against_keyed(options, Path(scratch), home)]
    _report(options, outcomes)
    return 0 if all(outcome.is_passed for outcome in outcomes) else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each slow attack")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    return parser.parse_args(arguments)


def _against_open(options: argparse.Namespace, scratch: Path, home: Path) -> list[Outcome]:
    settings = {
        "FOOTBALL_SERVICE__WORKERS": "2",
        "FOOTBALL_BEHIND_PROXY": "true",
    }  # that it begins with old matches at hand
    with football_server(scratch, home, name="open", settings=settings) as server:
        ids = fixtures.match_ids(server.port, most=200)
        question = Question("POST", fixtures.path_of(ids[0]), fixtures.FULL)
        # Every route, method and status has lines of its own once it was met; there are only so many.
        for name, attack in attacks(_small(options), ids).items():
            _attacked(server, f"{name}, rehearsed", attack, Watch(server), question)
        watch = Watch(server)
        return [_attacked(server, name, attack, watch, question) for name, attack in attacks(options, ids).items()]


def _small(options: argparse.Namespace) -> argparse.Namespace:
    return argparse.Namespace(**vars(options) | {"messages": 2_000, "connections": 20, "seconds": 6.0, "seed": 0})


def _against_keyed(options: argparse.Namespace, scratch: Path, home: Path) -> Outcome:
    keys = {scope: made_key(scratch, f"a-{scope}", scope) for scope in ("predict", "metrics")}
    settings = {"FOOTBALL_SERVICE__WORKERS": "2", "FOOTBALL_BEHIND_PROXY": "true"}
    settings["FOOTBALL_API_KEYS_FILE"] = str(scratch / "keys" / "callers.json")
    with football_server(scratch, home, name="keyed", settings=settings) as server:
        question = Question("GET", "/v1/competitions", key=keys["predict"])
        with Bystander(server.port, question):
            time.sleep(_SETTLE_S)
        watch = Watch(server, keys["metrics"])

        async def attack(port: int, said: list[str]) -> Told:
            told = await wrong_keys(port, options.messages, options.seed)
            if not set(told.statuses) <= {401, 429} or told.statuses[429] < told.statuses[401]:
                said.append(
                    f"wrong keys were answered {dict(told.statuses)}, expected 401 for a few and 429 for the rest"
                )
            return told

        return _attacked(server, "wrong keys", attack, watch, question)


def _attacked(server: ServerProcess, name: str, attack: Attack, watch: Watch, question: Question) -> Outcome:
    print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
    said: list[str] = []
    begun = time.perf_counter()
    with Bystander(server.port, question) as bystander:
        told = asyncio.run(attack(server.port, said))
    return watch.outcome(name, told, bystander, time.perf_counter() - begun, said)


def _report(options: argparse.Namespace, outcomes: list[Outcome]) -> None:
    told: dict[str, Any] = {
        "machine": machine.described(),
        "seed": options.seed,
        "attacks": [asdict(one) for one in outcomes],
    }
    options.reports.mkdir(parents=True, exist_ok=True)
    (options.reports / "abuse.json").write_text(json.dumps(told, indent=1) + "\n")
    print(
        f"{'attack':<26} {'answers':<44} {'wrong':>5} {'hung':>5} {'died':>4} {'caller lost':>12} {'p99 ms':>7} {'MiB':>6} series"
    )
    for one in outcomes:
        answers = " ".join(f"{status or 'closed'}:{count}" for status, count in one.statuses.items())
        caller = f"{one.caller_failed}/{one.caller_asked}"
        mark = "" if one.is_passed else "  NOT PASSED"
        print(
            f"{one.name:<26} {answers:<44} {one.failures:>5} {one.hung:>5} {one.deaths:>4} {caller:>12} "
            f"{one.caller_p99_ms:>7.0f} {one.memory_mib:>+6.1f} {one.series:>+6d}{mark}"
        )
        for line in one.said:
            print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
