"""The benchmark's report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEADER = (
    "row", "/s at 16", "/s at 64", "p50 at 16", "p99 at 16", "p99 at 64", "not 2xx or wrong", "CPU s per 1,000", "worker RSS", "generator CPU",
)  # fmt: skip
TABLE_NOTE = (
    "`/s` are right predictions per second, wrk with one thread on the same machine, closed loop. CPU is that of the whole "
    "process tree of the server per 1,000 predictions, RSS that of its largest process, generator CPU the share of one "
    "core at 64 connections. Peers are given their row of 60 features and answer three probabilities; ours looks the "
    "match up and answers every market block."
)
OPEN_NOTE = (
    "Poisson arrivals by MLPerf LoadGen over 64 connections; latency counts from when a request was due. The constant "
    "echo ran at the rate of the cached row: it shows what of the latency is the generator's and the machine's."
)
OPEN_HEADER = ("row", "rate", "p50", "p99", "p99.9", "not 2xx", "generator CPU")


def markdown(report: Mapping[str, Any]) -> str:
    """Return machine, table, open loop, acceptance and failures."""
    rows = report["results"]
    parts = [
        "# Benchmark",
        _machine(report["machine"], report["seconds"]),
        _table(HEADER, [_line(row) for row in rows]),
        TABLE_NOTE,
        "## Open loop at half of own capacity",
        _table(OPEN_HEADER, [_open_line(row) for row in rows if "open_loop" in row]),
        OPEN_NOTE,
        "## Acceptance",
        _table(("figure", "target", "reached", ""), [_verdict(line) for line in report["acceptance"]]),
        *_failures(rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _machine(machine: Mapping[str, Any], seconds: float) -> str:
    versions = {name: ", ".join(f"{k} {v}" for k, v in machine[name].items()) for name in ("ours", "peers", "mlserver")}
    return (
        f"{machine['date']}, commit {machine['commit']}. {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}, Python {machine['python']}, load average at the end {machine['load_average']}; "
        f"{seconds:g} s a measurement.\n\n"
        f"Ours: {versions['ours']}. Peers: {versions['peers']}. MLServer's environment: {versions['mlserver']}."
    )


def _table(header: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, tuple(rule), *lines])


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    if "failed" in row:
        return (row["title"], "failed, see below", *[""] * (len(HEADER) - 2))
    few, many = row["loads"].values()
    bad = sum(load["errors"] + load["broken"] for load in (few, many))
    wrong = sum(max(load["wrong_bodies"], len(load["wrong"])) for load in (few, many))
    return (
        row["title"],
        f"{few['predictions_per_s']:,.0f}",
        f"{many['predictions_per_s']:,.0f}",
        f"{few['p50_ms']:.2f} ms",
        f"{few['p99_ms']:.2f} ms",
        f"{many['p99_ms']:.2f} ms",
        f"{bad}" + (f" + {wrong} wrong" if wrong else ""),
        f"{many['cpu_s_per_1000']:.3f}",
        f"{many['worker_rss_mib']:,.0f} MiB",
        f"{many['generator_cpu']:.0%}",
    )


def _open_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    measured = row["open_loop"]
    if "failed" in measured:
        return (row["title"], f"{measured['rate']:,.0f}", "failed", *[""] * (len(OPEN_HEADER) - 3))
    return (
        row["title"],
        f"{measured['rate']:,.0f}",
        f"{measured['p50_ms']:.2f} ms",
        f"{measured['p99_ms']:.2f} ms",
        f"{measured['p999_ms']:.2f} ms",
        f"{measured['failures']}",
        f"{measured['generator_cpu']:.0%}",
    )


def _verdict(line: Mapping[str, Any]) -> tuple[str, ...]:
    return (line["what"], line["target"], line["reached"], "met" if line["is_met"] else "**missed**")


def _failures(rows: list[Mapping[str, Any]]) -> list[str]:
    said = [f"* {row['title']}: failed\n\n```\n{row['failed']}\n```" for row in rows if "failed" in row]
    for row in rows:
        wrong = [text for load in row.get("loads", {}).values() for text in load["wrong"]]
        said += [f"* {row['title']}: {len(wrong)} sampled answers were wrong, the first: {wrong[0]}"] if wrong else []
        broken = row.get("open_loop", {}).get("failed")
        said += [f"* {row['title']}: the open loop failed: {broken}"] if broken else []
    return ["## What failed", *said] if said else []
