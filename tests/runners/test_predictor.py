"""Queries are answered each on its own merits, from what was known when they stand for."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from small_world import CLUBS, HELD_OUT, PROMISED, train

from features.registry import BY_NAME
from models.conditional_logit import softmax
from models.conformal import ConformalSets
from models.ensemble import Ensemble
from runners.errors import (
    CompetitionNotFound,
    FeatureInvalid,
    FeatureMissing,
    MatchNotFound,
    ModelNotFound,
    ModelUnavailable,
    PredictionFailure,
    QueryInvalid,
    TeamNotFound,
)
from runners.loading import load
from runners.predictor import Predictor
from runners.queries import DescribedMatch, Forecast, PredictionQuery, as_they_are
from runners.questions import make_out
from runners.runner import Runner
from runners.shelf import Shelf
from runners.snapshot import Snapshot
from runners.world import World, read_world
from store.database import open_store


@pytest.fixture(scope="module")
def world(home, model) -> World:
    engine = open_store(home.database_url)
    read = read_world(engine, [model])
    engine.dispose()
    return read


@pytest.fixture(scope="module")
def shelf(model) -> Shelf:
    return Shelf([model], {}, ["football"])


@pytest.fixture
def predictor(shelf, world) -> Predictor:
    return Predictor(shelf, lambda: world)


OVERRIDES = st.fixed_dictionaries(
    {},
    optional={
        "chances_expected_home": st.floats(0.05, 4.0),
        "elo_difference": st.floats(-800.0, 800.0),
        "rest_days_away": st.floats(1.0, 30.0),
    },
)


def rows(world, **wanted):
    return [row for row in world.snapshot.rows if all(getattr(row, name) == value for name, value in wanted.items())]


def described(home="Arvenholt", away="Brixmoor", competition="qa.1", kickoff=None, **changes) -> PredictionQuery:
    return PredictionQuery(described=DescribedMatch(home, away, competition, kickoff), **changes)


def one(predictor, query) -> Forecast:
    answer = predictor.predict_now([query])[0]
    assert isinstance(answer, Forecast), answer
    return answer


def values(forecast) -> dict:
    return {part.feature: part.value for part in forecast.explanation.contributions}


def reasons(forecast) -> set:
    return {reason.partition(":")[0] for reason in forecast.degraded}


def test_a_played_match_is_answered_as_of_its_kickoff(predictor, world):
    """
    A match of the held-out season knows the results of the days before it, and its own result changes nothing.
    """
    row = rows(world, season=HELD_OUT, competition="qa.1")[30]
    forecast = one(predictor, PredictionQuery(match_id=row.match_id))

    assert forecast.as_of.timestamp() == row.kickoff
    assert forecast.newest_result_at.timestamp() < row.kickoff // 86_400 * 86_400
    assert forecast.match.home_goals == row.home_goals
    assert sum(forecast.proba) == pytest.approx(1.0)
    assert forecast.degraded == ()


def test_a_set_goes_by_the_threshold_of_its_competition(world, model):
    """
    Each match's set has the threshold that the model learned for its competition, or everybody's.
    """
    learned = replace(model.model, sets=ConformalSets(0.8, 0.7, {"qb.1": 0.6}))
    predictor = Predictor(Shelf([replace(model, model=learned)], {}, ["football"]), lambda: world)
    queries = [described(), described("Ibenruh", "Jasperton", "qb.1")]

    answers = predictor.predict_now(queries)

    assert [answer.certainty.set_threshold for answer in answers] == [0.7, 0.6]


def test_many_answers_are_those_of_one_at_a_time(predictor, world):
    """
    A batch gives each match the very answer that it gets alone, in order, old and new and to come.
    """
    picked = [*rows(world)[::60], *rows(world, status="scheduled")]
    queries = [PredictionQuery(match_id=row.match_id, explain=True) for row in picked]

    together = asyncio.run(predictor.written(queries, as_they_are))
    alone = [one(predictor, query) for query in queries]

    assert [answer.match.match_id for answer in together] == [row.match_id for row in picked]
    for batch, single in zip(together, alone, strict=True):
        assert values(batch) == values(single)
        np.testing.assert_allclose(batch.proba, single.proba, rtol=1e-6)
        assert batch.feature_state_version == single.feature_state_version
    assert predictor.last_prediction_at is not None


def test_a_version_is_asked_while_questions_to_it_wait(predictor):
    """
    A version that a waiting question names is not let go meanwhile; once the question is answered it may be.
    """

    async def asked_meanwhile_and_after() -> list[bool]:
        answering = asyncio.create_task(predictor.written([described(model_version="older")], as_they_are))
        await asyncio.sleep(0)
        meanwhile = [predictor.is_asked("football:older"), predictor.is_asked("football:newer")]
        await answering
        return [*meanwhile, predictor.is_asked("football:older")]

    assert asyncio.run(asked_meanwhile_and_after()) == [True, False, False]


def test_a_match_described_as_it_was_played_is_that_match(predictor, world):
    """
    A description of a stored match, by names and date, is answered as that match.
    """
    row = rows(world, season=HELD_OUT, competition="qa.1", home="qa:Arvenholt", away="qa:Brixmoor")[0]
    kickoff = dt.datetime.fromtimestamp(row.kickoff, tz=dt.UTC)

    by_name = one(predictor, described(kickoff=kickoff + dt.timedelta(hours=2)))
    by_id = one(predictor, PredictionQuery(match_id=row.match_id))

    assert by_name == by_id


def test_a_described_match_to_come_is_answered_as_of_now(predictor, world):
    """
    A match that the store does not have has no id, and rests on all results there are.
    """
    forecast = one(predictor, described("Hexley", "Dunmere", kickoff=PROMISED + dt.timedelta(days=3)))

    assert forecast.match.match_id is None
    assert forecast.match.season == "2025-26"
    assert forecast.feature_state_version == world.timelines[next(iter(world.timelines))].own.current.digest


def test_a_fixture_without_a_date_is_set_on_the_next_day(predictor, world):
    """
    An undated fixture, by id or by its teams, stands on the day after its teams' and competition's newest results.
    """
    by_id = one(predictor, PredictionQuery(match_id=rows(world, kickoff=None)[0].match_id, explain=True))
    by_name = one(predictor, described("Ibenruh", "Jasperton", "qb.1", explain=True))
    newest = max(row.kickoff for row in rows(world, status="played", competition="qb.1")) // 86_400

    assert by_name.match == by_id.match
    rest = values(by_id)["rest_days_home"], values(by_id)["rest_days_away"]
    assert min(rest) in {1.0, 2.0}
    assert by_id.as_of.timestamp() > (newest + 1) * 86_400


def test_a_fixture_without_a_date_can_be_asked_for_as_of_the_past(predictor, world):
    """
    With as_of, an undated fixture stands on the day after the newest result known then.
    """
    as_of = dt.datetime(2023, 1, 15, tzinfo=dt.UTC)
    forecast = one(predictor, described("Ibenruh", "Jasperton", "qb.1", as_of=as_of))

    assert forecast.as_of == as_of
    assert forecast.newest_result_at < as_of


def test_as_of_hides_what_came_later(predictor, world):
    """
    A match asked for as of a week before knows nothing of that week; as of after its kick-off changes nothing.
    """
    row = rows(world, season=HELD_OUT, competition="qa.1")[40]
    kickoff = dt.datetime.fromtimestamp(row.kickoff, tz=dt.UTC)
    plain = one(predictor, PredictionQuery(match_id=row.match_id))

    earlier = one(predictor, PredictionQuery(match_id=row.match_id, as_of=kickoff - dt.timedelta(days=20)))
    later = one(predictor, PredictionQuery(match_id=row.match_id, as_of=kickoff + dt.timedelta(days=20)))

    assert earlier.as_of == kickoff - dt.timedelta(days=20)
    assert earlier.newest_result_at.date() < earlier.as_of.date()
    assert earlier.feature_state_version != plain.feature_state_version
    assert later.proba == plain.proba
    assert later.as_of == kickoff


def test_as_of_to_come_is_now(predictor, world):
    """
    An instant to come is no more than now.
    """
    far = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    forecast = one(predictor, described("Hexley", "Dunmere", kickoff=far, as_of=far))

    assert forecast.as_of < dt.datetime.now(dt.UTC)
    assert forecast.feature_state_version == world.timelines[next(iter(world.timelines))].own.current.digest


def test_a_competition_without_any_result_is_asked_for_as_of_today(predictor):
    """
    An undated match as of a time before all results stands on that day.
    """
    forecast = one(predictor, described("Ibenruh", "Jasperton", "qb.1", as_of=dt.datetime(1990, 1, 1, tzinfo=dt.UTC)))

    assert forecast.as_of.year == 1990
    assert "results_missing" in reasons(forecast)


def test_a_match_within_the_training_data_says_so(predictor, world):
    """
    The model has learned from results later than an old match, and the answer says so.
    """
    old = one(predictor, PredictionQuery(match_id=rows(world, season="2022-23")[0].match_id))
    held_out = one(predictor, PredictionQuery(match_id=rows(world, season=HELD_OUT)[0].match_id))

    assert reasons(old) == {"model_knows_later_results"}
    assert "model_knows_later_results" not in reasons(held_out)


def test_stale_results_are_said(predictor):
    """
    A match long after the newest result rests on old results, and the answer says how old.
    """
    forecast = one(predictor, described("Hexley", "Dunmere", kickoff=dt.datetime(2026, 5, 1, tzinfo=dt.UTC)))

    assert reasons(forecast) == {"results_stale"}
    assert "days before" in forecast.degraded[0]


def test_before_the_first_result_nothing_is_known(predictor):
    """
    A match before all results says that the competition and both teams are unknown.
    """
    forecast = one(predictor, described(kickoff=dt.datetime(1990, 5, 1, tzinfo=dt.UTC)))

    assert reasons(forecast) == {"results_missing", "team_unknown", "model_knows_later_results"}
    assert sum(reason.startswith("team_unknown") for reason in forecast.degraded) == 2
    assert forecast.newest_result_at is None


def test_an_override_takes_the_place_of_a_feature(predictor):
    """
    A stronger home side by override raises the home side's chance, shows in the explanation, and degrades nothing.
    """
    kickoff = PROMISED + dt.timedelta(days=3)
    plain = one(predictor, described("Hexley", "Dunmere", kickoff=kickoff))
    overrides = {"chances_expected_home": 5.0}
    pushed = one(predictor, described("Hexley", "Dunmere", kickoff=kickoff, overrides=overrides, explain=True))

    assert pushed.overridden == ("chances_expected_home",)
    assert values(pushed)["chances_expected_home"] == 5.0
    assert pushed.proba[0] > plain.proba[0]
    assert pushed.degraded == plain.degraded


def test_an_explanation_tells_of_every_feature_the_largest_part_first(predictor, world):
    """
    Each used feature is explained once, unknown values are None, and no later part is larger than an earlier one.
    """
    forecast = one(predictor, PredictionQuery(match_id=rows(world)[-5].match_id, explain=True))
    sizes = [max(map(abs, part.proba)) for part in forecast.explanation.contributions]

    assert sorted(values(forecast)) == sorted(forecast.features_used)
    assert len(sizes) == len(forecast.features_used)
    assert values(forecast)["odds_home"] is None
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 0.005


def test_an_explanation_adds_up(predictor):
    """
    The usual match and all contributions are the forecast, in log-odds and in probability, whatever is asked.
    """
    two_clubs = st.lists(st.sampled_from(CLUBS["qb.1"]), min_size=2, max_size=2, unique=True)

    @settings(max_examples=25, deadline=None)
    @given(clubs=two_clubs, is_neutral=st.booleans(), overrides=OVERRIDES)
    def adds_up(clubs, is_neutral, overrides):
        asked = DescribedMatch(*clubs, "qb.1", PROMISED + dt.timedelta(days=9), is_neutral)
        forecast = one(predictor, PredictionQuery(described=asked, overrides=overrides, explain=True))
        why = forecast.explanation
        log_odds = np.array(why.base) + np.sum([part.log_odds for part in why.contributions], axis=0)
        proba = np.array(why.base_proba) + np.sum([part.proba for part in why.contributions], axis=0)

        np.testing.assert_allclose(log_odds, why.margin, rtol=0, atol=1e-5)
        np.testing.assert_allclose(proba, forecast.proba, rtol=0, atol=1e-5)
        np.testing.assert_allclose(softmax(np.array([why.margin]))[0], forecast.proba, rtol=0, atol=1e-5)
        assert sum(why.margin) == pytest.approx(0.0, abs=1e-9)

    adds_up()


@dataclass
class Watched:
    """A model that remembers how many rows it explained."""

    model: Ensemble
    rows: list[int] = field(default_factory=list)

    def explain(self, features):
        self.rows.append(len(features))
        return self.model.explain(features)

    def __getattr__(self, name):
        return getattr(self.model, name)


def test_only_who_asks_is_explained(model, world):
    """
    In a batch, what did not ask for an explanation has none, and none is worked out for it.
    """
    watched = Watched(model.model)
    predictor = Predictor(Shelf([replace(model, model=watched)], {}, ["football"]), lambda: world)
    ids = [row.match_id for row in rows(world)[-6:]]
    asked = [PredictionQuery(match_id=one, explain=place in {1, 4}) for place, one in enumerate(ids)]

    answers = predictor.predict_now(asked)
    predictor.predict_now([PredictionQuery(match_id=one) for one in ids])

    assert [answer.explanation is not None for answer in answers] == [query.explain for query in asked]
    assert values(answers[4]) == values(one(predictor, asked[4]))
    assert watched.rows == [2, 1]


def test_markets_agree_with_the_probabilities(predictor, world):
    """
    Every market is read off the grid whose outcomes are the probabilities.
    """
    forecast = one(predictor, PredictionQuery(match_id=rows(world)[-5].match_id))
    home, draw, away = forecast.proba
    markets = forecast.markets

    assert markets.double_chance == pytest.approx((home + draw, home + away, draw + away))
    assert markets.draw_no_bet[0] == pytest.approx(home / (home + away))
    level = next(line for line in markets.asian_handicap if line.line == 0.0)
    assert (level.first, level.push) == pytest.approx((home, draw))
    assert [line.first + line.second for line in markets.over_under] == pytest.approx([1.0] * 6)
    assert sum(score.probability for score in markets.correct_score) + markets.other_scores == pytest.approx(1.0)
    assert markets.correct_score[0].probability == max(score.probability for score in markets.correct_score[:3])
    assert set(markets.goal_intervals) == {"home", "away", "total"}
    with pytest.raises(IndexError):
        markets.over_under[6]


@pytest.mark.parametrize(
    ("query", "failure", "path"),
    [
        (PredictionQuery(match_id="nowhere"), MatchNotFound, "$.match_id"),
        (PredictionQuery(), QueryInvalid, "$.match_id"),
        (described(model_name="tennis"), ModelNotFound, "$.model_name"),
        (described(competition="zz.1"), CompetitionNotFound, "$.competition"),
        (described(away="Brixmor Town"), TeamNotFound, "$.away_team"),
        (described(away="Arvenholt"), QueryInvalid, "$.away_team"),
        (described(overrides={"elo_hom": 1.0}), FeatureInvalid, "$.features.elo_hom"),
        (described(overrides={"elo_home": 3001.0}), FeatureInvalid, "$.features.elo_home"),
        (described(overrides={"elo_home": float("nan")}), FeatureInvalid, "$.features.elo_home"),
    ],
)
def test_what_cannot_be_answered_is_said_with_its_field(predictor, query, failure, path):
    """
    A failing query names the field at fault, and the good one beside it is answered.
    """
    answers = predictor.predict_now([query, described()])

    assert type(answers[0]) is failure
    assert answers[0].path == path
    assert isinstance(answers[1], Forecast)


def test_a_wrong_override_is_told_the_right_ones(predictor):
    """
    An unknown feature is told the nearest names, a value out of range its range.
    """
    unknown, outside = predictor.predict_now(
        [described(overrides={"elo_hom": 1.0}), described(overrides={"elo_home": -1.0})]
    )

    assert "'elo_home'" in unknown.message
    assert f"0 to {BY_NAME['elo_home'].maximum:g}" in outside.message


def test_one_poisoned_item_fails_alone(predictor):
    """
    When computing a batch together fails, each item is tried alone, and only the bad one fails.
    """
    good = described()

    answers = predictor.predict_now([good, described(overrides={"elo_home": Unreadable(1500.0)}), good])

    assert isinstance(answers[0], Forecast)
    assert type(answers[1]) is PredictionFailure
    assert isinstance(answers[2], Forecast)


class Unreadable(float):
    """A number within every range that no array can take."""

    def __float__(self):
        raise ValueError("cannot be read")


class Scribbler:
    """A model that gives what no model may give."""

    def __init__(self, model, proba) -> None:
        self.names, self._model, self._proba = model.names, model, proba

    def forecast(self, frame):
        return self._proba(len(frame)), self._model.forecast(frame)[1]


@pytest.mark.parametrize("proba", [lambda n: np.full((n, 3), np.nan), lambda n: np.full((n + 1, 3), 1 / 3)])
def test_impossible_output_of_a_model_is_a_failure(world, model, proba):
    """
    Probabilities that are no numbers, or too many, answer nobody.
    """
    broken = replace(model, model=Scribbler(model.model, proba))
    predictor = Predictor(Shelf.__new__(Shelf), lambda: world)
    predictor._shelf = type("OneModel", (), {"find": lambda *_: broken})()

    answers = predictor.predict_now([described(), described()])

    assert [type(answer) for answer in answers] == [PredictionFailure] * 2


def test_a_feature_that_is_needed_and_missing_is_named(world, shelf, model):
    """
    A value that is never missing but is not there is a failure that names it.
    """

    class Holey:
        names = tuple(model.features.names)

        def transform(self, table):
            frame = model.features.transform(table)
            frame.values[:, frame.names.index("elo_home")] = np.nan
            return frame

        digest, matches_known, last_day = "holey", 0, -1

    question = make_out(described(), shelf, world, dt.datetime.now(dt.UTC))
    timeline = type(
        "Holes", (), {"state_before": lambda *_: Holey(), "newest_kickoff": lambda *_: None, "current": None}
    )()

    answer = Runner(model).answer([structs.replace(question, timeline=timeline)])[0]

    assert isinstance(answer, FeatureMissing)
    assert answer.path == "$.features.elo_home"


def test_before_the_store_is_read_nothing_is_answered(shelf):
    """
    Without a world every query is told to ask again.
    """
    answers = asyncio.run(Predictor(shelf, lambda: None).written([described(), described()], as_they_are))

    assert [type(answer) for answer in answers] == [ModelUnavailable] * 2


def test_an_unforeseen_failure_stays_with_its_query(shelf, model):
    """
    A query that breaks the making-out is a failure without inside details, and no exception.
    """
    broken = type("Broken", (), {"snapshot": None, "timelines": {}})()

    answer = Predictor(shelf, lambda: broken).predict_now([described()])[0]

    assert type(answer) is PredictionFailure
    assert "NoneType" not in answer.message


def test_a_competition_the_model_was_not_trained_on_is_described_from_everything(home, world):
    """
    A model of two leagues describes the third from the whole store once that is replayed, and says so.
    """
    inside = home.matches.take(home.matches.competition != "qc.1")
    narrow = load(train(inside, name="narrow"))
    engine = open_store(home.database_url)
    read = read_world(engine, [narrow])
    engine.dispose()
    query = described("Quarry", "Rothbach", "qc.1", kickoff=PROMISED)

    before = one(Predictor(Shelf([narrow], {}, ["narrow"]), lambda: read), query)
    completed = read.completed()
    after = one(Predictor(Shelf([narrow], {}, ["narrow"]), lambda: completed), query)

    assert reasons(before) == {"competition_unknown", "results_missing", "team_unknown"}
    assert reasons(after) == {"competition_unknown"}
    assert (
        completed.completed().timelines["narrow:" + narrow.version] is completed.timelines["narrow:" + narrow.version]
    )
    inside = PredictionQuery(match_id=rows(world, season=HELD_OUT, competition="qa.1")[40].match_id)
    assert one(Predictor(Shelf([narrow], {}, ["narrow"]), lambda: completed), inside).degraded == ()


def test_a_fixture_whose_date_is_past_is_answered_as_of_now(predictor, world):
    """
    A match that was put off and has no new date yet is not answered from what was known on the old one.
    """
    row = rows(world, status="scheduled", competition="qa.1")[0]
    kickoff = dt.datetime.fromtimestamp(row.kickoff, tz=dt.UTC)

    forecast = one(predictor, PredictionQuery(match_id=row.match_id))
    before = one(predictor, PredictionQuery(match_id=row.match_id, as_of=kickoff - dt.timedelta(days=1)))

    assert kickoff < forecast.as_of
    assert "kickoff_passed" in reasons(forecast)
    assert before.as_of == kickoff - dt.timedelta(days=1)
    assert "kickoff_passed" not in reasons(before)


def test_a_date_given_for_an_undated_fixture_is_taken(predictor, world):
    """
    A described match that the store has without a date is that match, on the date that the caller gives.
    """
    stored = rows(world, kickoff=None)[0]
    kickoff = PROMISED + dt.timedelta(days=7)

    forecast = one(predictor, described("Ibenruh", "Jasperton", "qb.1", kickoff=kickoff))

    assert forecast.match.match_id == stored.match_id
    assert forecast.match.kickoff == kickoff
    assert forecast.as_of == kickoff


def test_odds_on_offer_reach_the_features_of_a_fixture(shelf, world):
    """
    Odds stored for a match to come are seen as training sees those of a played one.
    """
    stored = rows(world, kickoff=None)[0]
    changed = [
        row._replace(odds_home=2.0, odds_draw=4.0, odds_away=4.0) if row.match_id == stored.match_id else row
        for row in world.snapshot.rows
    ]
    snapshot = Snapshot(changed, world.snapshot._team_rows, world.snapshot.directory, world.snapshot.revision)
    predictor = Predictor(shelf, lambda: replace(world, snapshot=snapshot))

    forecast = one(predictor, PredictionQuery(match_id=stored.match_id, explain=True))

    shown = values(forecast)
    assert (shown["odds_home"], shown["odds_draw"], shown["odds_away"]) == (0.5, 0.25, 0.25)
    assert shown["odds_overround"] == 0.0
