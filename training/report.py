"""The figures of every evaluation: ours beside the baselines, on the same matches, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.matches import MatchTable
from models.scores import (
    accuracy,
    brier,
    expected_calibration_error,
    log_loss,
    paired_bootstrap,
    ranked_probability_score,
)
from training.walk_forward import Forecasts

FEWEST_PER_GROUP: Final = 30
IntervalBy = Literal["day", "week"]
Score = Callable[[Array, NDArray[np.int64]], Array]
COMPARED: Final[Mapping[str, Score]] = {"rps": ranked_probability_score, "log_loss": log_loss}


def report(forecasts: Forecasts, *, model: str, seed: int, interval_by: IntervalBy = "day") -> dict[str, Any]:
    """Return scores of all models over all matches and per competition, as plain data.

    For each baseline, ``difference`` is ours minus the baseline's in RPS and
    log loss (negative: ours is better) with a paired 95 % bootstrap interval
    over match days, or over weeks.
    """
    rows = np.arange(len(forecasts.matches))
    overall = section(forecasts, rows, model=model, seed=seed, interval_by=interval_by)
    competitions = by_group(forecasts, forecasts.matches.competition, model=model, seed=seed, interval_by=interval_by)
    return {"model": model, "interval_by": interval_by, **overall, "per_competition": competitions}


def by_group(
    forecasts: Forecasts, group: NDArray[np.object_], *, model: str, seed: int, interval_by: IntervalBy = "day"
) -> dict[str, dict[str, Any]]:
    """Return the figures of each group of at least 30 matches, in the order of the groups' names.

    Args:
        group: Name of each match's group, such as its season. Shape (n,).
        interval_by: What the intervals draw whole.
    """
    return {
        name: section(forecasts, rows, model=model, seed=seed, interval_by=interval_by)
        for name, rows in rows_by_group(group).items()
    }


def rows_by_group(group: NDArray[np.object_]) -> dict[str, NDArray[np.int64]]:
    """Return the rows of each group of at least 30 matches, in the order of the groups' names."""
    return {name: rows for name in sorted(set(group)) if len(rows := np.flatnonzero(group == name)) >= FEWEST_PER_GROUP}


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


def section(
    forecasts: Forecasts,
    rows: NDArray[np.int64],
    *,
    model: str,
    seed: int,
    compared: Mapping[str, Score] = COMPARED,
    interval_by: IntervalBy = "day",
) -> dict[str, Any]:
    """Return the scores of all models over the chosen matches, and ours minus each baseline's with an interval.

    Args:
        rows: Indices of at least one match.
        compared: Which scores to compare; one value a match each.
        interval_by: What the intervals draw whole.
    """
    matches = forecasts.matches.take(rows)
    proba = {name: values[rows] for name, values in forecasts.proba.items()}
    drawn = drawn_together(matches.day, interval_by)
    return {
        "matches": len(matches),
        "scores": {name: scores(values, matches) for name, values in proba.items()},
        "difference": {
            name: _difference(proba[model], values, matches.outcome, drawn, seed, compared)
            for name, values in proba.items()
            if name != model
        },
    }


def drawn_together(day: NDArray[np.int64], interval_by: IntervalBy) -> NDArray[np.int64]:
    """Return the group of each match that a bootstrap draws whole: its day, or its week from Monday to Sunday. Shape (n,).

    Weeks make intervals that allow for what lasts some days, such as the state of a model between two results.

    >>> drawn_together(np.array([3, 4, 10, 11]), "week").tolist()  # Sunday 1970-01-04 and the Mondays after it
    [0, 1, 1, 2]
    """
    return day if interval_by == "day" else (day + 3) // 7  # 1970-01-01 was a Thursday


def _difference(
    ours: Array,
    theirs: Array,
    outcome: NDArray[np.int64],
    drawn: NDArray[np.int64],
    seed: int,
    compared: Mapping[str, Score],
) -> dict[str, dict[str, float]]:
    return {
        name: paired_bootstrap(score(ours, outcome), score(theirs, outcome), drawn, seed=seed)._asdict()
        for name, score in compared.items()
    }
