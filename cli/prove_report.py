"""What ``football prove`` says: the verdict as tables."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table

from proof.run import Proof
from proof.verdict import ChangeFound, PhaseCounts, Verdict

_WIDTH = 160


def show(proof: Proof) -> None:
    """Print a proof: counts by phase, each change, what was bad, and whether it is passed."""
    console = Console()
    console = console if console.is_terminal else Console(width=_WIDTH)
    verdict = proof.verdict
    console.print(_phases(verdict))
    if verdict.changes:
        console.print(_changes(verdict))
    for example in verdict.examples:
        console.print("bad:", ", ".join(f"{name} {value}" for name, value in example.items()), markup=False)
    for failure in verdict.failures:
        console.print(f"FAILED: {failure}", markup=False)
    capacity = "" if proof.capacity is None else f" of a capacity of {proof.capacity:.0f}"
    console.print(
        f"{'Passed' if proof.is_passed else 'Not passed'}: {verdict.responses} responses ({verdict.predictions} predictions)"
        f" at {proof.rate:.0f}/s{capacity}, {verdict.lost} lost, {verdict.wrong} wrong; {_bound(verdict)}"
        f" Controls: {proof.controls.lost} lost, {proof.controls.wrong} wrong, as planted. Seed {proof.seed}."
    )


def _bound(verdict: Verdict) -> str:
    if math.isnan(verdict.bound):
        return ""
    return f"so fewer than 1 in {1.0 / verdict.bound:,.0f} fail (95 %)."


def _phases(verdict: Verdict) -> Table:
    table = Table(title="Every response, by what was going on while it was under way")
    table.add_column("phase")
    for name in ("responses", "lost", "wrong", "p50 ms", "p99 ms", "max ms"):
        table.add_column(name, justify="right")
    table.add_column("what was wrong")
    table.add_column("versions")
    for phase in verdict.phases:
        table.add_row(*_phase(phase))
    return table


def _phase(phase: PhaseCounts) -> list[str]:
    counts = [phase.responses, phase.lost, phase.wrong]
    times = [phase.p50_ms, phase.p99_ms, phase.max_ms]
    return [
        phase.name,
        *map(str, counts),
        *(f"{time:.1f}" for time in times),
        ", ".join(f"{name}: {count}" for name, count in phase.troubles.items()),
        ", ".join(f"{name}: {count}" for name, count in sorted(phase.versions.items())),
    ]


def _changes(verdict: Verdict) -> Table:
    table = Table(title="Each change; seconds from its beginning")
    for name in (
        "change",
        "brings",
        "at s",
        "took s",
        "first new s",
        "last old s",
        "lost",
        "wrong",
        "outage s",
        "silence s",
        "back s",
    ):
        table.add_column(name, justify="left" if name in {"change", "brings"} else "right")
    for change in verdict.changes:
        table.add_row(*_change(change))
    return table


def _change(change: ChangeFound) -> list[str]:
    return [
        change.kind if change.is_done else f"{change.kind} (NOT DONE)",
        change.version or change.said,
        *map(_seconds, (change.at_s, change.took_s, change.first_new_s, change.last_old_s)),
        str(change.lost),
        str(change.wrong),
        _seconds(change.outage_s),
        _seconds(change.silence_s),
        _seconds(change.back_s) if not change.version else "",
    ]


def _seconds(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
