"""``football backtest``: what would have been said before each match, from what was known then."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import numpy as np
import pytest
from rewriting import rewritten

from features.frame import FeatureFrame
from models.class_frequency import ClassFrequency
from models.dixon_coles import DixonColes
from models.elo_logit import EloLogit
from store.database import open_store
from store.reads import read_directory
from training.backtest import COLUMNS, write_csv
from training.history import History, date_of, day_number, walk
from training.run import Plan
from training.walk_forward import walk_forward

FIRST, END = day_number(dt.date(2022, 8, 1)), day_number(dt.date(2023, 7, 1))
WARM = day_number(dt.date(2018, 8, 10)) + 300  # the first match, and the warm-up
PLAN = Plan("backtest", 5, 200, 300, 1)


def light_models():
    """The baselines alone, for tests of the walk rather than of the trees."""
    return [ClassFrequency(), EloLogit(), DixonColes()]


def forecast(history, make_models=light_models, *, first=FIRST, end=END, refit=60, **options):
    return walk_forward(
        history, make_models, first_day=first, end_day=end, refit_days=refit, warm_up_days=300, **options
    )


def csv_of(forecasts, league_store, tmp_path, models):
    engine = open_store(f"sqlite:///{league_store}")
    directory = {row.match_id: row for row in read_directory(engine)}
    engine.dispose()
    file = tmp_path / "backtest.csv"
    write_csv(file, forecasts, directory, models)
    return file.read_text(encoding="utf-8")


def test_the_file_has_the_stated_columns_and_every_match(place, league, tmp_path):
    """
    One row a played match of the window and of the chosen competitions; probabilities sum to one.
    """
    file = tmp_path / "out.csv"

    told = json.loads(
        place.football(
            "backtest",
            "--from",
            "2022-08-01",
            "--to",
            "2023-06-30",
            "--competitions",
            "xa.1,xb.1",
            "--out",
            str(file),
            "--json",
        ).stdout
    )

    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert tuple(rows[0]) == COLUMNS
    wanted = league.take(
        league.played & (league.day >= FIRST) & (league.day < END) & np.isin(league.competition, ["xa.1", "xb.1"])
    )
    assert sorted(row["match_id"] for row in rows) == sorted(wanted.match_id)
    assert told["rows"] == len(rows) == told["matches"]
    for row in rows:
        assert sum(float(row[name]) for name in ("p_home", "p_draw", "p_away")) == pytest.approx(1.0, abs=1e-12)
        assert row["model"] == "ensemble"
        assert row["trained_until"] <= row["kickoff"][:10]
        assert row["source_home"] == row["home_team"]
        assert 0.0 < float(row["set_threshold"]) <= 1.0
        assert 0.0 <= float(row["matches_known"]) <= 100.0
        assert 0.0 < float(row["interval_width"]) < 1.0
        assert sum(float(row[f"uncalibrated_{side}"]) for side in ("home", "draw", "away")) == pytest.approx(1.0)
    hits = [in_set(row) for row in rows]
    coverage = told["coverage"]
    assert (coverage["sets"], coverage["overall"]["matches"]) == ("conformal", len(rows))
    assert coverage["overall"]["observed"] == pytest.approx(np.mean(hits))
    assert coverage["per_season"]["2022-23"] == coverage["overall"]
    assert sum(told["calibration"]["kinds"].values()) == len({row["trained_until"] for row in rows})
    assert told["interval_width"]["overall"]["width"] == pytest.approx(
        np.mean([float(row["interval_width"]) for row in rows])
    )
    for market in told["markets"].values():
        assert set(market["log_loss"]) == {"ensemble", "dixon_coles", "base_rate"}
        assert set(market["difference"]) == {"dixon_coles", "base_rate"}


def in_set(row):
    """Whether all that was thought likelier than the result stays within the threshold."""
    proba = [float(row[name]) for name in ("p_home", "p_draw", "p_away")]
    margin = int(row["home_goals"]) - int(row["away_goals"])
    happened = proba[0 if margin > 0 else 1 if margin == 0 else 2]
    return sum(p for p in proba if p > happened) <= float(row["set_threshold"])


def test_baselines_can_be_written_too(place, tmp_path):
    """
    With --with-baselines each match has a row a model; only ours has sets of its own. Coverage is printed with its rule.
    """
    file = tmp_path / "out.csv"

    done = place.football(
        "backtest", "--from", "2023-01-01", "--to", "2023-01-20", "--out", str(file), "--with-baselines"
    )

    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert {row["model"] for row in rows} == {"ensemble", "class_frequency", "elo_logit", "dixon_coles"}
    assert {row["model"] for row in rows if row["set_threshold"]} == {"ensemble"}
    assert "Sets of 80%: results inside" in done.stdout
    assert "conformal sets as served" in done.stdout
    assert "Before and after calibration" in done.stdout
    for market in ("over 2.5 goals", "both teams to score"):
        assert market in done.stdout


def test_rewriting_the_future_leaves_earlier_rows_bit_identical(league, league_store, tmp_path):
    """
    Every result after a date is drawn anew: all rows up to that date stay the same, to the last digit.
    """
    changed_from = day_number(dt.date(2023, 1, 15))
    before = csv_of(forecast(walk(league)[1], PLAN.models), league_store, tmp_path, ["ensemble", "dixon_coles"])

    after = csv_of(
        forecast(walk(rewritten(league, changed_from))[1], PLAN.models),
        league_store,
        tmp_path,
        ["ensemble", "dixon_coles"],
    )

    limit = date_of(changed_from).isoformat()
    pairs = [
        (one, other)
        for one, other in zip(before.splitlines()[1:], after.splitlines()[1:], strict=True)
        if one.split(",")[3][:10] < limit
    ]
    assert len(pairs) > 100
    assert all(one == other for one, other in pairs)
    assert before != after


def test_a_match_does_not_see_its_own_day(league):
    """
    A match's own result, and those of its day, do not change what was said of it.
    """
    day = int(league.day[league.day >= FIRST + 60][0])

    one, other = (forecast(walk(table)[1]) for table in (league, rewritten(league, day)))

    rows = one.matches.day == day
    assert rows.any()
    for name in one.proba:
        np.testing.assert_array_equal(one.proba[name][rows], other.proba[name][other.matches.day == day])


class Cheat:
    """Say what happened, wherever the goals can be seen."""

    name = "cheat"

    def fit(self, matches, features):
        return self

    def predict_proba(self, matches, features):
        known = np.eye(3)[np.maximum(matches.outcome, 0)] * 0.98 + 0.01 * 2 / 3
        return np.where(matches.played[:, None], known, 1 / 3)


def test_a_model_that_looks_at_the_result_finds_nothing(history):
    """
    Models are asked about matches without results: one that would cheat can only shrug.
    """
    forecasts = forecast(history, lambda: [Cheat()])

    assert (forecasts.proba["cheat"] == 1 / 3).all()


def leaks(history, changed):
    """Return whether features before a change differ: the check that a leaking feature cannot pass."""
    early = history.matches.day < day_number(dt.date(2023, 1, 15))
    return not np.array_equal(history.features.values[early], changed.features.values[early], equal_nan=True)


def test_a_planted_cheating_feature_is_caught(league):
    """
    A feature that knows the season's final points changes when the future does, and the check sees it.
    """
    changed = rewritten(league, day_number(dt.date(2023, 1, 15)))
    honest, honest_changed = walk(league)[1], walk(changed)[1]

    def with_cheat(history):
        table = history.matches
        final = {
            (season, team): float(np.sum(table.home_goals[(table.season == season) & (table.home == team)]))
            for season in set(table.season)
            for team in set(table.home)
        }
        column = np.array([final[key] for key in zip(table.season, table.home, strict=True)])
        frame = history.features
        return History(table, FeatureFrame((*frame.names, "final"), np.column_stack([frame.values, column])))

    assert not leaks(honest, honest_changed)
    assert leaks(with_cheat(honest), with_cheat(honest_changed))


def test_refits_come_at_the_stated_days(history):
    """
    Each row says until when its models had learned: the last refit at or before its kick-off.
    """
    forecasts = forecast(history, refit=45)

    day, until = forecasts.matches.day, forecasts.trained_until
    assert ((until - FIRST) % 45 == 0).all()
    assert ((until <= day) & (day < until + 45)).all()


class Remembering:
    """Remember what it was fitted on and asked about."""

    name = "remembering"

    def __init__(self, log):
        self.log = log

    def fit(self, matches, features):
        self.log.append([matches])
        return self

    def predict_proba(self, matches, features):
        self.log[-1].append(matches)
        return np.full((len(matches), 3), 1 / 3)


def test_each_fit_learns_from_all_competitions_and_from_earlier_days_only(history):
    """
    Before each block a fresh model learns all competitions up to the block's first day, and predicts the chosen one.
    """
    log = []

    forecast(history, lambda: [Remembering(log)], competitions=["xb.1"])

    assert len(log) == 4  # the 26 weeks of a season in blocks of 60 days
    for number, (past, block) in enumerate(log):
        start = FIRST + 60 * number
        assert past.day.max() < start <= block.day.min()
        assert block.day.max() < start + 60
        assert set(past.competition) == {"xa.1", "xb.1", "xc.1"}
        assert set(block.competition) == {"xb.1"}
        assert len(past) == int(((history.matches.day < start) & (history.matches.day >= WARM)).sum())


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"--to": "2022-01-01"}, 2, "lies before --from 2023-01-01"),
        ({"--to": "tomorrow"}, 2, "does not match the format"),
        ({"--refit-every": "0"}, 2, "0 is not in the range"),
        ({"--out": "missing/x.csv"}, 2, "missing is not a folder that can be written to"),
        ({"--competitions": "xa.1,zz.1"}, 1, "The store has no competition 'zz.1'"),
        ({"--to": "2030-12-31", "--from": "2030-01-01"}, 1, "no played match lies in the window"),
        ({"--from": "0001-01-01"}, 1, "at least 100 are needed to fit"),
    ],
)
def test_a_backtest_that_cannot_be_is_one_line_and_leaves_no_file(run, tmp_path, changes, code, told):
    """
    Wrong usage ends with 2, data that cannot be had with 1; the last line says why, and no file is left.
    """
    options = {"--from": "2023-01-01", "--to": "2023-06-30", "--out": "x.csv"} | changes

    done = run("backtest", *(part for option in options.items() for part in option), code=code)

    assert told in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_the_file_appears_whole_or_not_at_all(history, tmp_path):
    """
    When writing fails half-way, neither the file nor a part of it is left.
    """
    forecasts = forecast(history)

    with pytest.raises(KeyError):
        write_csv(tmp_path / "out.csv", forecasts, {}, ["elo_logit"])
    assert list(tmp_path.iterdir()) == []
