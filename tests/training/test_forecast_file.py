"""A backtest's file is read as it was written, or refused with the line that is wrong."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from store.database import open_store
from store.reads import read_directory
from training.backtest import COLUMNS, write_csv
from training.coverage import coverage_of
from training.forecast_file import ForecastFileInvalid, read_forecasts
from training.history import day_number
from training.report import report
from training.run import Plan
from training.walk_forward import baselines, walk_forward

PLAN = Plan("backtest", 5, 200, 300, 1)


def lines(*changes, models=("mine", "theirs"), matches=("a", "b")):
    """Rows of a small file; each change names a row, a column and a value."""
    rows = [
        {
            "match_id": match, "competition": "de.1", "season": "2020-21", "kickoff": "2020-09-19T13:30:00Z",
            "home_team": "SC Freiburg", "away_team": "FC Augsburg", "source_home": "Freiburg", "source_away": "Augsburg",
            "home_goals": "2", "away_goals": "1", "p_home": "0.5", "p_draw": "0.25", "p_away": "0.25",
            "model": model, "trained_until": "2020-09-01", "set_threshold": "", "matches_known": "12.0",
            "days_since": "7.0", "interval_width": "", "uncalibrated_home": "", "uncalibrated_draw": "",
            "uncalibrated_away": "", "calibration": "",
        }
        for match in matches for model in models
    ]  # fmt: skip
    for row, column, value in changes:
        rows[row][column] = value
    return rows


def written(folder, rows, columns=COLUMNS):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    file = folder / "backtest.csv"
    file.write_text(text.getvalue(), encoding="utf-8")
    return file


def test_what_was_written_is_read(history, league_store, tmp_path):
    """
    Forecasts of a walk come back with the same probabilities to the bit, and give the same report.
    """
    first, end = (day_number(np.datetime64(day).astype(object)) for day in ("2022-08-01", "2022-12-01"))
    forecasts = walk_forward(history, baselines, first_day=first, end_day=end, refit_days=60, warm_up_days=300)
    threshold = np.linspace(0.5, 0.9, len(forecasts.matches)) / 1.1
    forecasts = replace(
        forecasts,
        set_threshold={"dixon_coles": threshold},
        interval_width={"dixon_coles": threshold / 3.0},
        uncalibrated={"dixon_coles": forecasts.proba["elo_logit"]},
        calibration={"dixon_coles": np.full(len(threshold), "slope", dtype=object)},
    )
    engine = open_store(f"sqlite:///{league_store}")
    directory = {row.match_id: row for row in read_directory(engine)}
    engine.dispose()
    file = tmp_path / "backtest.csv"
    write_csv(file, forecasts, directory, list(forecasts.proba))

    read = read_forecasts(file)

    assert list(read.proba) == list(forecasts.proba)
    for name, proba in forecasts.proba.items():
        np.testing.assert_array_equal(read.proba[name], proba)
    np.testing.assert_array_equal(read.trained_until, forecasts.trained_until)
    np.testing.assert_array_equal(read.matches_known, forecasts.matches_known)
    np.testing.assert_array_equal(read.days_since, forecasts.days_since)
    for column in ("set_threshold", "interval_width", "uncalibrated", "calibration"):
        assert list(getattr(read, column)) == ["dixon_coles"]
        np.testing.assert_array_equal(getattr(read, column)["dixon_coles"], getattr(forecasts, column)["dixon_coles"])
    for column in ("match_id", "competition", "season", "home", "away", "home_goals", "away_goals", "day"):
        np.testing.assert_array_equal(getattr(read.matches, column), getattr(forecasts.matches, column))
    assert report(read, model="dixon_coles", seed=1) == report(forecasts, model="dixon_coles", seed=1)
    assert coverage_of(read, model="dixon_coles") == coverage_of(forecasts, model="dixon_coles")


def test_models_come_in_the_order_of_the_file(tmp_path):
    """
    The model that the file names first is the first of the forecasts; a kick-off may be a date alone.
    """
    read = read_forecasts(written(tmp_path, lines((0, "kickoff", "2020-09-19"), (1, "kickoff", "2020-09-19"))))

    assert list(read.proba) == ["mine", "theirs"]
    assert read.matches.kickoff.tolist() == [18524 * 86_400, 18524 * 86_400 + 13 * 3600 + 1800]
    assert read.matches.home.tolist() == ["de:SC Freiburg"] * 2
    assert np.isnan(read.matches.home_xg).all()
    assert read.set_threshold == {}
    assert read.matches_known.tolist() == [12.0, 12.0]


def test_what_nobody_counted_is_unknown(tmp_path):
    """
    Empty cells of known matches are no number of matches.
    """
    read = read_forecasts(written(tmp_path, lines(*((row, "matches_known", "") for row in range(4)))))

    assert read.matches_known is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([(1, "p_home", "0.6")], "line 3: given probabilities (0.6, 0.25, 0.25)"),
        ([(1, "p_home", "nan")], "line 3: given probabilities"),
        ([(1, "p_home", "1.5"), (1, "p_draw", "-0.75")], "line 3: given probabilities"),
        ([(0, "p_home", "half")], "line 2: could not convert"),
        ([(3, "home_goals", "-1")], "line 5: given negative goals"),
        ([(3, "home_goals", "")], "line 5: invalid literal"),
        ([(2, "kickoff", "yesterday")], "line 4: Invalid isoformat"),
        ([(2, "trained_until", "never")], "line 4: Invalid isoformat"),
        ([(2, "match_id", "a")], "line 4: the match a has a forecast of mine already"),
        ([(1, "set_threshold", "1.5")], "line 3: given the set threshold 1.5"),
        ([(1, "set_threshold", "wide")], "line 3: could not convert"),
        ([(1, "set_threshold", "0.7")], "theirs lacks set_threshold of the match b"),
        ([(2, "matches_known", "-1")], "line 4: given a negative matches_known"),
        ([(2, "matches_known", ""), (3, "matches_known", "")], "lacks matches_known of the match b"),
        ([(1, "days_since", "-1")], "line 3: given a negative days_since"),
        ([(1, "uncalibrated_home", "0.5")], "line 3: given probabilities (0.5, nan, nan)"),
        ([(1, "calibration", "magic")], "line 3: given the calibration 'magic', expected one of none, slope"),
        ([(3, "matches_known", "11.0")], "the rows of the match b differ in what"),
        ([(3, "match_id", "c")], "theirs and another model differ in the match b"),
        ([(3, "away_goals", "4")], "the rows of the match b differ in what happened"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, changes, told):
    """
    A forecast or a result that cannot be, one given twice and one that a model lacks are refused with where they are.
    """
    file = written(tmp_path, lines(*changes))

    with pytest.raises(ForecastFileInvalid) as refused:
        read_forecasts(file)

    assert str(file) in str(refused.value)
    assert told in str(refused.value)


def test_a_file_of_something_else_is_refused(tmp_path):
    """
    Missing columns, a line cut short and a file without forecasts are said, with how to make a right one.
    """
    for columns, told in (
        (COLUMNS[:-2], "lacks the columns uncalibrated_away, calibration"),
        (["x"], "lacks the columns match_id"),
    ):
        with pytest.raises(ForecastFileInvalid, match=told):
            read_forecasts(written(tmp_path, lines(), columns))
    with pytest.raises(ForecastFileInvalid, match="holds no forecast; write it with football backtest"):
        read_forecasts(written(tmp_path, []))
    file = written(tmp_path, lines())
    file.write_text(file.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    with pytest.raises(ForecastFileInvalid, match="line 5: expected 23 values"):
        read_forecasts(file)
