"""One measurement of one server: load on, answers sampled, processor and memory of the server read around it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contenders import Asked, Check
from open_loop import write_requests
from processes import ServerProcess
from sampling import Sampler
from wrk import run_wrk

MIB = 1024 * 1024
OPEN_CONNECTIONS = 64
OPEN_LOOP_GRACE_S = 30.0


@dataclass(frozen=True)
class Load:
    """Hold the closed-loop result at one number of connections.

    Attributes:
        cpu_s_per_1000: Of the whole process tree of the server, per 1,000 predictions.
        worker_rss_mib: Of its largest process; ``tree_uss_mib`` is what all its processes hold alone.
        mean_batch: Mean rows that the batcher of ours took at once, or None.
        predictions_per_s: Of right answers only.
        wrong_bodies: Answers of status 200 that were not whole, where all were looked at.
        asked, wrong: Sampled answers and what was wrong with them.
    """

    connections: int
    requests_per_s: float
    predictions_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int
    wrong_bodies: int
    broken: int
    generator_cpu: float
    cpu_s_per_1000: float
    worker_rss_mib: float
    tree_uss_mib: float
    server_cpu: float
    mean_batch: float | None
    asked: int
    wrong: list[str] = field(default_factory=list)


def closed_loop(
    server: ServerProcess,
    asked: Asked,
    *,
    check: Check | None,
    predictions: int,
    connections: int,
    seconds: float,
    first: int,
    expected: str | None = None,
) -> Load:
    """Drive a server with wrk as hard as the connections can."""
    sampler = Sampler(server.port, asked.paths, asked.bodies, check or (lambda _: None))
    before, batches_before = server.usage(), batches(server)
    with contextlib.nullcontext() if check is None else sampler:
        run = run_wrk(
            server.port,
            asked.paths,
            asked.bodies,
            connections=connections,
            seconds=seconds,
            first=first,
            expected=expected,
        )
    after = server.usage()
    return Load(
        connections=connections,
        requests_per_s=run.rate,
        predictions_per_s=(run.requests - run.wrong - run.errors) / run.seconds * predictions,
        p50_ms=run.p50_ms,
        p95_ms=run.p95_ms,
        p99_ms=run.p99_ms,
        errors=run.errors,
        wrong_bodies=run.wrong,
        broken=run.broken,
        generator_cpu=run.generator_cpu,
        cpu_s_per_1000=(after.cpu_s - before.cpu_s)
        / max(1, (run.requests - run.wrong - run.errors) * predictions)
        * 1_000,
        worker_rss_mib=after.largest_rss_bytes / MIB,
        tree_uss_mib=sum(after.uss_bytes.values()) / MIB,
        server_cpu=(after.cpu_s - before.cpu_s) / run.seconds,
        mean_batch=_mean_batch(batches_before, batches(server)),
        asked=sampler.asked,
        wrong=sampler.wrong,
    )


def batches(server: ServerProcess) -> tuple[float, float] | None:
    """Return how many rows and batches the batcher of ours has counted so far, or None if it tells nothing."""
    try:
        with urllib.request.urlopen(f"{server.url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except (OSError, ValueError):
        return None
    counted = [_sum_of(lines, f"football_batch_rows_{part}") for part in ("sum", "count")]
    return None if None in counted else (counted[0], counted[1])


def open_loop(port: int, asked: Asked, *, rate: float, seconds: float) -> dict[str, Any]:
    """Send requests at a rate that no answer can slow down, and return LoadGen's latencies.

    Adds ``generator_cpu``, the share of one core that the generator took, and ``rate``, what was asked for.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_requests(folder / "requests", raw_requests(asked))
        plan = {"port": port, "connections": OPEN_CONNECTIONS, "rate": rate, "seconds": seconds}
        (folder / "plan.json").write_text(json.dumps(plan | {"requests": str(folder / "requests")}))
        command = [sys.executable, str(Path(__file__).with_name("open_loop.py")), str(folder / "plan.json")]
        before = os.times()
        limit_s = seconds + OPEN_LOOP_GRACE_S
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
        except subprocess.TimeoutExpired:
            return {"rate": rate, "failed": [f"some requests were not answered within {OPEN_LOOP_GRACE_S:.0f} s"]}
        after = os.times()
    if done.returncode:
        return {"rate": rate, "failed": done.stderr.strip().splitlines()[-1:]}
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(done.stdout) | {"rate": rate, "generator_cpu": cpu_s / seconds}


def raw_requests(asked: Asked) -> list[bytes]:
    """Return requests as they go over the wire."""
    count = max(len(asked.paths), len(asked.bodies))
    paths, bodies = asked.paths, asked.bodies
    return [_raw(paths[i % len(paths)], bodies[i % len(bodies)]) for i in range(count)]


def _raw(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _sum_of(lines: list[str], name: str) -> float | None:
    values = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(values) if values else None


def _mean_batch(before: tuple[float, float] | None, after: tuple[float, float] | None) -> float | None:
    if before is None or after is None or after[1] == before[1]:
        return None
    return (after[0] - before[0]) / (after[1] - before[1])
