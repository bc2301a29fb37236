"""Backtest: what would have been said of each match of a window, and the file that holds it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from features.batch import Array
from features.matches import team_name
from store.reads import MatchRow
from training.history import date_of
from training.walk_forward import Forecasts

COLUMNS = (
    "match_id",
    "competition",
    "season",
    "kickoff",
    "home_team",
    "away_team",
    "source_home",
    "source_away",
    "home_goals",
    "away_goals",
    "p_home",
    "p_draw",
    "p_away",
    "model",
    "trained_until",
    "set_threshold",
    "matches_known",
    "days_since",
    "interval_width",
    "uncalibrated_home",
    "uncalibrated_draw",
    "uncalibrated_away",
    "calibration",
)


def write_csv(file: Path, forecasts: Forecasts, directory: Mapping[str, MatchRow], models: list[str]) -> int:
    """Write one row a match and model, by kick-off, and return the number of rows.

    The file appears whole or not at all. Probabilities are written with all
    digits; ``kickoff`` is a date alone where the source gave no time;
    ``set_threshold``, ``interval_width``, the uncalibrated probabilities and the
    kind of ``calibration`` are empty for models without, ``matches_known`` where nobody counted,
    ``days_since`` there and where no side had a result yet.
    """
    partial = file.with_name(file.name + ".partial")
    try:
        count = _write(partial, _rows(forecasts, directory, models))
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write(file: Path, rows: Iterator[list[object]]) -> int:
    count = 0
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the count
            writer.writerow(row)
    return count


def _rows(forecasts: Forecasts, directory: Mapping[str, MatchRow], models: list[str]) -> Iterator[list[object]]:
    table = forecasts.matches
    for i, match_id in enumerate(table.match_id):
        known = directory[match_id]
        kickoff = dt.datetime.fromtimestamp(int(table.kickoff[i]), tz=dt.UTC)
        for model in models:
            yield [
                match_id,
                table.competition[i],
                table.season[i],
                kickoff.date().isoformat() if known.is_date_only else kickoff.isoformat().replace("+00:00", "Z"),
                team_name(table.home[i]),
                team_name(table.away[i]),
                known.source_home,
                known.source_away,
                int(table.home_goals[i]),
                int(table.away_goals[i]),
                *(repr(float(p)) for p in forecasts.proba[model][i]),
                model,
                date_of(int(forecasts.trained_until[i])).isoformat(),
                _cell(forecasts.set_threshold.get(model), i),
                _cell(forecasts.matches_known, i),
                _cell(forecasts.days_since, i),
                _cell(forecasts.interval_width.get(model), i),
                *(_cell(column, i) for column in _columns(forecasts.uncalibrated.get(model))),
                forecasts.calibration[model][i] if model in forecasts.calibration else "",
            ]


def _columns(proba: Array | None) -> list[Array | None]:
    return [None] * 3 if proba is None else list(proba.T)


def _cell(values: Array | None, row: int) -> str:
    return "" if values is None or np.isnan(values[row]) else repr(float(values[row]))
