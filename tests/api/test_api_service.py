"""Models, health and stats."""

from __future__ import annotations

import pytest
from api_harness import client_of, settings_with
from fake_backend import KNOWN, FakeBackend

from api.application import create_application


async def test_models_are_listed(client):
    """Each model comes with what it is and how well it did; a figure that is not a number is null."""
    answer = (await client.get("/v1/predictions/models")).json()
    (model,) = answer["models"]

    assert (answer["total_models"], answer["default_model"]) == (1, "football")
    assert (model["model_name"], model["model_version"], model["model_type"]) == ("football", "v1", "xgboost")
    assert model["accuracy"] == 0.53
    assert model["metrics"] == {"rps": 0.196, "accuracy": 0.53, "ece": None}
    assert model["metadata"] == {"n_matches": 61_250}
    assert model["file_size"] == 1_000
    assert model["trained_until"] == "2020-07-25T12:00:00Z"


@pytest.mark.parametrize(("model_type", "count"), [("xgboost", 1), ("ensemble", 0)])
async def test_models_can_be_chosen_by_kind(client, model_type, count):
    """The default model is named whatever is listed."""
    answer = (await client.get("/v1/predictions/models", params={"model_type": model_type})).json()

    assert (answer["total_models"], answer["default_model"]) == (count, "football")


async def test_one_model_is_shown_with_its_features(client):
    """Features are explained by the registry; one that it does not know keeps its name."""
    answer = (await client.get("/v1/predictions/models/default")).json()
    entries = {entry["name"]: entry for entry in answer["feature_list"]}

    assert list(entries) == answer["features"]
    assert entries["rest_days_home"]["unit"] == "days"
    assert entries["rest_days_home"]["maximum"] == 30
    assert entries["feature_of_another_age"]["meaning"] is None
    assert answer["importance"] == {"elo_home": 0.75, "elo_away": 0.25}
    assert answer["card"]["by_competition"]["de.1"]["rps"] == 0.19


@pytest.mark.parametrize(("status", "http_status"), [("healthy", 200), ("degraded", 200), ("unhealthy", 503)])
async def test_health_says_whether_the_service_can_predict(status, http_status):
    """Only a service that cannot predict answers 503, and in the same shape."""
    async with client_of(create_application(FakeBackend(status=status), settings=settings_with())) as client:
        response = await client.get("/v1/predictions/health")
    answer = response.json()

    assert response.status_code == http_status
    assert answer["status"] == status
    assert (answer["cache_status"], answer["hot_reload_enabled"]) == ("off", False)
    assert answer["model_loaded"] is True
    assert answer["loaded_models"][0]["model_name"] == "football"
    assert answer["memory_usage_mb"] == 2.0
    assert answer["last_prediction_time"] == "2021-05-22T12:00:00Z"
    assert bool(answer["reasons"]) is (status != "healthy")
    assert answer["uptime_seconds"] >= 0


async def test_a_service_without_models_says_so():
    """No model is loaded and none is the default."""
    application = create_application(FakeBackend(has_model=False, status="unhealthy"), settings=settings_with())
    async with client_of(application) as client:
        health = (await client.get("/v1/predictions/health")).json()
        models = (await client.get("/v1/predictions/models")).json()

    assert health["model_loaded"] is False
    assert models == {"models": [], "total_models": 0, "default_model": None}


async def test_stats_are_empty_before_the_first_prediction(client):
    """A rate of nothing is null, not 0 and not 1."""
    answer = (await client.get("/v1/predictions/stats")).json()

    assert answer["total_predictions"] == 0
    assert answer["success_rate"] is None
    assert answer["cache_hit_rate"] is None
    assert answer["average_prediction_time"] is None


async def test_stats_count_forecasts_not_requests(client):
    """Each item of a batch that reached the predictor counts as one."""
    await client.post(f"/v1/predictions/default/{KNOWN}")
    await client.post("/v1/predictions/default/nope")
    batch = {"requests": [{"match_id": KNOWN}, {"match_id": "nope"}, {"match_id": "m2"}, 5]}
    await client.post("/v1/predictions/predict/batch", json=batch)
    await client.post("/v1/predictions/predict", json={"match_id": 1})
    answer = (await client.get("/v1/predictions/stats")).json()

    assert (answer["total_predictions"], answer["successful_predictions"], answer["failed_predictions"]) == (5, 3, 2)
    assert answer["success_rate"] == pytest.approx(0.6)
    assert answer["average_prediction_time"] > 0
    assert answer["internal_errors"] == 0
