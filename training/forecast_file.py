"""A backtest's file read back into forecasts; nothing in it is taken on trust."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from features.batch import Array
from features.matches import MatchTable, association_of
from models.calibration import KINDS
from training.backtest import COLUMNS
from training.history import day_number
from training.walk_forward import Forecasts

Row = Mapping[str, str]

_UNCALIBRATED = ("uncalibrated_home", "uncalibrated_draw", "uncalibrated_away")
_SAID = ("p_home", "p_draw", "p_away", "model", "set_threshold", "interval_width", *_UNCALIBRATED, "calibration")
_FACTS = tuple(name for name in COLUMNS if name not in _SAID)
_TOLERANCE = 1e-6


class ForecastFileInvalid(ValueError):
    """Say which line of a file cannot be one of a backtest, and why."""


def read_forecasts(file: Path) -> Forecasts:
    """Read what ``backtest.write_csv`` wrote; models come in the order in which the file names them first.

    Teams are given the association of the match's competition, as the file
    names clubs alone. What it does not hold, such as xG, is unknown.

    Raises:
        ForecastFileInvalid: If a column, a match or a forecast is missing, given twice or impossible.
    """
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise ForecastFileInvalid(f"{file} lacks the columns {', '.join(missing)}; write it with football backtest")
        return _forecasts(_by_model(reader, file), file)


def _by_model(reader: csv.DictReader[str], file: Path) -> dict[str, dict[str, Row]]:
    models: dict[str, dict[str, Row]] = {}
    for row in reader:
        rows = models.setdefault(row["model"], {})
        try:
            _check(row, rows)
        except (ValueError, TypeError) as error:
            raise ForecastFileInvalid(f"{file}, line {reader.line_num}: {error}") from error
        rows[row["match_id"]] = row
    if not models:
        raise ForecastFileInvalid(f"{file} holds no forecast; write it with football backtest")
    return models


def _check(row: Row, earlier: Mapping[str, Row]) -> None:
    if None in row.values() or None in row:
        raise ValueError(f"expected {len(COLUMNS)} values")
    if row["match_id"] in earlier:
        raise ValueError(f"the match {row['match_id']} has a forecast of {row['model']} already")
    _check_proba(_proba(row))
    if any(row[name] for name in _UNCALIBRATED):
        _check_proba(tuple(_number(row[name]) for name in _UNCALIBRATED))
    if int(row["home_goals"]) < 0 or int(row["away_goals"]) < 0:
        raise ValueError("given negative goals, expected 0 or more")
    dt.date.fromisoformat(row["trained_until"])
    _kickoff(row)
    if not math.isnan(threshold := _number(row["set_threshold"])) and not 0.0 <= threshold <= 1.0:
        raise ValueError(f"given the set threshold {threshold}, expected one within [0, 1] or none")
    if row["calibration"] not in ("", *KINDS):
        raise ValueError(f"given the calibration {row['calibration']!r}, expected one of {', '.join(KINDS)}, or none")
    for name in ("matches_known", "days_since", "interval_width"):
        if _number(row[name]) < 0:
            raise ValueError(f"given a negative {name}, expected 0 or more, or none")


def _check_proba(proba: tuple[float, ...]) -> None:
    if not (all(0.0 <= p <= 1.0 for p in proba) and abs(math.fsum(proba) - 1.0) <= _TOLERANCE):
        raise ValueError(f"given probabilities {proba}, expected three within [0, 1] that sum to 1")


def _forecasts(models: Mapping[str, Mapping[str, Row]], file: Path) -> Forecasts:
    facts = next(iter(models.values()))
    for name, rows in models.items():
        if rows.keys() != facts.keys():
            one = min(rows.keys() ^ facts.keys())
            raise ForecastFileInvalid(f"{file}: {name} and another model differ in the match {one}; all need the same")
        if changed := [one for one, row in rows.items() if any(row[key] != facts[one][key] for key in _FACTS)]:
            raise ForecastFileInvalid(f"{file}: the rows of the match {changed[0]} differ in what happened")
    in_order = {name: [rows[one] for one in facts] for name, rows in models.items()}
    return Forecasts(
        matches=_matches(list(facts.values())),
        proba={name: np.array([_proba(row) for row in rows]) for name, rows in in_order.items()},
        trained_until=np.array([day_number(dt.date.fromisoformat(row["trained_until"])) for row in facts.values()]),
        set_threshold=_by_name(in_order, "set_threshold", file),
        matches_known=_column(list(facts.values()), "matches_known", str(file)),
        interval_width=_by_name(in_order, "interval_width", file),
        days_since=_days_since(list(facts.values())),
        uncalibrated=_uncalibrated(in_order, file),
        calibration={
            name: np.array([row["calibration"] for row in rows], dtype=object)
            for name, rows in in_order.items()
            if rows[0]["calibration"]
        },
    )


def _by_name(models: Mapping[str, Sequence[Row]], column: str, file: Path) -> dict[str, Array]:
    """Return a column of each model that has it."""
    columns = {name: _column(rows, column, f"{file}: {name}") for name, rows in models.items()}
    return {name: values for name, values in columns.items() if values is not None}


def _uncalibrated(models: Mapping[str, Sequence[Row]], file: Path) -> dict[str, Array]:
    columns = [_by_name(models, column, file) for column in _UNCALIBRATED]
    return {name: np.column_stack([column[name] for column in columns]) for name in columns[0]}


def _days_since(rows: Sequence[Row]) -> Array | None:
    """Return the days, NaN before a side's first match; None where there are none at all."""
    days = np.array([_number(row["days_since"]) for row in rows])
    return None if np.isnan(days).all() else days


def _column(rows: Sequence[Row], name: str, place: str) -> Array | None:
    """Return a column that may be empty, None where it is."""
    values = np.array([_number(row[name]) for row in rows])
    unknown = np.isnan(values)
    if unknown.any() and not unknown.all():
        one = rows[int(unknown.argmax())]["match_id"]
        raise ForecastFileInvalid(
            f"{place} lacks {name} of the match {one}, but has that of others; all or none is needed"
        )
    return None if unknown.all() else values


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _matches(rows: Sequence[Row]) -> MatchTable:
    associations = [association_of(row["competition"]) for row in rows]
    return MatchTable.from_columns(
        **{name: [row[name] for row in rows] for name in ("match_id", "competition", "season")},
        kickoff=[_kickoff(row) for row in rows],
        home=[f"{code}:{row['home_team']}" for code, row in zip(associations, rows, strict=True)],
        away=[f"{code}:{row['away_team']}" for code, row in zip(associations, rows, strict=True)],
        home_goals=[int(row["home_goals"]) for row in rows],
        away_goals=[int(row["away_goals"]) for row in rows],
    )


def _proba(row: Row) -> tuple[float, float, float]:
    return float(row["p_home"]), float(row["p_draw"]), float(row["p_away"])


def _kickoff(row: Row) -> int:
    """Return seconds since 1970-01-01 UTC; midnight for a date alone."""
    instant = dt.datetime.fromisoformat(row["kickoff"])
    return int((instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)).timestamp())
