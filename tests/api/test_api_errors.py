"""Every row of the error table, with its exact code and status, in the one shape."""

from __future__ import annotations

import datetime as dt
import inspect
import logging

import msgspec
import pytest
from api_harness import call, client_of, settings_with
from fake_backend import KNOWN, FakeBackend

from api.application import create_application
from api.errors import MEANING, STATUS, Code, Error, refusal_of
from runners import errors as failures

PREDICT = "/v1/predictions/predict"
JSON = {"Content-Type": "application/json"}


def described(home: str, competition: str = "de.1") -> dict:
    return {"home_team": home, "away_team": "Bayern München", "competition": competition}


ROWS = [
    ("INVALID_JSON", 400, "POST", PREDICT, {"content": b"{", "headers": JSON}),
    ("MODEL_NOT_FOUND", 404, "POST", f"/v1/predictions/nope/{KNOWN}", {}),
    ("MODEL_NOT_FOUND", 404, "GET", "/v1/predictions/models/nope", {}),
    ("MODEL_VERSION_NOT_FOUND", 404, "POST", PREDICT, {"json": {"match_id": KNOWN, "model_version": "v0"}}),
    ("MATCH_NOT_FOUND", 404, "POST", PREDICT, {"json": {"match_id": "nope"}}),
    ("MATCH_NOT_FOUND", 404, "GET", "/v1/matches/nope", {}),
    ("TEAM_NOT_FOUND", 404, "POST", PREDICT, {"json": described("Kölln")}),
    ("TEAM_NOT_FOUND", 404, "GET", "/v1/fixtures?team=Kölln", {}),
    ("NOT_FOUND", 404, "GET", "/v1/nothing", {}),
    ("NOT_FOUND", 404, "POST", PREDICT, {"json": described("Köln", "xx.1")}),
    ("NOT_FOUND", 404, "GET", "/v1/teams?competition=xx.1", {}),
    ("METHOD_NOT_ALLOWED", 405, "GET", PREDICT, {}),
    ("BODY_TOO_LARGE", 413, "POST", PREDICT, {"content": b" " * 1_048_577, "headers": JSON}),
    ("UNSUPPORTED_MEDIA_TYPE", 415, "POST", PREDICT, {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    ("INVALID_REQUEST", 422, "POST", PREDICT, {"json": {"match_id": 1}}),
    ("INVALID_REQUEST", 422, "POST", PREDICT, {"json": described("Köln")}),
    ("FEATURE_INVALID", 422, "POST", PREDICT, {"json": {"match_id": KNOWN, "features": {"luck": 1}}}),
    ("FEATURE_INVALID", 422, "POST", PREDICT, {"json": {"match_id": KNOWN, "features": {"elo_home": -1}}}),
    ("FEATURE_MISSING", 422, "POST", PREDICT, {"json": described("Mainz 05")}),
    ("MODEL_UNAVAILABLE", 503, "POST", f"/v1/predictions/broken/{KNOWN}", {}),
    ("MODEL_UNAVAILABLE", 503, "GET", "/v1/predictions/models/broken", {}),
]


def require_error_shape(response, code: str, status: int) -> dict:
    error = response.json()
    assert (response.status_code, error["error"]) == (status, code)
    assert list(error) == ["error", "message", "details", "request_id", "timestamp"]
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == error["request_id"]
    assert error["timestamp"].endswith("Z")
    return error


@pytest.mark.parametrize(("code", "status", "method", "url", "request_"), ROWS)
async def test_the_error_table(client, code, status, method, url, request_):
    """Each code is answered with its status and in the one shape."""
    response = await client.request(method, url, **request_)

    require_error_shape(response, code, status)


async def test_the_deadline_is_kept():
    """A prediction that takes too long is answered with 504, and is counted as failed."""
    application = create_application(FakeBackend(delay_s=30), settings=settings_with(deadline_s=0.01))
    async with client_of(application) as client:
        response = await client.post(f"/v1/predictions/default/{KNOWN}")
        stats = (await client.get("/v1/predictions/stats")).json()

    assert require_error_shape(response, "DEADLINE_EXCEEDED", 504)["details"] == {"deadline_s": 0.01}
    assert stats["failed_predictions"] == 1


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", f"/v1/predictions/default/{KNOWN}"),
        ("GET", "/v1/fixtures"),
        ("GET", "/v1/predictions/health"),
        ("GET", "/predictions/health"),
    ],
)
@pytest.mark.parametrize("crash", [RuntimeError("/srv/secret/path"), TimeoutError("its own")])
async def test_a_crash_tells_the_caller_nothing(method, url, crash, caplog):
    """Text and traceback go to the log with the request id; the caller gets the id only, and the stats count it."""
    backend = FakeBackend(crash=crash)
    async with client_of(create_application(backend, settings=settings_with())) as client:
        with caplog.at_level(logging.ERROR, "football.api"):
            response = await client.request(method, url, headers={"X-Request-ID": "caller-1"})
        stats = (await client.get("/v1/predictions/stats")).json()

    require_error_shape(response, "INTERNAL_ERROR", 500)
    assert str(crash) not in response.text
    assert caplog.records[0].request_id == "caller-1"
    assert caplog.records[0].exc_info[1] is crash
    assert stats["internal_errors"] == 1


