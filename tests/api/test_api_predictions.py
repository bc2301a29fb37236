"""The routes that predict one match."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from fake_backend import KNOWN

from api.prediction_template import bodies_of
from api.presentation import BLOCKS, prediction_of, prediction_set_of
from api.responses import Prediction
from runners.queries import Certainty, PredictionQuery

MARKET_BLOCKS = {
    "expected_goals",
    "over_under",
    "both_teams_to_score",
    "double_chance",
    "draw_no_bet",
    "asian_handicap",
    "correct_score",
    "prediction_set",
    "probability_intervals",
    "intervals",
}
WINNER = {"double_chance", "draw_no_bet", "prediction_set", "probability_intervals"}


async def test_a_known_match_is_predicted_without_a_body(client):
    """The URL alone is enough, and the answer has every field of its schema."""
    response = await client.post(f"/v1/predictions/default/{KNOWN}")
    answer = response.json()

    assert response.status_code == 200
    assert set(answer) == {field.name for field in msgspec.structs.fields(Prediction)}
    assert answer["match_id"] == KNOWN
    assert (answer["home_win_prob"], answer["draw_prob"], answer["away_win_prob"]) == (0.5, 0.3, 0.2)
    assert answer["predicted_outcome"] == "home_win"
    assert answer["confidence"] == 0.5
    assert answer["model_name"] == "football"
    assert answer["cached"] is False
    assert answer["degraded"] is False


async def test_both_ways_to_ask_give_one_answer(client):
    """The match in the URL and the match in the body are predicted alike."""
    by_url = (await client.post(f"/v1/predictions/default/{KNOWN}")).json()
    by_body = (await client.post("/v1/predictions/predict", json={"match_id": KNOWN})).json()

    for changing in ("request_id", "predicted_at", "prediction_time_ms"):
        del by_url[changing], by_body[changing]
    assert by_url == by_body


@pytest.mark.parametrize(
    ("prediction_type", "blocks"),
    [
        ("winner", WINNER),
        ("score", WINNER | {"correct_score", "expected_goals", "intervals"}),
        ("over_under", {"over_under", "both_teams_to_score", "expected_goals"}),
        ("probability", MARKET_BLOCKS),
    ],
)
async def test_the_prediction_type_chooses_the_blocks(client, prediction_type, blocks):
    """Blocks that were not chosen are null, and nothing else depends on the type."""
    body = {"match_id": KNOWN, "prediction_type": prediction_type}
    answer = (await client.post("/v1/predictions/predict", json=body)).json()

    assert {name for name in MARKET_BLOCKS if answer[name] is not None} == blocks == BLOCKS[prediction_type]
    assert answer["home_win_prob"] == 0.5
    assert answer["metadata"]["prediction_type"] == prediction_type


async def test_every_market_is_written_out(client):
    """The market blocks carry the backend's figures under the names of the contract."""
    body = {"match_id": KNOWN, "prediction_type": "probability"}
    answer = (await client.post("/v1/predictions/predict", json=body)).json()

    assert answer["expected_goals"] == {"home": 1.75, "away": 1.0}
    assert answer["over_under"][1] == {"line": 3.0, "over": 0.3, "under": 0.5, "push": 0.2}
    assert answer["both_teams_to_score"] == {"yes": 0.6, "no": 0.4}
    assert answer["double_chance"] == {"home_or_draw": 0.8, "home_or_away": 0.7, "draw_or_away": 0.5}
    assert answer["draw_no_bet"]["home"] == pytest.approx(5 / 7)
    assert answer["asian_handicap"] == [{"line": -0.5, "home": 0.5, "away": 0.5, "push": 0.0}]
    assert answer["correct_score"]["scores"][0] == {"home": 1, "away": 1, "probability": 0.125}
    assert answer["correct_score"]["other"] == 0.775
    assert answer["prediction_set"] == {
        "coverage": 0.8,
        "outcomes": ["home_win", "draw"],
        "probability": 0.8,
        "abstain": False,
    }
    assert answer["probability_intervals"]["home_win"] == {"low": 0.45, "high": 0.55}
    assert answer["probability_intervals"]["away_win"] == {"low": 0.17, "high": 0.23}
    assert answer["intervals"]["total"] == {"low": 1, "high": 5}
    assert answer["intervals"]["coverage"] == 0.8


