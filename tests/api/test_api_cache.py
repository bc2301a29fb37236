"""Answers are sent again while they hold, told to be so, and computed anew as soon as they may not."""

from __future__ import annotations

import asyncio
import datetime as dt
import re

import msgspec
import pytest
from api_harness import client_of, settings_with
from fake_backend import KNOWN, FakeBackend, stored

from api.answers import canonical_of
from api.application import create_application
from api.caching import Cache
from api.prediction_body import PredictionBody
from runners.errors import ModelUnavailable
from runners.queries import DescribedMatch, Page, PredictionQuery

URL = f"/v1/predictions/default/{KNOWN}"
VOLATILE = re.compile(rb'"(request_id|predicted_at)":"[^"]*"|"prediction_time_ms":[0-9.]+|"cached":(true|false)')


def new_cache() -> Cache[PredictionBody]:
    return Cache(msgspec.msgpack.Decoder(PredictionBody), is_sound=PredictionBody.is_sound, size_of=len)


@pytest.fixture
def cache():
    return new_cache()


@pytest.fixture
def application(backend, cache):
    return create_application(backend, settings=settings_with(), cache=cache)


@pytest.mark.parametrize("prediction_type", ["winner", "score", "over_under", "probability"])
async def test_a_repeated_question_gets_the_same_bytes(client, backend, prediction_type):
    """The second answer differs from the first in four fields only, and asks the backend nothing."""
    first = await client.post(URL, json={"prediction_type": prediction_type})
    second = await client.post(URL, json={"prediction_type": prediction_type})

    assert (first.json()["cached"], second.json()["cached"]) == (False, True)
    assert first.json()["predicted_at"] == second.json()["predicted_at"]
    assert first.json()["request_id"] != second.json()["request_id"]
    assert VOLATILE.sub(b"", first.content) == VOLATILE.sub(b"", second.content)
    assert len(backend.batches) == 1


async def test_other_spellings_of_a_question_share_its_answer(client, backend):
    """Body or URL, defaults spelled out or left out: one question, one computation."""
    first = await client.post(URL)
    others = [
        await client.post(URL, json={"prediction_type": "winner", "features": {}}),
        await client.post("/v1/predictions/predict", json={"match_id": KNOWN}),
        await client.post("/v1/predictions/predict", json={"match_id": KNOWN, "model_name": "football"}),
        await client.post(f"/v1/predictions/football/{KNOWN}", json={"explain": False}),
    ]

    assert not first.json()["cached"]
    assert all(other.json()["cached"] for other in others)
    assert len(backend.batches) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"prediction_type": "score"},
        {"explain": True},
        {"features": {"elo_home": 1600.0}},
        {"as_of": "2021-05-01T00:00:00Z"},
    ],
)
async def test_another_question_is_another_answer(client, body):
    """Whatever changes the answer keeps it apart."""
    await client.post(URL)
    other = await client.post(URL, json=body)

    assert other.json()["cached"] is False


async def test_new_results_or_another_model_end_an_answer(client, backend):
    """As soon as the backend rests on something else, everything is computed anew."""
    await client.post(URL)
    backend.state = "state-2"
    anew = await client.post(URL)
    again = await client.post(URL)

    assert (anew.json()["cached"], again.json()["cached"]) == (False, True)


async def test_force_recalculate_computes_and_keeps(client, backend):
    """A forced answer is new, and what is kept from then on."""
    await client.post(URL)
    forced = await client.post(URL, json={"force_recalculate": True})
    again = await client.post(URL)

    assert (forced.json()["cached"], again.json()["cached"]) == (False, True)
    assert again.json()["predicted_at"] == forced.json()["predicted_at"]
    assert len(backend.batches) == 2


async def test_failures_are_not_kept(client, backend):
    """A match that is not known is looked for again, and so is a model that was away."""
    await client.post("/v1/predictions/default/nope")
    await client.post("/v1/predictions/default/nope")
    away = await client.post(f"/v1/predictions/broken/{KNOWN}")

    assert len(backend.batches) == 2
    assert away.status_code == 503


async def test_a_model_that_goes_away_takes_its_answers_along(client, backend):
    """What was answered before is not sent for a model that cannot answer now."""
    await client.post(f"/v1/predictions/football/{KNOWN}")
    backend.crash = ModelUnavailable("Gone. Ask again.")
    response = await client.post(f"/v1/predictions/football/{KNOWN}")

    assert response.status_code == 503


