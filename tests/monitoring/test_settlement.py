"""Forecasts that were served are logged once, and compared with whatever the results are now."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from small_world import HELD_OUT, fill, record, results

from cli.main import main
from models.scores import ranked_probability_score
from monitoring.calibration_watch import FALSE_ALARMS, SEASON, bound_of, log_ratios, watch
from monitoring.live_quality import LiveQuality, quality_of
from monitoring.metrics import Metrics
from monitoring.prediction_log import MOST_BATCHES, PredictionLog
from monitoring.settlement import LAST, expected_rps, not_scored, score, settle
from runners.embedded import EmbeddedBackend
from runners.queries import PredictionQuery
from store.database import open_store
from store.errors import StoreUnavailable
from store.forecasts import KeptForecast, ensure_forecasts, forecasts, forget_forecasts, keep_forecasts, met_forecasts
from store.reads import read_directory
from store.records import Status
from store.writes import save

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from api_harness import client_of, settings_with

from api.application import create_application

BEFORE = dt.datetime(2024, 7, 10, 12, tzinfo=dt.UTC)  # of the season that the model has not learned from
PREDICT = "/v1/predictions/predict"
SEEDS = 20


def to_come(one):
    return dataclasses.replace(one, status=Status.SCHEDULED, home_goals=None, away_goals=None)


@pytest.fixture
def url(tmp_path) -> str:
    """A store in which the last season is still to be played."""
    url = f"sqlite:///{tmp_path}/matches.sqlite"
    fill(url, [one if one.season != HELD_OUT else to_come(one) for one in results()])
    return url


@pytest.fixture
def engine(url):
    engine = open_store(url)
    yield engine
    engine.dispose()


@pytest.fixture
def coming(engine) -> list[str]:
    """The ids of the matches to come, by kick-off; forecasts of them can be kept."""
    ensure_forecasts(engine)
    rows = [row for row in read_directory(engine) if row.status == "scheduled"]
    return [row.match_id for row in sorted(rows, key=lambda row: (row.kickoff, row.match_id))]


def log_at(url: str, moment: dt.datetime, told: list | None = None) -> PredictionLog:
    seen = [] if told is None else told
    return PredictionLog(
        url, keep_days=400, on_rows=lambda result, rows: seen.append((result, rows)), now=moment.timestamp
    )


async def ask(url: str, tag: str, moment: dt.datetime, *bodies: dict) -> list[dict]:
    """Ask a worker of its own, and return the answers once the forecasts are logged."""
    backend, log = EmbeddedBackend(url, {"football": tag}, poll_s=1.0), log_at(url, moment)
    backend.start()
    log.start()
    try:
        async with client_of(create_application(backend, settings=settings_with(), logs=[log])) as client:
            return [(await client.post(PREDICT, json=body)).raise_for_status().json() for body in bodies]
    finally:
        log.stop()
        backend.stop()


def play(engine, match_id: str, goals: tuple[int, int] | None, **changes) -> None:
    """Have the store say how a match ended, or what else became of it."""
    row = next(row for row in read_directory(engine) if row.match_id == match_id)
    with engine.connect() as connection:
        names = dict(connection.execute(sa.text("select team, name from teams")).all())
    status = Status.PLAYED if goals is not None else Status.SCHEDULED
    kickoff = dt.datetime.fromtimestamp(row.kickoff, tz=dt.UTC)
    told = record(row.competition, row.season, kickoff, names[row.home], names[row.away], goals, status=status)
    report = save(engine, [dataclasses.replace(told, **changes)], may_register_teams=False)
    assert not report.rejects, report.rejects


async def test_what_is_served_of_a_match_to_come_is_logged_once(url, home, engine, coming):
    """
    The probabilities of the answer, once for the match, model and day, however often and by whom it is asked; what the
    caller changed, described himself or asked for an earlier instant is no forecast of the service.
    """
    plain, other = {"match_id": coming[0]}, {"match_id": coming[1], "prediction_type": "probability"}
    described = {"home_team": "Quarry", "away_team": "Rothbach", "competition": "qc.1"}
    changed = {"match_id": coming[2], "features": {"rest_days_home": 3}}
    earlier = {"match_id": coming[3], "as_of": "2024-07-01T00:00:00Z"}
    answers = await ask(
        url, home.tag, BEFORE, plain, plain | {"force_recalculate": True}, other, described, changed, earlier
    )
    await ask(url, home.tag, BEFORE, plain)  # another worker

    met = met_forecasts(engine)

    assert sorted(one.forecast.match_id for one in met) == sorted(coming[:2])
    (logged,) = (one for one in met if one.forecast.match_id == coming[0])
    told = logged.forecast
    assert [told.home, told.draw, told.away] == [
        answers[0][f"{name}_prob"] for name in ("home_win", "draw", "away_win")
    ]
    assert f"{told.model_name}:{told.model_version}" == home.tag
    assert told.computed_at == BEFORE.timestamp()
    (told,) = (one.forecast for one in met if one.forecast.match_id == coming[1])
    assert told.over_2_5 == next(one["over"] for one in answers[2]["over_under"] if one["line"] == 2.5)
    assert told.both_score == answers[2]["both_teams_to_score"]["yes"]


async def test_results_settle_forecasts_and_whatever_changes_changes_the_scores(url, home, engine, coming):
    """
    A result scores; a corrected one scores anew; an awarded match does not; one that is put off waits for its new date.
    """
    await ask(url, home.tag, BEFORE, *({"match_id": one} for one in coming[:4]))
    assert len(settle(met_forecasts(engine))) == 0

    play(engine, coming[0], (3, 0))
    play(engine, coming[1], (1, 1))
    first = settle(met_forecasts(engine))
    play(engine, coming[0], (0, 2))
    corrected = settle(met_forecasts(engine))
    play(engine, coming[2], (3, 0), status=Status.AWARDED)

    assert sorted(first.outcome.tolist()) == [0, 1]
    assert sorted(corrected.outcome.tolist()) == [1, 2]
    assert len(settle(met_forecasts(engine))) == 2
    assert not_scored(met_forecasts(engine), BEFORE.timestamp()) == (1, 1)
    expected = ranked_probability_score(corrected.proba, corrected.outcome).mean()
    assert score(corrected).rps == pytest.approx(expected)


async def test_the_last_forecast_before_kick_off_counts_in_its_horizon(url, home, engine, coming):
    """
    Of two versions of the same forecast the later one counts, each within its horizon; one after kick-off never does.
    """
    kickoff = next(row.kickoff for row in read_directory(engine) if row.match_id == coming[0])
    start = dt.datetime.fromtimestamp(kickoff, tz=dt.UTC)
    rows = [
        KeptForecast(
            coming[0], "football", "v", "s", day, int((start - ahead).timestamp()), kickoff, *proba, 0.5, 0.5, False
        )
        for day, (ahead, proba) in enumerate(
            [
                (dt.timedelta(days=9), (0.2, 0.3, 0.5)),
                (dt.timedelta(days=2), (0.3, 0.3, 0.4)),
                (dt.timedelta(hours=5), (0.4, 0.3, 0.3)),
                (dt.timedelta(hours=1), (0.5, 0.3, 0.2)),
                (-dt.timedelta(minutes=1), (0.9, 0.05, 0.05)),
            ]
        )
    ]
    keep_forecasts(engine, rows)
    play(engine, coming[0], (2, 0))
    met = met_forecasts(engine)

    home_win = {
        name: settle(met, name).proba[:, 0].tolist() for name in ("under 1 day", "1 to 3 days", "over 7 days", LAST)
    }

    assert home_win == {"under 1 day": [0.5], "1 to 3 days": [0.3], "over 7 days": [0.2], LAST: [0.5]}
    assert len(settle(met, "3 to 7 days")) == 0


def test_a_row_that_is_written_again_counts_once_and_old_ones_go(engine, coming):
    """
    The same forecasts from another worker, or after a crash, add nothing.
    """
    rows = [KeptForecast(one, "m", "v", "s", 7, 1, None, 0.4, 0.3, 0.3, 0.5, 0.5, False) for one in coming[:3]]

    assert keep_forecasts(engine, rows) == 3
    assert keep_forecasts(engine, [*rows, rows[0]._replace(day=8)]) == 1
    assert forget_forecasts(engine, before_day=8) == 3
    assert [one.forecast.day for one in met_forecasts(engine)] == [8]


KILLED = """
import datetime as dt, sys, time
from monitoring.prediction_log import PredictionLog
from runners.embedded import EmbeddedBackend
from runners.queries import PredictionQuery
url, tag, moment = sys.argv[1], sys.argv[2], float(sys.argv[3])
backend = EmbeddedBackend(url, {"football": tag}, poll_s=1.0)
backend.start()
log = PredictionLog(url, keep_days=400, now=lambda: moment)
log.start()
for number, match_id in enumerate(sys.argv[4:]):
    query = PredictionQuery(match_id=match_id)
    log.note(backend._predictor.predict_now([query]), [query])
    print(time.monotonic(), flush=True)
    time.sleep(0.02)
