"""What the records say: counts by phase, transitions included, and whether the proof is passed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from proof.marks import STEADY, Change, Phases
from proof.records import Record
from proof.rows import ROWS


class PhaseCounts(msgspec.Struct, frozen=True):
    """Hold what was counted in all phases of one name.

    Attributes:
        responses: Requests; each has a record, answered or not.
        predictions: In them; a batch has many.
        lost, wrong: Requests that got none, and that got one that is not so.
        troubles: The same by what was wrong.
        versions: Responses by the model version that they name.
        p50_ms, p99_ms, max_ms: Of all answered ones, from when they were due; NaN where there are none.
    """

    name: str
    responses: int
    predictions: int
    lost: int
    wrong: int
    troubles: Mapping[str, int]
    versions: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float


class ChangeFound(msgspec.Struct, frozen=True):
    """Hold what was found of one change.

    Attributes:
        at_s: Since the first request was due.
        lost, wrong: Of the requests under way while it lasted.
        outage_s: From its beginning until the last lost request was due; 0 where none was lost.
        silence_s: The longest that nobody got an answer, while it lasted.
        first_new_s: From its beginning until the first answer of the version it brings; NaN for a fault, or none.
        last_old_s: The same until the last answer of any other version.
        failures: In words, what breaks its row; empty for none.
    """

    kind: str
    version: str
    at_s: float
    took_s: float
    back_s: float
    is_done: bool
    said: str
    lost: int
    wrong: int
    outage_s: float
    silence_s: float
    first_new_s: float
    last_old_s: float
    failures: tuple[str, ...]


class Verdict(msgspec.Struct, frozen=True):
    """Hold what was found.

    Attributes:
        responses, predictions, lost, wrong: Of the whole window.
        bound: With 0 failed in n, fewer than 3 in n fail (95 %); NaN where some failed.
        rate: Requests a second that were due.
        late_ms: 99th percentile of how late kept connections were sent; the driver's own doing.
        phases, changes: See there.
        examples: The first responses that were lost or wrong, with what came back.
        failures: In words, why the proof is not passed; empty if it is.
    """

    responses: int
    predictions: int
    lost: int
    wrong: int
    bound: float
    rate: float
    late_ms: float
    phases: tuple[PhaseCounts, ...]
    changes: tuple[ChangeFound, ...]
    examples: tuple[Mapping[str, object], ...]
    failures: tuple[str, ...]

    @property
    def is_passed(self) -> bool:
        """Return whether nothing was lost or wrong beyond what a row allows, and every change was made."""
        return not self.failures


_EXAMPLES = 10


def verdict_of(records: Sequence[Record], changes: Sequence[Change]) -> Verdict:
    """Judge a window: every record counts, whatever was going on. Changes in the order they were made."""
    phases, start = Phases(changes), min((record.due for record in records), default=0.0)
    by_phase: dict[str, list[Record]] = {}
    by_change: dict[float, list[Record]] = {change.began: [] for change in changes}
    for record in records:
        name, change = phases.of(record.due, record.done)
        by_phase.setdefault(name, []).append(record)
        if change is not None:
            by_change[change.began].append(record)
    found = tuple(_found(change, by_change[change.began], start) for change in changes)
    bad = [record for record in records if record.trouble]
    kept = [record.sent - record.due for record in records if record.sent and not record.is_fresh]
    span = max((record.due for record in records), default=start) - start
    return Verdict(
        responses=len(records),
        predictions=sum(record.predictions for record in records),
        lost=sum(record.is_lost for record in records),
        wrong=sum(record.is_wrong for record in records),
        bound=3.0 / len(records) if records and not bad else math.nan,
        rate=len(records) / span if span > 0.0 else math.nan,
        late_ms=_percentile_ms(kept, 99),
        phases=tuple(
            _counts(name, by_phase[name]) for name in sorted(by_phase, key=lambda name: (name != STEADY, name))
        ),
        changes=found,
        examples=tuple(_example(record, phases, start) for record in bad[:_EXAMPLES]),
        failures=tuple(_failures(records, phases, found)),
    )


def _counts(name: str, records: Sequence[Record]) -> PhaseCounts:
    times = [record.done - record.due for record in records if record.status]
    return PhaseCounts(
        name=name,
        responses=len(records),
        predictions=sum(record.predictions for record in records),
        lost=sum(record.is_lost for record in records),
        wrong=sum(record.is_wrong for record in records),
        troubles=dict(Counter(_trouble(record) for record in records if record.trouble)),
        versions=dict(Counter(record.version for record in records if record.version)),
        p50_ms=_percentile_ms(times, 50),
        p99_ms=_percentile_ms(times, 99),
        max_ms=_percentile_ms(times, 100),
    )


def _found(change: Change, records: Sequence[Record], start: float) -> ChangeFound:
    """Return what was found of a change; ``records`` are those in it and those after it, up to the next."""
    inside = [record for record in records if record.due <= change.ended]
    lost = [record for record in inside if record.is_lost]
    outage_s = max((record.due - change.began for record in lost), default=0.0)
    silence_s = _silence_s(change, inside)
    new = [record.done for record in records if change.version and record.version == change.version]
    old = [record.done for record in records if change.version and record.version not in {"", change.version}]
    return ChangeFound(
        kind=change.kind,
        version=change.version,
        at_s=change.began - start,
        took_s=change.took_s,
        back_s=change.back_s,
        is_done=change.is_done,
        said=change.said,
        lost=len(lost),
        wrong=sum(record.is_wrong for record in inside),
        outage_s=max(0.0, outage_s),
        silence_s=silence_s,
        first_new_s=min(new, default=math.nan) - change.began,
        last_old_s=max(old, default=math.nan) - change.began,
        failures=tuple(_broken(change, len(lost), outage_s, silence_s)),
    )


def _silence_s(change: Change, records: Sequence[Record]) -> float:
    """Return the longest time of a change in which no answer came; its beginning and its end count as answers."""
    came = sorted(record.done for record in records if record.status and change.began < record.done < change.ended)
    return float(np.max(np.diff([change.began, *came, change.ended])))


def _broken(change: Change, lost: int, outage_s: float, silence_s: float) -> list[str]:
    row, broken = ROWS[change.kind], []
    if not change.is_done:
        broken.append(f"{change.kind} of {change.version or 'a process'} was not done: {change.said}")
    if lost and (row.outage_s == 0.0 or outage_s > row.outage_s):
        broken.append(f"{change.kind} lost {lost}, the last after {outage_s:.2f} s; {row.outage_s:g} s are allowed")
    if row.back_s is not None and change.back_s > row.back_s:
        broken.append(f"{change.kind} was over after {change.back_s:.1f} s; {row.back_s:g} s are allowed")
    if row.silence_s is not None and silence_s > row.silence_s:
        broken.append(f"{change.kind}: nobody was answered for {silence_s:.2f} s; {row.silence_s:g} s are allowed")
    return broken


def _failures(records: Sequence[Record], phases: Phases, found: Sequence[ChangeFound]) -> list[str]:
    wrong = sum(record.is_wrong for record in records)
    outside = sum(record.is_lost and _is_outside(record, phases) for record in records)
    failures = [f"{wrong} wrong answers"] if wrong else []
    failures += [f"{outside} responses were lost outside of any change"] if outside else []
    failures += [] if records else ["nothing was asked"]
    return failures + [failure for change in found for failure in change.failures]


def _is_outside(record: Record, phases: Phases) -> bool:
    name, _ = phases.of(record.due, record.done)
    return name == STEADY or name.startswith("after ")


def _example(record: Record, phases: Phases, start: float) -> Mapping[str, object]:
    return {
        "at_s": round(record.due - start, 3),
        "phase": phases.of(record.due, record.done)[0],
        "trouble": _trouble(record),
        "version": record.version,
        "connection": "its own" if record.is_fresh else "kept",
        "predictions": record.predictions,
        "latency_s": round(record.done - record.due, 3),
        "seen": record.seen,
    }


def _trouble(record: Record) -> str:
    return f"status {record.status}" if record.trouble == "status" else record.trouble


def _percentile_ms(seconds: Sequence[float], share: float) -> float:
    return float(np.percentile(seconds, share)) * 1e3 if len(seconds) else math.nan
