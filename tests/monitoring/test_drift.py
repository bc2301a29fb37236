"""Drift is what has moved in a feature or a forecast, and not chance, the season, or which competitions are asked about."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from small_world import HELD_OUT

from cli.main import main
from monitoring import drift as drifting
from monitoring.drift import FEWEST, MUCH, drift, stability_index, weights
from monitoring.live_quality import Quality, quality_of
from monitoring.metrics import Metrics
from runners.embedded import EmbeddedBackend
from runners.experience import DAYS_AROUND, YEARS, Experience, experience, learned_rows
from runners.queries import PredictionQuery
from store.database import open_store
from store.forecasts import KeptForecast, ensure_forecasts, keep_forecasts
from store.reads import read_directory

values = st.lists(st.one_of(st.floats(-5, 5), st.just(math.nan)), min_size=1, max_size=60).map(np.array)


def even(count: int) -> np.ndarray:
    return np.ones(count)


@given(values, values)
def test_the_index_is_never_negative_and_nothing_moved_is_nothing(learned, asked):
    """
    Whatever the values, and however many are not known.
    """
    assert stability_index(learned, asked, even(len(learned))) >= 0.0
    assert stability_index(learned, learned, even(len(learned))) == 0.0


def test_chance_alone_is_little():
    """
    Of the fewest matches that are looked at, from the same bell curve, two hundred times: below .1 but for a few, never
    much.
    """
    draw = np.random.default_rng(3)
    told = [stability_index(draw.normal(size=2_000), draw.normal(size=FEWEST), even(2_000)) for _ in range(200)]

    assert np.mean(np.array(told) < 0.1) > 0.9
    assert max(told) < MUCH


def test_what_is_moved_and_what_is_lost_is_much():
    """
    A bell curve that moved by its width, one that is half as wide, and values of which none is known any more.
    """
    draw = np.random.default_rng(4)
    before, after = draw.normal(size=2_000), draw.normal(size=FEWEST)

    assert stability_index(before, after + 1.0, even(2_000)) > MUCH
    assert stability_index(before, after / 2.0, even(2_000)) > MUCH
    assert stability_index(before, np.full(FEWEST, math.nan), even(2_000)) > 3.0


def known(learned: dict[str, np.ndarray], asked: dict[str, np.ndarray]) -> Experience:
    """One feature of matches by competition; what is forecast of them is all the same."""
    told, now = np.concatenate(list(learned.values())), np.concatenate(list(asked.values()))
    return Experience(
        names=("strength",),
        learned=told[:, None],
        learned_proba=np.full((len(told), 3), 1 / 3),
        learned_competition=np.repeat(list(learned), [len(one) for one in learned.values()]),
        asked=now[:, None],
        asked_competition=np.repeat(list(asked), [len(one) for one in asked.values()]),
    )


def test_asking_about_other_competitions_is_no_drift():
    """
    One league is strong, one is weak; nine in ten matches learned from were of the weak, nine in ten asked about are of
    the strong one. A third that was not learned from is counted and left out.
    """
    draw = np.random.default_rng(5)
    learned = {"weak": draw.normal(-1, 1, 4_500), "strong": draw.normal(1, 1, 500)}
    asked = {"weak": draw.normal(-1, 1, 50), "strong": draw.normal(1, 1, 450), "new": draw.normal(9, 1, 30)}
    seen = known(learned, asked)
    said = np.full((len(seen.asked), 3), 1 / 3)

    told = drift(seen, said, seen.asked_competition)

    assert (told.asked, told.learned, told.strangers) == (500, 5_000, 30)
    assert told.features["strength"] < 0.1
    assert all(index < 0.01 for index in told.forecasts.values())
    plain = stability_index(seen.learned[:, 0], seen.asked[:500, 0], even(5_000))
    assert plain > MUCH


def test_forecasts_that_moved_are_told_by_outcome():
    """
    Home wins are said to be half as likely as before, in favour of away wins: draws have not moved.
    """
    draw = np.random.default_rng(6)
    home = draw.uniform(0.3, 0.6, 1_000)
    before = np.column_stack([home, np.full(1_000, 0.25), 0.75 - home])
    seen = known({"a": home}, {"a": home[:400]})._replace(learned_proba=before)
    after = before[:400] * [0.5, 1.0, 1.0] + np.array([[0.0, 0.0, 1.0]]) * before[:400, :1] / 2

    told = drift(seen, after, seen.asked_competition)

    assert told.forecasts["home"] > MUCH < told.forecasts["away"]
    assert told.forecasts["draw"] < 0.01


@pytest.mark.parametrize("few", [{"a": np.zeros(FEWEST - 1)}, {"b": np.zeros(2 * FEWEST)}])
def test_nothing_is_told_of_few_matches(few):
    """
    One too few; or none of a competition that was learned from.
    """
    seen = known({"a": np.zeros(5_000)}, few)

    assert drift(seen, np.full((len(seen.asked), 3), 1 / 3), seen.asked_competition) is None


@given(st.lists(st.sampled_from("abc"), min_size=1), st.lists(st.sampled_from("abc"), min_size=1))
def test_weights_give_each_competition_its_share(learned, asked):
    """
    Among those that were learned from; and they sum to the number of matches.
    """
    learned = np.array(learned)
    asked = np.array([one for one in asked if one in learned] or [learned[0]])

    weight = weights(learned, asked)

    assert weight.sum() == pytest.approx(len(learned))
    for code in np.unique(learned):
        assert weight[learned == code].sum() / len(learned) == pytest.approx((asked == code).mean())


@pytest.fixture
def backend(home):
    """A backend whose old matches are at hand."""
    served = EmbeddedBackend(home.database_url, {"football": home.tag}, poll_s=1.0)
    served.start()
    yield served
    served.stop()


@pytest.fixture
def last_season(home) -> list[str]:
    """The ids of the season that the model has not learned from."""
    engine = open_store(home.database_url)
    ids = [row.match_id for row in read_directory(engine) if row.season == HELD_OUT]
    engine.dispose()
    return ids


def test_a_model_is_compared_with_the_same_weeks_of_the_years_before(backend, last_season):
    """
    The features are those that training saw; nothing from after the first match asked about; nothing of a season's other end.
    """
    backend.settle()
    model, timeline = backend.shelf.default, backend.follower.world.timelines[backend.shelf.default.tag].own
    first = sorted(last_season, key=lambda one: timeline.table.kickoff[timeline.row_of(one)])[:24]

    seen = experience(model, timeline, [*first, "not-played"])

    days = timeline.table.day
    asked = np.array(sorted(timeline.row_of(one) for one in first))
    rows = learned_rows(days, days[asked], min(model.features.last_day, int(days[asked[0]]) - 1))
    assert np.array_equal(seen.asked, np.array([timeline.described(row).values for row in asked]), equal_nan=True)
    assert np.array_equal(seen.learned, np.array([timeline.described(row).values for row in rows]), equal_nan=True)
    assert 0 < len(rows) < len(days) / 2
    assert days[rows].max() < days[asked].min()
    assert days[rows].min() > days[asked].min() - (YEARS + 1) * 366
    apart = np.abs((days[rows][:, None] - days[asked] + 183) % 365 - 183).min(axis=1)
    assert apart.max() <= DAYS_AROUND + YEARS
    for row, proba in zip(rows, seen.learned_proba, strict=True):
        told = backend._predictor.predict_now([PredictionQuery(match_id=timeline.table.match_id[row])])[0]
        assert told.proba == pytest.approx(tuple(proba), abs=1e-9)
    assert experience(model, timeline, ["not-played"]) is None


def test_a_worker_waits_for_no_replay_to_tell_of_drift(backend, last_season):
    """
    While old matches are not at hand it tells nothing, and then it does.
    """
    past = backend.follower.world.timelines[backend.shelf.default.tag].own.past
    backend.settle()
    replayed, past._replayed = past._replayed, None
    assert backend.experience(last_season) is None

    past._replayed = replayed
    assert len(backend.experience(last_season).asked) == len(last_season)


@pytest.fixture
def logged(home, backend, last_season, tmp_path, monkeypatch):
    """A store with a forecast of each match of the last season, an hour before its kick-off."""
    url = f"sqlite:///{tmp_path}/matches.sqlite"
    shutil.copy(home.database_url.removeprefix("sqlite:///"), tmp_path / "matches.sqlite")
    engine = open_store(url)
    ensure_forecasts(engine)
    told = backend._predictor.predict_now([PredictionQuery(match_id=one) for one in last_season])
    keep_forecasts(engine, [row_of(one) for one in told])
    engine.dispose()
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", url)
    monkeypatch.setattr(drifting, "FEWEST", 20)  # three months of the small world have sixty matches
    return url


def row_of(told) -> KeptForecast:
    kickoff = int(told.match.kickoff.timestamp())
    return KeptForecast(
        told.match.match_id,
        told.model_name,
        told.model_version,
        told.feature_state_version,
        kickoff // 86_400,
        kickoff - 3_600,
        kickoff,
        *told.proba,
        over_2_5=told.markets.over(2.5),
        both_score=told.markets.both_teams_to_score[0],
        is_degraded=False,
    )


def test_the_command_tells_of_drift_and_draws_a_page(logged, home, tmp_path):
    """
    Every feature is in it, the largest first; the page has a drawing for each of five events, and one of the evidence.
    """
    page = tmp_path / "page.html"

    told = json.loads(run("settle", "--drift", "--json", "--out", str(page)))
    shown = run("settle", "--drift")

    indices = list(told["drift"]["features"].values())
    assert indices == sorted(indices, reverse=True)
    assert set(told["drift"]["forecasts"]) == {"home", "draw", "away"}
    assert next(iter(told["drift"]["features"])) in shown
    text = page.read_text()
    assert text.count("<svg") == 6
    assert all(f">{feature}<" in text for feature in told["drift"]["features"])
    assert f"{told['horizons']['last']['rps']:.4f}" in text
    assert home.tag in text


def test_a_page_without_a_played_match_is_refused(home, tmp_path, monkeypatch):
    """
    There is nothing to draw, and no file.
    """
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", f"sqlite:///{tmp_path}/matches.sqlite")
    page = tmp_path / "page.html"

    answer = CliRunner().invoke(main, ["settle", "--out", str(page)])

    assert answer.exit_code == 1
    assert "nothing to draw" in answer.output
    assert not page.exists()


def run(*arguments: str) -> str:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False).stdout


def test_metrics_show_drift_and_the_scores_of_parts(logged, home, backend):
    """
    By horizon, competition, version and market; a version that is no longer among the newest is shown no more.
    """
    backend.settle()
    quality = quality_of(logged, "football", backend.experience)
    metrics = Metrics()

    metrics.quality.note(quality)
    shown = metrics.exposition().decode()

    assert f'football_forecast_drift{{outcome="draw"}} {quality.drift.forecasts["draw"]!r}\n' in shown
    assert f"football_feature_drift {max(quality.drift.features.values())!r}\n" in shown
    for by, of in [("horizon", "last"), ("competition", "qa.1"), ("version", home.tag), ("market", "over_2_5")]:
        assert f'football_live_score{{by="{by}",of="{of}",score="ece"}} ' in shown
    rps = quality.parts["competition"]["qb.1"].rps
    assert f'football_live_score{{by="competition",of="qb.1",score="rps"}} {rps!r}\n' in shown

    metrics.quality.note(Quality(quality.score, quality.watched, {"version": {}}, None))

    shown = metrics.exposition().decode()
    assert home.tag not in shown
    assert 'football_forecast_drift{outcome="draw"} NaN' in shown