"""


def test_a_killed_worker_loses_a_second_of_its_log_at_most(url, home, engine, coming):
    """
    kill -9 in the midst of logging: all that was computed more than a second before is in the store.
    """
    command = [sys.executable, "-c", KILLED, url, home.tag, str(BEFORE.timestamp()), *coming]
    environment = {"BENTOML_HOME": str(home.folder), "PATH": "/usr/bin"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as worker:
        noted = [float(worker.stdout.readline()) for _ in range(75)]
        worker.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        noted += [float(line) for line in worker.stdout.read().split()]

    written = len(met_forecasts(engine))

    assert written >= sum(at < killed_at - 1.0 for at in noted) > 0


def test_a_store_that_cannot_be_written_costs_rows_and_nothing_else(tmp_path, caplog):
    """
    Noting never fails; what does not fit the queue is told as lost; the log says once that it cannot be written.
    """
    told = []
    (tmp_path / "file").write_text("")
    log = log_at(f"sqlite:///{tmp_path}/file/matches.sqlite", BEFORE, told)
    for _ in range(MOST_BATCHES + 3):
        log.note([object()], [object()])
    log.start()
    log.stop()

    assert told[:3] == [("lost", 1)] * 3
    assert caplog.text.count("forecasts cannot be logged") == 1


def test_a_store_that_is_gone_is_not_made_anew(tmp_path):
    """
    An empty store in its place would be read as one whose matches were all deleted.
    """
    url = f"sqlite:///{tmp_path}/matches.sqlite"
    log = log_at(url, BEFORE)
    log.start()
    log.stop()

    with pytest.raises(StoreUnavailable, match="is gone"):
        quality_of(url, "football")
    assert list(tmp_path.iterdir()) == []


def test_settling_is_a_command_with_every_table(url, home, engine, coming, monkeypatch):
    """
    What was logged and played, by horizon, competition, version and market, with reliability and calibration.
    """
    backend = EmbeddedBackend(url, {"football": home.tag}, poll_s=1.0)
    backend.start()
    queries = [PredictionQuery(match_id=one) for one in coming]
    log = log_at(url, BEFORE)
    log.note(backend._predictor.predict_now(queries), queries)
    log.start()
    log.stop()
    backend.stop()
    save(engine, results((HELD_OUT,)), may_register_teams=False)
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", url)

    told = json.loads(CliRunner().invoke(main, ["settle", "--json"], catch_exceptions=False).stdout)
    shown = CliRunner().invoke(main, ["settle"], catch_exceptions=False).stdout

    last = told["horizons"][LAST]
    assert last["matches"] == len(coming) == sum(one["matches"] for one in told["competitions"].values())
    assert list(told["versions"]) == [home.tag]
    assert 0.1 < last["rps"] < 0.3
    assert abs(last["rps"] - last["expected_rps"]) < 3 * last["rps_error"]
    for bins in told["reliability"].values():
        assert sum(one["matches"] for one in bins) == len(coming)
    assert told["calibration"]["is_alarmed"] is False
    assert told["not_scored"] == {"to_come": 0, "without_result": 0}
    assert "no alarm" in shown
    assert f"{last['rps']:.4f}" in shown

    quality = quality_of(url, "football")
    metrics = Metrics()
    seen = []
    live = LiveQuality(url, "football", every_s=0.05, tell=lambda one: (metrics.quality.note(one), seen.append(one)))
    live.start()
    end = time.monotonic() + 10.0
    while not seen and time.monotonic() < end:
        time.sleep(0.02)
    live.stop()
    assert seen[0][:2] == quality[:2]
    assert f"football_live_rps {quality.score.rps!r}\n" in metrics.exposition().decode()
    assert f"football_settled_matches {float(len(coming))}\n" in metrics.exposition().decode()


@pytest.fixture(scope="module")
def season(home) -> np.ndarray:
    """A season of real forecasts, those of the small world's model of matches that it has not learned from. Shape (380, 3)."""
    backend = EmbeddedBackend(home.database_url, {"football": home.tag}, poll_s=1.0)
    backend.start()
    engine = open_store(home.database_url)
    ids = [row.match_id for row in read_directory(engine) if row.season == HELD_OUT]
    engine.dispose()
    told = backend._predictor.predict_now([PredictionQuery(match_id=one) for one in ids])
    backend.stop()
    proba = np.array([one.proba for one in told])
    return np.tile(proba, (3, 1))[:SEASON]


