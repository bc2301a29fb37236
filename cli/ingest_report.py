"""What ``football ingest`` says of a run: plain data for programs, a summary for people, the rejects file for later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ingest.intake import IntakeReport
from store.rejects import Reject, append_rejects

_SHOWN = 5  # refusals and corrections in a summary; all of them are in the rejects file and in --json


def plain(report: IntakeReport) -> dict[str, Any]:
    """Return the report as plain data: counts first, then what they count."""
    return {
        "files": report.files,
        "read": report.read,
        "inserted": report.inserted,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "repaired": len(report.repairs),
        "rejected": len(report.rejects),
        "new_teams": report.new_teams,
        "corrections": [correction.text for correction in report.corrections],
        "repairs": [
            asdict(repair) | {"given": str(repair.given), "used": str(repair.used)} for repair in report.repairs
        ],
        "rejects": [asdict(reject) for reject in report.rejects],
    }


def keep_rejects(file: Path, rejects: Sequence[Reject]) -> None:
    """Add rejects to the file, save those that it holds from an earlier run."""
    written = set(file.read_text("utf-8", errors="replace").splitlines()) if file.is_file() else set()
    append_rejects(file, [r for r in rejects if json.dumps(asdict(r), ensure_ascii=False) not in written])


def summary(facts: dict[str, Any], rejects_file: Path) -> str:
    """Return the summary of plain data for people."""
    counts = ", ".join(f"{facts[name]:,} {name}" for name in ("inserted", "updated", "unchanged"))
    lines = [f"Read {facts['read']:,} rows of {facts['files']:,} files: {counts}, {facts['rejected']:,} refused."]
    if facts.get("left_out"):
        seasons = facts["left_out_seasons"]
        lines.append(
            f"Left out: {facts['left_out']:,} rows of {seasons[0]} to {seasons[-1]}, whose scores are those at half-time."
        )
    if "fixtures_added" in facts:
        lines.append(f"Fixtures added to the unfinished season: {facts['fixtures_added']:,}.")
    if facts["new_teams"]:
        lines.append(f"Teams met for the first time: {len(facts['new_teams']):,}.")
    if facts["repaired"]:
        example = facts["repairs"][0]
        lines.append(
            f"Dates repaired: {facts['repaired']:,}, such as {example['match']} ({example['origin']}): "
            f"{example['given']} -> {example['used']}."
        )
    lines += _first("corrected", facts["corrections"])
    refusals = [_where(reject) + reject["reason"] for reject in facts["rejects"]]
    lines += _first("refused", refusals)
    if refusals:
        lines.append(f"All refused rows: {rejects_file}")
    if not facts["inserted"] + facts["updated"] + facts["unchanged"]:
        lines.append("Nothing was kept.")
    return "\n".join(lines)


def _where(reject: dict[str, Any]) -> str:
    line = "" if reject["line"] is None else f", line {reject['line']}"
    return f"{reject['origin']}{line}: "


def _first(what: str, texts: Sequence[str]) -> list[str]:
    more = [f"  ... and {len(texts) - _SHOWN:,} more {what}"] if len(texts) > _SHOWN else []
    return [*(f"  {what} {text}" for text in texts[:_SHOWN]), *more]
