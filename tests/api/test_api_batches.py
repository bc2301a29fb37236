"""The batch routes."""

from __future__ import annotations

import pytest
from api_harness import client_of, settings_with
from fake_backend import KNOWN, FakeBackend

from api.application import create_application
from runners.errors import Overloaded, PredictionFailure

BATCH = "/v1/predictions/predict/batch"


async def test_answers_come_in_request_order_and_a_bad_item_fails_alone(client, backend):
    """Good, unknown, unreadable and contradictory items each get their own entry, from one call of the backend."""
    requests = [
        {"match_id": KNOWN},
        {"match_id": "unknown"},
        7,
        {"match_id": "m2", "features": {"elo_home": "x"}},
        {"match_id": "m3"},
        {},
    ]
    response = await client.post(BATCH, json={"batch_id": "b-1", "requests": requests})
    answer = response.json()

    assert response.status_code == 200
    assert [entry.get("match_id") for entry in answer["predictions"]] == [KNOWN, "unknown", None, "m2", "m3", None]
    assert [entry.get("error") for entry in answer["predictions"]] == [
        None,
        "MATCH_NOT_FOUND",
        "INVALID_REQUEST",
        "INVALID_REQUEST",
        None,
        "INVALID_REQUEST",
    ]
    assert [entry["request_index"] for entry in answer["errors"]] == [1, 2, 3, 5]
    assert [entry["details"]["path"] for entry in answer["errors"]] == [
        "$.requests[1].match_id",
        "$.requests[2]",
        "$.requests[3].features.elo_home",
        "$.requests[5].match_id",
    ]
    assert answer["batch_id"] == "b-1"
    assert (answer["total_requests"], answer["successful_predictions"], answer["failed_predictions"]) == (6, 2, 4)
    assert answer["cached_count"] == 0
    assert [[query.match_id for query in batch] for batch in backend.batches] == [[KNOWN, "unknown", "m3"]]


async def test_a_bad_item_shifts_no_answer(client):
    """Each forecast stands at the place of its own question, however many before it were unreadable."""
    requests = [7, {"match_id": KNOWN}, {}, {"match_id": "m2"}, {"match_id": "m3"}, {"match_id": KNOWN}]
    answer = (await client.post(BATCH, json={"requests": requests})).json()

    assert [entry["match_id"] for entry in answer["predictions"]] == [None, KNOWN, None, "m2", "m3", KNOWN]


async def test_a_batch_that_cannot_be_read_at_all_asks_nothing(client, backend):
    """When every item is refused by its schema the backend is left alone."""
    answer = (await client.post(BATCH, json={"requests": [1, 2]})).json()

    assert answer["failed_predictions"] == 2
    assert backend.batches == []


async def test_a_batch_without_an_id_gets_a_new_one(client):
    """Two batches without an id are told apart."""
    first, second = [(await client.post(BATCH, json={"requests": [{"match_id": KNOWN}]})).json() for _ in range(2)]

    assert first["batch_id"] != second["batch_id"]


async def test_each_item_names_its_own_model(client):
    """An unknown model fails its item only; the flag of earlier callers is accepted."""
    requests = [{"match_id": KNOWN, "model_name": "nope"}, {"match_id": KNOWN, "model_name": "football"}]
    answer = (await client.post(BATCH, json={"requests": requests, "parallel": True})).json()

    assert answer["errors"][0]["error"] == "MODEL_NOT_FOUND"
    assert answer["errors"][0]["details"]["known_models"] == ["football"]
    assert answer["predictions"][1]["model_name"] == "football"


async def test_one_model_for_all_is_not_contradicted(client, backend):
    """The model of the URL holds for items that name none or the same."""
    requests = [
        {"match_id": KNOWN},
        {"match_id": KNOWN, "model_name": "football"},
        {"match_id": KNOWN, "model_name": "x"},
    ]
    answer = (await client.post("/v1/predictions/batch/football", json={"requests": requests})).json()

    assert [query.model_name for query in backend.batches[0]] == ["football", "football"]
    assert answer["errors"][0]["details"]["path"] == "$.requests[2].model_name"


@pytest.mark.parametrize(("size", "status"), [(0, 422), (1, 200), (3, 200), (4, 422)])
async def test_the_size_of_a_batch_is_limited(backend, size, status):
    """An empty batch and one beyond the configured limit are refused as a whole."""
    application = create_application(backend, settings=settings_with(max_batch_size=3))
    async with client_of(application) as client:
        response = await client.post(BATCH, json={"requests": [{"match_id": KNOWN}] * size})

    assert response.status_code == status
    if status == 422:
        assert response.json()["error"] == "INVALID_REQUEST"
        assert response.json()["details"]["path"] == "$.requests"


async def test_bytes_that_are_not_text_make_the_whole_body_unreadable(client):
    """An item is cut out of the body unseen, so the body is checked as a whole."""
    response = await client.post(
        BATCH, content=b'{"requests": [{"match_id": "\xff"}]}', headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400
    assert response.json()["error"] == "INVALID_JSON"


async def test_a_failure_of_no_known_kind_stays_inside(backend):
    """An unclassified failure of one item is an internal error without its text, and is counted."""

    class Unclassified(FakeBackend):
        def _predict(self, query):
            return PredictionFailure("secret of the inside") if query.match_id == "m2" else super()._predict(query)

    async with client_of(create_application(Unclassified(), settings=settings_with())) as client:
        response = await client.post(BATCH, json={"requests": [{"match_id": KNOWN}, {"match_id": "m2"}]})
        stats = (await client.get("/v1/predictions/stats")).json()

    assert response.json()["errors"][0]["error"] == "INTERNAL_ERROR"
    assert "secret" not in response.text
    assert stats["internal_errors"] == 1


@pytest.mark.parametrize("answered", [0, 1])
async def test_a_batch_that_is_wholly_shed_is_to_come_again(answered):
    """503 with Retry-After when nothing could be answered in time; as soon as one item is, each tells its own."""

    class Busy(FakeBackend):
        async def predict(self, queries, *, deadline):
            given = await super().predict(queries)
            return [*given[:answered], *[Overloaded(retry_after_s=7)] * (len(queries) - answered)]

    async with client_of(create_application(Busy(), settings=settings_with())) as client:
        response = await client.post("/v1/predictions/predict/batch", json={"requests": [{"match_id": KNOWN}] * 3})

    assert response.status_code == (200 if answered else 503)
    if answered:
        assert [error["error"] for error in response.json()["errors"]] == ["OVERLOADED"] * 2
    else:
        assert (response.json()["error"], response.headers["retry-after"]) == ("OVERLOADED", "7")
