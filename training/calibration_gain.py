"""What calibration changes: how reliable the pool's own forecasts are, beside the calibrated ones of the same matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.matches import level_of
from models.scores import expected_calibration_error, log_loss, paired_bootstrap
from training.reliability_slope import reliability_slope
from training.report import FEWEST_PER_GROUP
from training.walk_forward import Forecasts

OUTCOMES: Final = ("home", "draw", "away")
HORIZONS: Final = {"up to 4 days": (0, 4), "5 to 8 days": (5, 8), "9 to 20 days": (9, 20), "over 20 days": (21, 30)}
"""Days from the newest result of either side to the match, both ends included; 30 stands for all above."""
Rows = NDArray[np.int64]


def calibration_gain(forecasts: Forecasts, *, model: str, seed: int) -> dict[str, Any] | None:
    """Return reliability before and after calibration over all matches, by group of competitions and by horizon.

    Each part of at least 30 matches has the ECE, the slope of reliability of each outcome with its 95 % interval (left
    out where no line can be fitted), and the log loss after minus before with a paired interval over match days: below
    zero, calibration helps.

    Returns:
        Plain data for the model card; None where the model is not calibrated, or nobody noted it.
    """
    if model not in forecasts.uncalibrated:
        return None

    def told(rows: Rows) -> dict[str, Any]:
        return _section(forecasts.take(rows), model, seed)

    return {
        "kinds": _kinds(forecasts, model),
        "overall": told(np.arange(len(forecasts.matches))),
        "per_group": {name: told(rows) for name, rows in _groups(forecasts)},
        "per_horizon": {name: told(rows) for name, rows in _horizons(forecasts)},
    }


def _kinds(forecasts: Forecasts, model: str) -> dict[str, int]:
    """Return how many fits chose each kind of calibration."""
    chosen = dict(zip(forecasts.trained_until.tolist(), forecasts.calibration.get(model, ()), strict=False))
    return dict(Counter(chosen.values()))


def _section(forecasts: Forecasts, model: str, seed: int) -> dict[str, Any]:
    outcome = forecasts.matches.outcome
    both = {"before": forecasts.uncalibrated[model], "after": forecasts.proba[model]}
    after, before = (log_loss(both[name], outcome) for name in ("after", "before"))
    slopes = {
        key: {name: _slope(proba[:, column], outcome == column) for name, proba in both.items()}
        for column, key in enumerate(OUTCOMES)
    }
    return {
        "matches": len(outcome),
        "log_loss": paired_bootstrap(after, before, forecasts.matches.day, seed=seed)._asdict(),
        "ece": {name: float(expected_calibration_error(proba, outcome)) for name, proba in both.items()},
        "slopes": {key: pair for key, pair in slopes.items() if all(pair.values())},
    }


def _slope(probability: Array, happened: NDArray[np.bool_]) -> dict[str, float]:
    line = reliability_slope(probability, happened)
    return {} if np.isnan(line.slope) else {"slope": line.slope, "low": line.low, "high": line.high}


def _groups(forecasts: Forecasts) -> Iterator[tuple[str, Rows]]:
    level = np.array([level_of(code) for code in forecasts.matches.competition])
    kinds = {"top divisions": level == 1.0, "lower divisions": level > 1.0, "cups, nations": np.isnan(level)}
    for name, wanted in kinds.items():
        if len(rows := np.flatnonzero(wanted)) >= FEWEST_PER_GROUP:
            yield name, rows


def _horizons(forecasts: Forecasts) -> Iterator[tuple[str, Rows]]:
    days = forecasts.days_since
    if days is None:
        return
    for name, (first, last) in HORIZONS.items():
        if len(rows := np.flatnonzero((days >= first) & (days <= last))) >= FEWEST_PER_GROUP:
            yield name, rows
