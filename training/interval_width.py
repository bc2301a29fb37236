"""How wide the intervals of probabilities are: by what is known of the sides, and by how old that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from features.batch import Array
from training.calibration_gain import HORIZONS
from training.report import FEWEST_PER_GROUP
from training.walk_forward import Forecasts

KNOWN: Final = {"under 10": (0, 9), "10 to 29": (10, 29), "30 to 99": (30, 99), "100 or more": (100, 100)}
"""Matches on record of the side that has fewer, both ends included; 100 stands for all above."""
Range = tuple[int, int]


def interval_width(forecasts: Forecasts, *, model: str) -> dict[str, Any] | None:
    """Return the mean width of the three probabilities' intervals: of all matches, by matches known, by days since a result.

    Returns:
        Plain data for the model card, of groups of at least 30 matches; None where the model states no intervals.
    """
    width = forecasts.interval_width.get(model)
    if width is None:
        return None
    return {
        "overall": _mean(width),
        "per_matches_known": _by(width, forecasts.matches_known, KNOWN),
        "per_days_since": _by(width, forecasts.days_since, HORIZONS),
    }


def _by(width: Array, number: Array | None, ranges: Mapping[str, Range]) -> dict[str, dict[str, float]]:
    if number is None:
        return {}
    inside = {name: (number >= first) & (number <= last) for name, (first, last) in ranges.items()}
    return {name: _mean(width[rows]) for name, rows in inside.items() if rows.sum() >= FEWEST_PER_GROUP}


def _mean(width: Array) -> dict[str, float]:
    return {"matches": len(width), "width": float(np.mean(width))}
