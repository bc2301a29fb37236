"""A version that a request names is loaded first, within the deadline; what goes wrong is that request's own failure."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from api_harness import client_of, settings_with
from fake_backend import KNOWN

from api.application import create_application
from api.caching import Cache
from api.prediction_body import PredictionBody

PREDICT = "/v1/predictions/predict"


@pytest.fixture(params=["with a cache", "without"])
def application(request, backend):
    cache = Cache(msgspec.msgpack.Decoder(PredictionBody), is_sound=PredictionBody.is_sound, size_of=len)
    return create_application(
        backend, settings=settings_with(deadline_s=0.2), cache=cache if request.param == "with a cache" else None
    )


async def test_only_a_version_that_is_named_is_loaded(client, backend):
    """A request without a version asks for none; one with a version asks for it under the name that it was given."""
    plain = await client.post(PREDICT, json={"match_id": KNOWN})
    before = list(backend.had)
    named = await client.post(f"/v1/predictions/football/{KNOWN}", json={"model_version": "v1"})

    assert (plain.status_code, named.status_code) == (200, 200)
    assert before == []
    assert set(backend.had) == {("football", "v1")}


async def test_a_version_that_cannot_be_had_fails_its_own_item(client, backend):
    """The other items of the batch are answered, in order."""
    requests = [{"match_id": KNOWN, "model_version": version} for version in ("v1", "refused", None, "v0", "v1")]
    answer = (await client.post(f"{PREDICT}/batch", json={"requests": requests})).json()

    assert [entry.get("error") for entry in answer["predictions"]] == [
        None,
        "MODEL_UNAVAILABLE",
        None,
        "MODEL_VERSION_NOT_FOUND",
        None,
    ]
    assert answer["errors"][0]["details"]["path"] == "$.requests[1].model_version"
    assert all(query.model_version != "refused" for batch in backend.batches for query in batch)


async def test_the_deadline_holds_while_a_version_loads(client):
    """Who asks for a version that takes too long is told 504 in time, and the next request is answered."""
    slow = await client.post(PREDICT, json={"match_id": KNOWN, "model_version": "loading"})
    again = await client.post(PREDICT, json={"match_id": KNOWN})

    assert (slow.status_code, slow.json()["error"]) == (504, "DEADLINE_EXCEEDED")
    assert again.status_code == 200


async def test_the_old_api_loads_versions_too(client, backend):
    """A version named in the old API is loaded like any other; one that cannot be had is an error of it."""
    known = await client.post(f"/predictions/{KNOWN}/predict", json={"model_version": "v1"})
    refused = await client.post(f"/predictions/{KNOWN}/predict", json={"model_version": "refused"})

    assert (known.status_code, refused.status_code) == (201, 503)
    assert {version for _, version in backend.had} == {"v1", "refused"}


async def test_a_crash_while_a_version_loads_is_an_error_of_the_inside(backend):
    """What is no failure of a question is answered 500 and not told."""

    class Crashing(type(backend)):
        async def have(self, model_name, model_version):
            raise RuntimeError("secret")

    async with client_of(create_application(Crashing(), settings=settings_with())) as client:
        answer = await client.post(PREDICT, json={"match_id": KNOWN, "model_version": "v1"})

    assert answer.status_code == 500
    assert "secret" not in answer.text


async def test_a_version_that_is_let_go_before_its_turn_is_to_be_asked_for_again(backend):
    """It is in the store, so the answer is 503 with Retry-After, never that there is no such version."""

    class Forgetful(type(backend)):
        async def have(self, model_name, model_version):
            """Load it, and let it go at once."""

    async with client_of(create_application(Forgetful(), settings=settings_with())) as client:
        answer = await client.post(PREDICT, json={"match_id": KNOWN, "model_version": "gone"})

    assert (answer.status_code, answer.json()["error"]) == (503, "OVERLOADED")
    assert answer.headers["retry-after"] == "1"


async def test_loading_and_answering_share_one_deadline(backend):
    """A version that takes most of the time to load leaves the forecast only the rest."""

    class Slow(type(backend)):
        async def have(self, model_name, model_version):
            await asyncio.sleep(0.3)

        async def predict(self, queries, *, deadline):
            await asyncio.sleep(0.3)
            return await super().predict(queries, deadline=deadline)

    application = create_application(Slow(), settings=settings_with(deadline_s=0.45))
    async with client_of(application) as client:
        answer = await client.post(PREDICT, json={"match_id": KNOWN, "model_version": "v1"})

    assert (answer.status_code, answer.json()["error"]) == (504, "DEADLINE_EXCEEDED")
