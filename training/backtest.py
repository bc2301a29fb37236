"""Backtest: what would have been said of each match of a window, and the file that holds it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path

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
)


def write_csv(file: Path, forecasts: Forecasts, directory: Mapping[str, MatchRow], models: list[str]) -> int:
    """Write one row a match and model, by kick-off, and return the number of rows.

    The file appears whole or not at all. Probabilities are written with all
    digits; ``kickoff`` is a date alone where the source gave no time;
    ``set_threshold`` is empty for models without prediction sets of their own,
    ``matches_known`` where nobody counted.
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
            ]


def _cell(values: Array | None, row: int) -> str:
    return "" if values is None else repr(float(values[row]))