async def test_a_backend_that_answers_too_little_is_an_internal_error():
    """No answer is given to the wrong question."""

    class Short(FakeBackend):
        async def predict(self, queries, *, deadline):
            return (await super().predict(queries))[1:]

        async def receive(self, rows):
            return []

    async with client_of(create_application(Short(), settings=settings_with())) as client:
        batch = await client.post("/v1/predictions/predict/batch", json={"requests": [{"match_id": KNOWN}] * 2})
        results = await client.post("/v1/results", json={"results": [{"status": "played", "match_id": KNOWN}]})

    require_error_shape(batch, "INTERNAL_ERROR", 500)
    require_error_shape(results, "INTERNAL_ERROR", 500)


async def test_unavailable_says_when_to_ask_again(client):
    """503 carries Retry-After."""
    response = await client.post(f"/v1/predictions/broken/{KNOWN}")

    assert response.headers["retry-after"] == "5"


async def test_a_failure_is_placed_where_the_caller_put_the_value(client):
    """The path points into the URL when the value came from there."""
    model = await client.post(f"/v1/predictions/nope/{KNOWN}")
    match = await client.post("/v1/predictions/default/nope")
    team = await client.get("/v1/fixtures", params={"team": "Kölln"})

    assert model.json()["details"]["path"] == "$.path.model_name"
    assert match.json()["details"]["path"] == "$.path.match_id"
    assert team.json()["details"]["path"] == "$.query.team"
    assert team.json()["details"]["nearest"] == ["Köln"]


async def test_details_that_json_cannot_write_do_not_lose_the_error():
    """A value of another kind in a failure's details is written as text."""

    class Odd(FakeBackend):
        def match(self, match_id):
            raise failures.QueryInvalid("odd", details={"value": 1 + 2j})

    async with client_of(create_application(Odd(), settings=settings_with())) as client:
        response = await client.get("/v1/matches/x")

    assert require_error_shape(response, "INVALID_REQUEST", 422)["details"] == {"value": "(1+2j)"}


async def test_a_failure_outside_a_translated_call_is_still_mapped():
    """A failure raised where none is expected keeps its code."""

    class Early(FakeBackend):
        async def predict(self, queries, *, deadline):
            raise failures.ModelUnavailable("Loading. Ask again.")

    async with client_of(create_application(Early(), settings=settings_with())) as client:
        response = await client.post(f"/v1/predictions/default/{KNOWN}")

    require_error_shape(response, "MODEL_UNAVAILABLE", 503)


def test_every_failure_of_the_runners_has_a_code():
    """A new class of failure must be given its place in the table."""
    classes = [
        kind
        for _, kind in inspect.getmembers(failures, inspect.isclass)
        if issubclass(kind, failures.PredictionFailure) and kind is not failures.PredictionFailure
    ]
    made = [kind.__new__(kind) for kind in classes]
    for failure in made:
        failures.PredictionFailure.__init__(failure, "message", path="$.match_id")

    assert len(classes) == 12
    assert Code.INTERNAL_ERROR not in {refusal_of(failure).code for failure in made}
    assert set(STATUS) == set(MEANING) == set(Code)


@pytest.mark.parametrize("given", ["a", "A.b_c:d-1", "x" * 128])
async def test_a_valid_request_id_comes_back(client, given):
    """The caller's id is on the answer, in the body too where there is one."""
    response = await client.post(f"/v1/predictions/default/{KNOWN}", headers={"X-Request-ID": given})

    assert response.headers["x-request-id"] == given
    assert response.json()["request_id"] == given


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, b"\xff", b"a\r\nSet-Cookie: x", b"a\n"])
@pytest.mark.parametrize("path", [b"/v1/nothing", b"/predictions/health"])
async def test_an_invalid_request_id_is_replaced(application, given, path):
    """An id that could not be written into a log or a header as it is gives way to a new one."""
    sent = await call(application, "GET", path, headers=[(b"x-request-id", given)])

    assert len(sent.headers["x-request-id"]) == 32


def test_an_error_is_written_in_utc():
    """The timestamp is RFC 3339 with a Z."""
    error = Error(
        error=Code.GONE, message="m", details={}, request_id="r", timestamp=dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    )

    assert msgspec.json.decode(msgspec.json.encode(error))["timestamp"] == "2026-01-02T00:00:00Z"