async def test_many_who_ask_together_share_one_computation(backend, cache):
    """A thousand identical questions at once run the model once."""
    backend.delay_s = 0.01
    application = create_application(backend, settings=settings_with(deadline_s=60.0), cache=cache)
    async with client_of(application) as client:
        answers = await asyncio.gather(*(client.post(URL) for _ in range(1_000)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(backend.batches) == 1
    assert len({answer.json()["request_id"] for answer in answers}) == 1_000


async def test_a_batch_says_how_many_were_at_hand(client, backend):
    """Items that were answered before are not computed again; forced ones are; all keep their places."""
    await client.post(URL)
    requests = [
        {"match_id": "m2"},
        {"match_id": KNOWN},
        {"match_id": KNOWN, "force_recalculate": True},
        {"match_id": 1},
    ]
    batch = (await client.post("/v1/predictions/predict/batch", json={"requests": requests})).json()

    assert batch["cached_count"] == 1
    assert [entry.get("cached") for entry in batch["predictions"]] == [False, True, False, None]
    assert [entry.get("match_id") for entry in batch["predictions"][:3]] == ["m2", KNOWN, KNOWN]
    assert [query.match_id for call in backend.batches for query in call] == [KNOWN, "m2", KNOWN]


async def test_an_answer_ends_at_kickoff(backend, cache):
    """What was said of a match to come is not sent once it has begun."""
    soon = stored("soon", "Köln", "Mainz 05", dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.2))
    backend.match = lambda match_id: soon if match_id == "soon" else FakeBackend.match(backend, match_id)
    async with client_of(create_application(backend, settings=settings_with(), cache=cache)) as client:
        first = await client.post("/v1/predictions/default/soon")
        before = await client.post("/v1/predictions/default/soon")
        await asyncio.sleep(0.25)
        after = await client.post("/v1/predictions/default/soon")

    assert [answer.json()["cached"] for answer in (first, before, after)] == [False, True, False]


async def test_coming_fixtures_are_warmed(backend, cache):
    """Before a worker takes traffic it has answered the plain question for the fixtures to come."""
    application = create_application(backend, settings=settings_with(), cache=cache)
    asked = []
    backend.fixtures = lambda **wanted: (
        asked.append(wanted) or Page([backend.match(KNOWN), backend.match("m2")], 2, None)
    )
    warmed = await application.warm(2)
    async with client_of(application) as client:
        answers = [await client.post(f"/v1/predictions/default/{match_id}") for match_id in (KNOWN, "m2")]

    assert warmed == 2
    assert (asked[0]["limit"], asked[0]["earliest"] <= dt.datetime.now(dt.UTC)) == (2, True)
    assert all(answer.json()["cached"] for answer in answers)
    assert await create_application(FakeBackend(), settings=settings_with()).warm(2) == 0


async def test_stats_and_health_tell_of_the_cache(client):
    """Hits, misses and the state of Redis are told, rates as shares of one."""
    for _ in range(4):
        await client.post(URL)
    stats = (await client.get("/v1/predictions/cache/stats")).json()
    health = (await client.get("/v1/predictions/cache/health")).json()
    service = (await client.get("/v1/predictions/health")).json()
    counted = (await client.get("/v1/predictions/stats")).json()

    assert (stats["hits"], stats["misses"], stats["sets"], stats["hit_rate"]) == (3, 1, 1, 0.75)
    assert (health["status"], health["redis_info"], health["cache_stats"]["hits"]) == ("memory", None, 3)
    assert service["cache_status"] == "memory"
    assert (counted["cache_hits"], counted["cache_hit_rate"], counted["successful_predictions"]) == (3, 0.75, 4)


@pytest.mark.parametrize(
    ("url", "deleted"),
    [
        ("/v1/predictions/cache", 2),
        (f"/v1/predictions/cache?pattern=football:{KNOWN}", 1),
        ("/v1/predictions/cache?pattern=tennis:*", 0),
        ("/v1/predictions/models/default/cache", 2),
    ],
)
async def test_purging_by_pattern_and_by_model(client, url, deleted):
    """What a pattern covers is computed anew, and how much that was is said."""
    for match_id in (KNOWN, "m2"):
        await client.post(f"/v1/predictions/default/{match_id}")
    receipt = await client.request("DELETE", url)
    answer = await client.post(URL)

    assert (receipt.status_code, receipt.json()["status"], receipt.json()["deleted_count"]) == (200, "success", deleted)
    assert answer.json()["cached"] is (deleted == 0)


@pytest.mark.parametrize("pattern", ["", "x" * 257])
async def test_a_pattern_that_cannot_be_one_is_refused(client, pattern):
    """Empty and endless patterns are told where they stand."""
    response = await client.request("DELETE", "/v1/predictions/cache", params={"pattern": pattern})

    assert (response.status_code, response.json()["details"]["path"]) == (422, "$.query.pattern")


async def test_purging_an_unknown_model_is_not_found(client):
    """No model of that name, nothing deleted."""
    response = await client.request("DELETE", "/v1/predictions/models/tennis/cache")

    assert response.json()["error"] == "MODEL_NOT_FOUND"


def test_descriptions_are_spelled_one_way():
    """A described match is the same question in whatever zone its kick-off is given."""
    noon = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
    one = PredictionQuery(described=DescribedMatch("a", "b", "de.1", noon), overrides={"x": 1.0, "y": 2.0})
    same = PredictionQuery(described=DescribedMatch("a", "b", "de.1", noon), overrides={"y": 2.0, "x": 1.0})
    other = PredictionQuery(described=DescribedMatch("a", "b", "de.1", noon, is_neutral_venue=True))

    assert canonical_of(one) == canonical_of(same)
    assert len({canonical_of(query) for query in (one, other, PredictionQuery(match_id="m"))}) == 3


@pytest.mark.parametrize("part", [b'"', b",,", b"\xff", b'{"a":1}'])
def test_a_body_that_makes_no_json_is_not_sound(part):
    """What comes back from a shared store is sent only if it still makes one object."""
    whole = PredictionBody(b',"match_id":"m","predicted_at":', b'"now"', b',"prediction_time_ms":', b"}", 1.0)
    broken = msgspec.structs.replace(whole, after_cached=part)

    assert whole.is_sound()
    assert not broken.is_sound()
