"""The figures that the benchmark must reach, judged from the rows of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PEERS_OF_FASTAPI = (
    "fastapi", "mlserver", "mlserver_batching", "mlserver_parallel", "litserve", "litserve_batching",
)  # fmt: skip
OURS = ("cached", "cached_80_20", "uncached", "batch", "batch_full", "runner_service", "lone_member", "two_workers")
CONNECTIONS = (16, 64)

CACHED_OF_ECHO = 0.6
UNCACHED_OF_IDIOMATIC = 15.0
UNCACHED_OF_BEST_PEER = 5.0
BATCH_PREDICTIONS_PER_S = 30_000.0
TWO_OF_ONE = 1.6
MOST_OF_LONE_MEMBER = 1.25
MEAN_BATCH_AT_64 = 4.0
UNCACHED_P50_MS, UNCACHED_P99_MS, CACHED_P99_MS = 1.0, 5.0, 3.0

Row = Mapping[str, Any]
Line = dict[str, Any]


def judged(rows: Mapping[str, Row]) -> list[Line]:
    """Return one line a figure: what, target, reached, is_met. A row that is missing or failed meets nothing."""
    lines = [_ratio_line(rows, connections) for connections in CONNECTIONS]
    lines += [_idiomatic_line(rows, connections) for connections in CONNECTIONS]
    lines += [_best_peer_line(rows, connections) for connections in CONNECTIONS]
    lines += [_batch_line(rows, key) for key in ("batch", "batch_full")]
    lines += [_lone_member_line(rows, connections) for connections in CONNECTIONS]
    lines += [_two_workers_line(rows)]
    lines += [_clean_line(rows)]
    lines += [
        _latency_line(rows, "uncached", "p50_ms", UNCACHED_P50_MS),
        _latency_line(rows, "uncached", "p99_ms", UNCACHED_P99_MS),
        _latency_line(rows, "cached", "p99_ms", CACHED_P99_MS),
        _mean_batch_line(rows),
    ]
    return lines


def _rate(rows: Mapping[str, Row], key: str, connections: int, what: str = "predictions_per_s") -> float | None:
    load = rows.get(key, {}).get("loads", {}).get(connections)
    return None if load is None else load[what]


def _at_least(what: str, reached: float | None, target: float, *, unit: str = "") -> Line:
    is_met = reached is not None and reached >= target
    shown = (
        "not measured" if reached is None else f"{reached:,.2f}{unit}" if reached < 1_000 else f"{reached:,.0f}{unit}"
    )
    return {"what": what, "target": f"≥ {target:,g}{unit}", "reached": shown, "is_met": is_met}


def _quotient(top: float | None, bottom: float | None) -> float | None:
    return None if top is None or not bottom else top / bottom


def _ratio_line(rows: Mapping[str, Row], connections: int) -> Line:
    ratio = _quotient(_rate(rows, "cached", connections), _rate(rows, "echo", connections))
    constant = _quotient(_rate(rows, "cached", connections), _rate(rows, "echo_constant", connections))
    beside = "" if constant is None else f" (of the echo of an equally long body: {constant:.2f})"
    line = _at_least(f"cached single / echo limit, {connections} connections", ratio, CACHED_OF_ECHO)
    return line | {"reached": line["reached"] + beside}


def _idiomatic_line(rows: Mapping[str, Row], connections: int) -> Line:
    ratio = _quotient(_rate(rows, "uncached", connections), _rate(rows, "idiomatic", connections))
    return _at_least(f"uncached single / idiomatic BentoML, {connections} connections", ratio, UNCACHED_OF_IDIOMATIC)


def _best_peer_line(rows: Mapping[str, Row], connections: int) -> Line:
    rates = {key: rate for key in PEERS_OF_FASTAPI if (rate := _rate(rows, key, connections)) is not None}
    best = max(rates, key=lambda key: rates[key], default=None)
    ratio = _quotient(_rate(rows, "uncached", connections), rates.get(best or ""))
    name = f" ({best})" if best else ""
    return _at_least(
        f"uncached single / best of MLServer, FastAPI, LitServe{name}, {connections} connections",
        ratio,
        UNCACHED_OF_BEST_PEER,
    )


def _batch_line(rows: Mapping[str, Row], key: str) -> Line:
    rates = [rate for connections in CONNECTIONS if (rate := _rate(rows, key, connections)) is not None]
    title = "batch of 100" + (", all market blocks" if key == "batch_full" else "")
    return _at_least(f"{title}, predictions/s of one worker", max(rates, default=None), BATCH_PREDICTIONS_PER_S)


def _lone_member_line(rows: Mapping[str, Row], connections: int) -> Line:
    ratio = _quotient(_rate(rows, "lone_member", connections), _rate(rows, "uncached", connections))
    return {
        "what": f"time of an uncached single / of one member alone, {connections} connections",
        "target": f"≤ {MOST_OF_LONE_MEMBER:g}",
        "reached": "not measured" if ratio is None else f"{ratio:.2f}",
        "is_met": ratio is not None and ratio <= MOST_OF_LONE_MEMBER,
    }


def _two_workers_line(rows: Mapping[str, Row]) -> Line:
    ratio = _quotient(_rate(rows, "two_workers", 64), _rate(rows, "uncached", 64))
    generator = _rate(rows, "two_workers", 64, "generator_cpu")
    server = _rate(rows, "two_workers", 64, "server_cpu")
    line = _at_least("two workers / one, uncached, 64 connections", ratio, TWO_OF_ONE)
    if generator is None or server is None:
        return line
    return line | {"reached": f"{line['reached']} (generator took {generator:.2f} cores, the server {server:.2f})"}


def _clean_line(rows: Mapping[str, Row]) -> Line:
    loads = [load for key in OURS for load in rows.get(key, {}).get("loads", {}).values()]
    bad = sum(load["errors"] + load["broken"] + load["wrong_bodies"] + len(load["wrong"]) for load in loads)
    bad += sum(rows.get(key, {}).get("open_loop", {}).get("failures", 0) for key in OURS)
    asked = sum(load["asked"] for load in loads)
    reached = f"{bad} ({asked} bodies sampled)" if loads else "not measured"
    return {
        "what": "ours: non-2xx, broken or wrong answers", "target": "0", "reached": reached,
        "is_met": bool(loads) and bad == 0,
    }  # fmt: skip


def _latency_line(rows: Mapping[str, Row], key: str, quantile: str, target: float) -> Line:
    measured = rows.get(key, {}).get("open_loop", {})
    reached = measured.get(quantile)
    name = quantile.removesuffix("_ms")
    shown = "not measured" if reached is None else f"{reached:.2f} ms at {measured['rate']:,.0f}/s"
    return {
        "what": f"{key} single, open loop at half of capacity, {name}", "target": f"≤ {target:g} ms", "reached": shown,
        "is_met": reached is not None and reached <= target,
    }  # fmt: skip


def _mean_batch_line(rows: Mapping[str, Row]) -> Line:
    line = _at_least(
        "mean batch, uncached, 64 connections", _rate(rows, "uncached", 64, "mean_batch"), MEAN_BATCH_AT_64
    )
    return line | {"target": f"> {MEAN_BATCH_AT_64:g}"}
