"""Whatever is sent, the answer is never a 5xx and every refusal has the one shape."""

from __future__ import annotations

import asyncio
import functools
from urllib.parse import quote

import msgspec
import pytest
from api_harness import call, settings_with
from fake_backend import KNOWN, FakeBackend
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.application import create_application

JSON = [(b"content-type", b"application/json")]
BODY_ROUTES = [
    b"/v1/predictions/predict",
    f"/v1/predictions/default/{KNOWN}".encode(),
    b"/v1/predictions/predict/batch",
    b"/v1/predictions/batch/default",
    b"/v1/results",
    b"/predictions/batch",
    f"/predictions/{KNOWN}/predict".encode(),
]
GET_ROUTES = [b"/v1/fixtures", b"/v1/teams", b"/v1/predictions/models", b"/v1/predictions/health", b"/docs"]
FIELDS = [
    "match_id",
    "home_team",
    "away_team",
    "competition",
    "kickoff",
    "model_name",
    "features",
    "as_of",
    "explain",
    "requests",
    "results",
    "match_ids",
    "status",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from([KNOWN, "de.1", "Köln", "2021-05-22T12:00:00Z", "0001-01-01T00:00:00+14:00", "played"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner, max_size=5),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)

many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def send(method: str, path: bytes, **request):
    return asyncio.run(call(application_once(), method, path, **request))


@functools.cache
def application_once():
    return create_application(FakeBackend(), settings=settings_with())


def require_no_failure(sent) -> None:
    assert sent.status < 500
    assert sent.headers["x-request-id"]
    if sent.status >= 400:
        error = sent.json()
        assert set(error) == {"error", "message", "details", "request_id", "timestamp"}
        assert error["message"]
        assert len(error["message"]) < 1_000


@many
@given(route=st.sampled_from(BODY_ROUTES), body=st.binary(max_size=200), headers=st.sampled_from([JSON, []]))
@example(route=BODY_ROUTES[2], body=b'{"requests":[{"features":{"\\u0000":1e999}}]}', headers=JSON)
def test_random_bytes(route, body, headers):
    """A body of any bytes is answered."""
    require_no_failure(send("POST", route, headers=headers, chunks=[body]))


@many
@given(route=st.sampled_from(BODY_ROUTES), content=OBJECTS | VALUES)
def test_random_json(route, content):
    """JSON of any shape, with the fields of the contract in wrong places, is answered."""
    try:
        body = msgspec.json.encode(content)
    except UnicodeEncodeError:  # lone surrogates cannot be written by this encoder; random bytes cover them
        return
    require_no_failure(send("POST", route, headers=JSON, chunks=[body]))


@many
@given(items=st.lists(OBJECTS | LEAVES, min_size=1, max_size=5), route=st.sampled_from(BODY_ROUTES[2:4]))
def test_random_items_of_a_batch(items, route):
    """Each item gets one entry in its place, whatever it is."""
    sent = send("POST", route, headers=JSON, chunks=[msgspec.json.encode({"requests": items})])
    require_no_failure(sent)
    answer = sent.json()

    assert sent.status == 200
    assert len(answer["predictions"]) == answer["total_requests"] == len(items)
    assert answer["failed_predictions"] == len(answer["errors"])
    assert all(entry.get("request_index", index) == index for index, entry in enumerate(answer["predictions"]))


@many
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]) | st.text(max_size=10),
    prefix=st.sampled_from(
        [b"", b"/v1/", b"/v1/predictions/", b"/v1/predictions/models/", b"/v1/matches/", b"/predictions/"]
    ),
    rest=st.binary(max_size=80),
)
def test_random_paths(method, prefix, rest):
    """A path of any bytes is answered."""
    sent = send(method, prefix + rest)

    if method != "HEAD":
        require_no_failure(sent)


@many
@given(route=st.sampled_from(GET_ROUTES), query=st.binary(max_size=60))
def test_random_query_strings(route, query):
    """A query string of any bytes is answered."""
    require_no_failure(send("GET", route, query=query))


@many
@given(
    route=st.sampled_from(GET_ROUTES[:3]),
    name=st.sampled_from(["from", "to", "team", "competition", "limit", "offset", "model_type"]),
    value=st.text(max_size=30) | st.datetimes().map(str) | st.integers().map(str),
)
def test_random_parameters(route, name, value):
    """A known parameter of any text is answered."""
    try:
        query = f"{name}={quote(value)}".encode()
    except UnicodeEncodeError:
        return
    require_no_failure(send("GET", route, query=query))


@many
@given(
    headers=st.lists(
        st.tuples(st.sampled_from([b"content-type", b"content-length", b"x-request-id"]), st.binary(max_size=40))
    )
)
def test_random_headers(headers):
    """Headers of any bytes are answered."""
    require_no_failure(send("POST", BODY_ROUTES[0], headers=headers, chunks=[b"{}"]))


@pytest.mark.parametrize("depth", [10, 900, 20_000])
def test_nesting(depth):
    """Nesting of any depth is answered."""
    body = b'{"requests": [' + b"[" * depth + b"]" * depth + b"]}"
    require_no_failure(send("POST", BODY_ROUTES[2], headers=JSON, chunks=[body]))
