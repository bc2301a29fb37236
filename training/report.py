"""The figures of every evaluation: ours beside the baselines, on the same matches, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.batch import Array
from features.matches import MatchTable
from training.scores import (
    accuracy,
    brier,
    expected_calibration_error,
    log_loss,
    paired_bootstrap,
    ranked_probability_score,
)
from training.walk_forward import Forecasts

FEWEST_PER_COMPETITION = 30


def report(forecasts: Forecasts, *, model: str, seed: int) -> dict[str, Any]:
    """Return scores of all models over all matches and per competition, as plain data.

    For each baseline, ``difference`` is ours minus the baseline's in RPS and
    log loss (negative: ours is better) with a paired 95 % bootstrap interval
    over match days.
    """
    overall = _section(forecasts, np.arange(len(forecasts.matches)), model=model, seed=seed)
    competitions = {
        code: _section(forecasts, rows, model=model, seed=seed)
        for code in sorted(set(forecasts.matches.competition))
        if len(rows := np.flatnonzero(forecasts.matches.competition == code)) >= FEWEST_PER_COMPETITION
    }
    return {"model": model, **overall, "per_competition": competitions}


def scores(proba: Array, matches: MatchTable) -> dict[str, float]:
    """Return RPS, log loss in nats, Brier summed over classes, accuracy and ECE."""
    outcome = matches.outcome
    return {
        "rps": float(ranked_probability_score(proba, outcome).mean()),
        "log_loss": float(log_loss(proba, outcome).mean()),
        "brier": float(brier(proba, outcome).mean()),
        "accuracy": float(accuracy(proba, outcome).mean()),
        "ece": float(expected_calibration_error(proba, outcome)),
    }


def _section(forecasts: Forecasts, rows: np.ndarray[Any, Any], *, model: str, seed: int) -> dict[str, Any]:
    matches = forecasts.matches.take(rows)
    proba = {name: values[rows] for name, values in forecasts.proba.items()}
    return {
        "matches": len(matches),
        "scores": {name: scores(values, matches) for name, values in proba.items()},
        "difference": {
            name: _difference(proba[model], values, matches, seed) for name, values in proba.items() if name != model
        },
    }


def _difference(ours: Array, theirs: Array, matches: MatchTable, seed: int) -> dict[str, dict[str, float]]:
    outcome = matches.outcome
    compared = {"rps": ranked_probability_score, "log_loss": log_loss}
    return {
        name: paired_bootstrap(score(ours, outcome), score(theirs, outcome), matches.day, seed=seed)._asdict()
        for name, score in compared.items()
    }
