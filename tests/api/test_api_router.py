"""Paths and methods."""

from __future__ import annotations

import pytest
from api_harness import call
from fake_backend import KNOWN

from api.catalogue import MATCH
from api.router import RESERVED_MODEL_NAMES, Route, Router


async def unused(call):
    raise AssertionError("unreachable")


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/predictions/predict", 405, "POST"),
        ("GET", f"/v1/predictions/default/{KNOWN}", 405, "POST"),
        ("POST", "/v1/predictions/models", 405, "GET, HEAD"),
        ("POST", "/v1/predictions/models/default", 405, "GET, HEAD"),
        ("DELETE", "/v1/results", 405, "POST"),
        ("OPTIONS", "/v1/fixtures", 405, "GET, HEAD"),
        ("BREW", "/docs", 405, "GET, HEAD"),
        ("POST", "/v1/predictions/default", 404, None),
        ("POST", "/v1/predictions/default/x/y", 404, None),
        ("POST", "/v1/predictions/predict/x", 404, None),
        ("POST", "/v1/predictions/health/x", 404, None),
        ("GET", "/v1/predictions/models/default/reload", 405, "POST"),
        ("POST", "/v1/predictions/models/cache/reload", 404, None),
        ("GET", "/v1/predictions/cache/nothing", 404, None),
        ("GET", "/v1/predictions/hot-reload/start", 405, "POST"),
        ("POST", "/v1/predictions/hot-reload/default", 404, None),
        ("POST", "/v1/predictions/hot-reload/force/stats", 404, None),
        ("POST", "/v1/predictions/batch/stats", 404, None),
        ("GET", "/v1/predictions/models/cache", 404, None),
        ("GET", "/v1/fixtures/", 404, None),
        ("POST", "/v1/predictions/default/", 404, None),
        ("POST", "/v1/predictions//x", 404, None),
        ("GET", "/predictions", 404, None),
        ("GET", "/v1", 404, None),
    ],
)
async def test_unknown_paths_and_methods(application, method, path, status, allow):
    """Fixed segments win, words of the API are no model names, a trailing slash is another path, 405 says what is allowed."""
    sent = await call(application, method, path.encode())

    assert sent.status == status
    assert sent.headers.get("allow") == allow
    assert sent.json()["error"] == ("METHOD_NOT_ALLOWED" if status == 405 else "NOT_FOUND")


@pytest.mark.parametrize("word", sorted(RESERVED_MODEL_NAMES))
async def test_words_of_the_api_name_no_model(application, backend, word):
    """A reserved word in the place of a model's name predicts nothing; batch is a route, and misses its body."""
    sent = await call(application, "POST", f"/v1/predictions/{word}/{KNOWN}".encode())

    assert sent.status == {"batch": 400, "models": 405}.get(word, 404)
    assert backend.batches == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/v1/matches/a%2Fb%20%C3%BC", 200),
        (b"/v1/matches/a%2fb%20%c3%bc", 200),
        (b"/%76%31/competitions", 200),
        (b"/v1/matches/a/b%20%C3%BC", 404),
        (b"/v1/matches/%ff", 404),
        (b"/v1/matches/\xff", 404),
        (b"/v1/matches/%", 404),
        (b"/v1/matches/%zz", 404),
        (b"/v1/matches/%00", 404),
        (b"/v1/matches/" + b"x" * 65, 422),
        (b"/v1/predictions/models/a%20b", 422),
        (b"/v1/predictions/models/default%0a", 422),
        (b"/v1/predictions/models/" + b"x" * 65, 422),
        (b"*", 404),
        (b"", 404),
    ],
)
async def test_percent_encoding(application, path, status):
    """Segments are decoded after the split; what is not UTF-8 is no path; what no id can be is refused."""
    sent = await call(application, "GET", path)

    assert sent.status == status


async def test_head_is_answered_as_get_without_the_body(application):
    """HEAD gives the headers of GET, its length included."""
    get = await call(application, "GET", b"/v1/competitions")
    head = await call(application, "HEAD", b"/v1/competitions")

    assert head.status == 200
    assert head.body == b""
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))


async def test_a_scope_without_the_raw_path_is_routed_by_its_path(application):
    """Some servers do not pass the path as sent."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await application({"type": "http", "method": "GET", "path": "/v1/teams", "headers": []}, receive, send)

    assert sent[0]["status"] == 200


async def test_a_websocket_is_closed(application):
    """Nothing but HTTP is spoken here."""
    sent = []

    async def send(message):
        sent.append(message)

    await application({"type": "websocket", "path": "/v1/fixtures"}, None, send)

    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_the_lifespan_is_acknowledged(application):
    """The application can be served on its own."""
    waiting = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message["type"])

    await application({"type": "lifespan"}, receive, send)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_one_place_has_one_parameter():
    """Two names for one parameter would hide each other, so the table of routes refuses them."""
    routes = [Route("GET", "/a/{match_id}", unused, MATCH), Route("GET", "/a/{team}", unused, MATCH)]

    with pytest.raises(ValueError, match="match_id"):
        Router(routes)
