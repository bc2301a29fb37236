"""Tables on what calibration changed, and on how wide the intervals of probabilities are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.page import Table
from reports.wording import NONE, difference, number
from training.calibration_gain import OUTCOMES


def gain_tables(evaluation: Mapping[str, Any]) -> list[Table]:
    """Return the tables of an evaluation's ``calibration`` and ``interval_width``, of those that it has."""
    calibration, width = evaluation.get("calibration"), evaluation.get("interval_width")
    return [
        *([] if calibration is None else [_gain_table(calibration)]),
        *([] if width is None else [_width_table(width)]),
    ]


def _gain_table(told: Mapping[str, Any]) -> Table:
    kinds = ", ".join(
        f"{kind} at {fits} fits" if fits != 1 else f"{kind} at one fit" for kind, fits in told["kinds"].items()
    )
    horizons = {f"result {name} ago": part for name, part in told["per_horizon"].items()}
    parts = {"all": told["overall"]} | told["per_group"] | horizons
    return Table(
        caption=f"Before and after calibration: slopes of home win, draw and away win{f'; chosen: {kinds}' if kinds else ''}",
        header=["", "matches", "ECE before", "after", "slopes before", "after", "log loss, after minus before (95 %)"],
        rows=[
            [
                name,
                f"{part['matches']:,}",
                *(number(part["ece"][when]) for when in ("before", "after")),
                *(_slopes(part["slopes"], when) for when in ("before", "after")),
                difference(part["log_loss"]),
            ]
            for name, part in parts.items()
        ],
    )


def _slopes(told: Mapping[str, Any], when: str) -> str:
    return "/".join(number(told[key][when]["slope"], 2) if key in told else NONE for key in OUTCOMES)


def _width_table(told: Mapping[str, Any]) -> Table:
    known = {f"{name} matches known": part for name, part in told["per_matches_known"].items()}
    since = {f"result {name} ago": part for name, part in told["per_days_since"].items()}
    parts = {"all": told["overall"]} | known | since
    return Table(
        caption="Mean width of the three probabilities' intervals of 80 %",
        header=["", "matches", "width"],
        rows=[[name, f"{part['matches']:,}", number(part["width"], 3)] for name, part in parts.items()],
    )