def drawn(proba, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((len(proba), 1)) > np.cumsum(proba, axis=1)[:, :2]).sum(axis=1)


def test_an_alarm_is_raised_within_sixty_matches_and_none_without_cause(season):
    """
    Home and away are mixed up in what is served: twenty seasons of twenty raise the alarm within 60 matches. The same
    forecasts of a world that is as they say raise none.
    """
    wrong = [watch(season[:, ::-1], drawn(season, seed)).alarmed_at for seed in range(SEEDS)]
    right = [watch(season, drawn(season, seed)).alarmed_at for seed in range(SEEDS)]

    assert all(at is not None and at <= 60 for at in wrong), wrong
    assert right == [None] * SEEDS


def test_the_error_is_named(season):
    """
    Forecasts that are twice as bold as the truth are called too bold.
    """
    truth = season**0.4 / (season**0.4).sum(axis=1, keepdims=True)

    assert "too bold" in watch(season, drawn(truth, 3)).error


def test_the_bound_keeps_the_share_of_false_alarms(season):
    """
    In seasons that were not used to set it, the bound is passed about as rarely as it is meant to be.
    """
    alarms = 0
    bound = bound_of(season, log_ratios(season), false_alarms=0.05)
    for seed in range(400):
        alarms += watch_alarms(season, drawn(season, 1_000 + seed), bound)

    assert 0.02 <= alarms / 400 <= 0.09
    assert bound_of(season, log_ratios(season), false_alarms=FALSE_ALARMS) > bound


def watch_alarms(proba, outcome, bound: float) -> bool:
    steps = log_ratios(proba)[:, np.arange(len(outcome)), outcome]
    sums = np.zeros(len(steps))
    for step in steps.T:
        sums = np.maximum(0.0, sums + step)
        if sums.max() > bound:
            return True
    return False


def test_the_score_of_right_forecasts_is_what_is_expected_of_them(season):
    """
    The mean over many drawn seasons is the expected score.
    """
    drawn_scores = [ranked_probability_score(season, drawn(season, seed)).mean() for seed in range(200)]

    assert np.mean(drawn_scores) == pytest.approx(expected_rps(season).mean(), abs=0.002)


def test_the_table_is_not_looked_at_by_older_programs(engine):
    """
    It is made beside the others when it is first needed, and changes nothing of them.
    """
    assert met_forecasts(engine) == []
    assert sa.inspect(engine).has_table(forecasts.name)
