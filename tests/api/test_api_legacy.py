"""The old API, before and after its end."""

from __future__ import annotations

import datetime as dt

import pytest
from api_harness import client_of, settings_with
from fake_backend import KNOWN, FakeBackend

from api.application import create_application

ROUTES = [
    ("POST", f"/predictions/{KNOWN}/predict", None, "/v1/predictions/predict"),
    ("POST", "/predictions/batch", {"match_ids": [KNOWN]}, "/v1/predictions/predict/batch"),
    ("GET", "/predictions/", None, "/v1/predictions/models"),
    ("GET", "/predictions/health", None, "/v1/predictions/health"),
]


async def test_one_match_in_the_old_words(client):
    """Outcomes are home, draw and away, the status is 201, and the version is the one that answered."""
    response = await client.post(f"/predictions/{KNOWN}/predict")
    answer = response.json()

    assert response.status_code == 201
    assert set(answer) == {
        "match_id",
        "home_win_prob",
        "draw_prob",
        "away_win_prob",
        "predicted_outcome",
        "confidence",
        "model_version",
        "predicted_at",
        "details",
    }
    assert (answer["match_id"], answer["predicted_outcome"], answer["confidence"]) == (KNOWN, "home", 0.5)
    assert (answer["model_version"], answer["details"]) == ("v1", None)


async def test_old_and_new_agree(client):
    """Both are answered by the same predictor."""
    old = (await client.post(f"/predictions/{KNOWN}/predict")).json()
    new = (await client.post(f"/v1/predictions/default/{KNOWN}")).json()

    assert [old[name] for name in ("home_win_prob", "draw_prob", "away_win_prob")] == [
        new[name] for name in ("home_win_prob", "draw_prob", "away_win_prob")
    ]


async def test_details_are_the_match(client):
    """Details come when asked for."""
    answer = (await client.post(f"/predictions/{KNOWN}/predict", json={"include_details": True})).json()

    assert answer["details"]["home_team"] == "Bayern München"


@pytest.mark.parametrize(("version", "status"), [("default", 201), ("v1", 201), (None, 201), ("v0", 404)])
async def test_a_version_can_be_named(client, version, status):
    """The old word default, and null, are the current version."""
    response = await client.post(f"/predictions/{KNOWN}/predict", json={"model_version": version})

    assert response.status_code == status


async def test_many_matches_in_the_old_shape(client):
    """Ids that fail are named, numbers are read as text, the rest is answered in order."""
    answer = (await client.post("/predictions/batch", json={"match_ids": ["m2", 12345, KNOWN]})).json()

    assert [prediction["match_id"] for prediction in answer["predictions"]] == ["m2", KNOWN]
    assert (answer["total"], answer["success_count"], answer["failed_count"]) == (3, 2, 1)
    assert answer["failed_match_ids"] == ["12345"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"match_ids": []}, "$.match_ids"),
        ({"match_ids": ["m1"] * 101}, "$.match_ids"),
        ({"match_ids": [1.5]}, "$.match_ids[0]"),
        ({}, "$.match_ids"),
        ({"match_ids": ["m1"], "extra": 1}, "$.extra"),
    ],
)
async def test_bad_batches_are_refused_in_the_one_shape(client, body, path):
    """Errors of the old API have the shape of the new one."""
    response = await client.post("/predictions/batch", json=body)

    assert response.status_code == 422
    assert response.json()["details"]["path"] == path


async def test_the_card_names_the_successors(client):
    """Every old endpoint is listed beside what replaces it."""
    answer = (await client.get("/predictions/")).json()

    assert answer["service"] == "predictions"
    assert {(entry["method"], entry["successor"]) for entry in answer["endpoints"]} == {(r[0], r[3]) for r in ROUTES}


@pytest.mark.parametrize(("status", "http_status"), [("degraded", 200), ("unhealthy", 503)])
async def test_old_health_is_real(status, http_status):
    """The old health route says how the service really is."""
    async with client_of(create_application(FakeBackend(status=status), settings=settings_with())) as client:
        response = await client.get("/predictions/health")

    assert response.status_code == http_status
    assert response.json() == {"status": status, "service": "predictions"}


@pytest.mark.parametrize(("method", "path", "body", "successor"), ROUTES)
async def test_every_old_answer_says_when_it_ends(client, method, path, body, successor):
    """Deprecation (RFC 9745), Sunset (RFC 8594) and Link are on every answer of an old route."""
    response = await client.request(method, path, json=body)

    assert response.is_success
    assert response.headers["deprecation"] == "@1793491200"
    assert response.headers["sunset"] == "Fri, 01 Jan 2100 00:00:00 GMT"
    assert response.headers["link"] == f'<{successor}>; rel="successor-version"'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/predictions/nope/predict", 404),
        ("GET", "/predictions/batch", 405),
        ("POST", "/predictions/batch", 400),
    ],
)
async def test_errors_of_old_routes_say_it_too(client, method, path, status):
    """The headers are on errors as well."""
    response = await client.request(method, path)

    assert response.status_code == status
    assert response.headers["sunset"]
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(("method", "path", "body", "successor"), ROUTES)
async def test_after_its_end_the_old_api_is_gone(backend, method, path, body, successor):
    """410 GONE in the one shape, with the successor; nothing is predicted."""
    ended = settings_with(old_api_ends_at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    async with client_of(create_application(backend, settings=ended)) as client:
        response = await client.request(method, path, json=body)
    error = response.json()

    assert (response.status_code, error["error"]) == (410, "GONE")
    assert error["details"]["successor"] == successor
    assert "2026-11-23" in error["message"]
    assert response.headers["deprecation"]
    assert backend.batches == []