@pytest.mark.parametrize(
    ("proba", "outcomes"),
    [
        ((0.8, 0.1, 0.1), ["home_win"]),
        ((0.1, 0.35, 0.55), ["away_win", "draw"]),
        ((0.25, 0.35, 0.4), ["away_win", "draw"]),
        ((0.3, 0.3, 0.4), ["away_win", "home_win"]),
        ((0.34, 0.33, 0.33), ["home_win", "draw", "away_win"]),
    ],
)
def test_an_outcome_belongs_to_the_set_unless_likelier_ones_pass_the_threshold(proba, outcomes):
    """Outcomes are added, most likely first, until those before them are likelier than 0.68; all three abstain."""
    chosen = prediction_set_of(proba, Certainty(coverage=0.8, set_threshold=0.68, ends=()))

    assert chosen.outcomes == outcomes
    assert chosen.abstain == (len(outcomes) == 3)
    assert chosen.probability == pytest.approx(sum(sorted(proba)[-len(outcomes) :]))


async def test_a_described_match_is_predicted(client, backend):
    """Teams, competition and kick-off reach the backend, the kick-off in UTC; the answer has no match id."""
    body = {
        "home_team": "Bayern München",
        "away_team": "Köln",
        "competition": "de.1",
        "kickoff": "2021-05-22T15:30:00+02:00",
        "neutral_venue": True,
    }
    answer = (await client.post("/v1/predictions/predict", json=body)).json()
    described = backend.batches[0][0].described

    assert answer["match_id"] is None
    assert answer["metadata"]["match"]["kickoff"] == "2021-05-22T13:30:00Z"
    assert answer["metadata"]["match"]["neutral_venue"] is True
    assert described.kickoff == dt.datetime(2021, 5, 22, 13, 30, tzinfo=dt.UTC)


async def test_options_reach_the_backend(client, backend):
    """Overrides, version, as_of and explain are handed on as they are."""
    body = {
        "match_id": KNOWN,
        "model_name": "football",
        "model_version": "v1",
        "features": {"elo_home": 1700},
        "explain": True,
        "force_recalculate": True,
        "as_of": "2021-05-01T00:00:00Z",
    }
    answer = (await client.post("/v1/predictions/predict", json=body)).json()
    query = backend.batches[0][0]

    assert query.overrides == {"elo_home": 1700.0}
    assert query.as_of == dt.datetime(2021, 5, 1, tzinfo=dt.UTC)
    assert answer["metadata"]["overridden_features"] == ["elo_home"]
    assert answer["metadata"]["as_of"] == "2021-05-01T00:00:00Z"


async def test_an_explanation_says_where_it_starts_and_what_each_feature_adds(client):
    """Base, margin and contributions come with their log-odds and probabilities by outcome, in the order given."""
    answer = (await client.post("/v1/predictions/predict", json={"match_id": KNOWN, "explain": True})).json()

    assert answer["explanation"] == {
        "base": {
            "log_odds": {"home_win": 0.25, "draw": 0.0, "away_win": -0.25},
            "probability": {"home_win": 0.42, "draw": 0.33, "away_win": 0.25},
        },
        "margin": {"home_win": 0.5, "draw": 0.0, "away_win": -0.5},
        "contributions": [
            {
                "feature": "elo_home",
                "value": 1800.0,
                "log_odds": {"home_win": 0.5, "draw": -0.25, "away_win": -0.25},
                "probability": {"home_win": 0.1, "draw": -0.05, "away_win": -0.05},
            },
            {
                "feature": "elo_away",
                "value": None,
                "log_odds": {"home_win": -0.25, "draw": 0.25, "away_win": 0.0},
                "probability": {"home_win": -0.02, "draw": 0.02, "away_win": 0.0},
            },
        ],
    }


async def test_a_model_that_cannot_explain_says_nothing(backend):
    """An explanation that was asked for and is not to be had is null."""
    (forecast,) = await backend.predict([PredictionQuery(match_id=KNOWN)])
    query = PredictionQuery(match_id=KNOWN, explain=True)

    prediction = prediction_of(forecast, query, request_id="r", predicted_at=dt.datetime.now(dt.UTC), milliseconds=1.0)

    assert prediction.explanation is None


async def test_nullable_fields_may_be_null(client):
    """Null stands for the default where the schema says so."""
    body = {"match_id": KNOWN, "model_version": None, "features": None, "as_of": None}
    response = await client.post("/v1/predictions/predict", json=body)

    assert response.status_code == 200
    assert response.json()["explanation"] is None


async def test_a_degraded_forecast_says_why(client):
    """The reasons of the backend stand in the metadata."""
    answer = (await client.post("/v1/predictions/default/a%2Fb%20%C3%BC")).json()

    assert answer["match_id"] == "a/b ü"
    assert answer["degraded"] is True
    assert answer["metadata"]["degraded_reasons"] == ["no date"]


async def test_the_body_may_repeat_the_url(client):
    """Saying the same twice is no contradiction."""
    body = {"match_id": KNOWN, "model_name": "default"}
    response = await client.post(f"/v1/predictions/default/{KNOWN}", json=body)

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"match_id": "m2"}, "$.match_id"),
        ({"model_name": "football"}, "$.model_name"),
        ({"home_team": "Köln"}, "$.home_team"),
    ],
)
async def test_the_body_may_not_contradict_the_url(client, body, path):
    """Another match or model in the body than in the URL is refused with its path."""
    response = await client.post(f"/v1/predictions/default/{KNOWN}", json=body)

    assert response.status_code == 422
    assert response.json()["details"]["path"] == path


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.match_id"),
        ({"match_id": KNOWN, "home_team": "Köln"}, "$.home_team"),
        ({"match_id": KNOWN, "neutral_venue": False}, "$.neutral_venue"),
        ({"home_team": "Köln", "competition": "de.1"}, "$.away_team"),
        ({"home_team": "Köln", "away_team": "Mainz 05"}, "$.competition"),
        ({"kickoff": None}, "$.home_team"),
        ({"match_id": ""}, "$.match_id"),
        ({"match_id": "x" * 65}, "$.match_id"),
        ({"match_id": None}, "$.match_id"),
        ({"match_id": KNOWN, "model_name": "a b"}, "$.model_name"),
        ({"match_id": KNOWN, "model_name": "default\n"}, "$.model_name"),
        ({"match_id": KNOWN, "surprise": 1}, "$.surprise"),
        ({"match_id": KNOWN, "prediction_type": "scores"}, "$.prediction_type"),
        ({"match_id": KNOWN, "features": {"elo_home": 1500, "elo_away": "high"}}, "$.features.elo_away"),
        ({"match_id": KNOWN, "features": {"elo_home": True}}, "$.features.elo_home"),
        ({"match_id": KNOWN, "features": {"elo_home": None}}, "$.features.elo_home"),
        ({"match_id": KNOWN, "features": {"elo_home": 10**400}}, "$.features.elo_home"),
        ({"match_id": KNOWN, "features": []}, "$.features"),
        ({"match_id": KNOWN, "as_of": "2021-05-01"}, "$.as_of"),
        ({"match_id": KNOWN, "as_of": "2021-05-01T00:00:00"}, "$.as_of"),
        ({"match_id": KNOWN, "as_of": "0001-01-01T00:00:00+23:00"}, "$.as_of"),
        ([], "$"),
    ],
)
async def test_a_bad_field_is_refused_with_its_path(client, backend, body, path):
    """What the schema or the rules of a request refuse never reaches the backend."""
    response = await client.post("/v1/predictions/predict", json=body)
    error = response.json()

    assert response.status_code == 422
    assert error["error"] == "INVALID_REQUEST"
    assert error["details"]["path"] == path
    assert backend.batches == []


async def test_a_number_beyond_every_float_is_refused_with_its_path(client):
    """1e999 is JSON, but no number that a feature can have."""
    content = f'{{"match_id": "{KNOWN}", "features": {{"elo_home": 1e999}}}}'
    response = await client.post(
        "/v1/predictions/predict", content=content, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 422
    assert response.json()["details"]["path"] == "$.features.elo_home"


@pytest.mark.parametrize("prediction_type", list(BLOCKS))
@pytest.mark.parametrize("explain", [False, True])
async def test_the_template_writes_what_the_schema_would(backend, prediction_type, explain):
    """An answer put together from its numbers has the bytes of one encoded by the published schema."""
    (forecast,) = await backend.predict([PredictionQuery(match_id=KNOWN, explain=explain)])
    query = PredictionQuery(match_id=KNOWN, prediction_type=prediction_type, explain=explain)
    now = dt.datetime(2026, 11, 24, 17, 30, 1, 5, tzinfo=dt.UTC)
    whole = prediction_of(forecast, query, request_id="r-1", predicted_at=now, milliseconds=1.0625)

    (body,) = bodies_of([forecast], [query], now)

    assert body.sent(b"r-1", milliseconds=1.0625, cached=False) == msgspec.json.encode(whole)
