"""Bodies: limits, media types and what is no JSON."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from api_harness import call, settings_with
from fake_backend import KNOWN

from api.application import create_application

PREDICT = b"/v1/predictions/predict"
JSON = [(b"content-type", b"application/json")]
BODY = f'{{"match_id": "{KNOWN}"}}'.encode()


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=utf-8",
        b'application/json;charset="UTF-8"',
        b" application/json ",
    ],
)
async def test_json_is_accepted_however_it_is_declared(application, content_type):
    """The media type is read as HTTP says: case does not matter, UTF-8 may be named."""
    sent = await call(application, "POST", PREDICT, headers=[(b"content-type", content_type)], chunks=[BODY])

    assert sent.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-type", b"text/json")],
        [(b"content-type", b"application/json; charset=latin-1")],
        [(b"content-type", b"application/jsonp")],
        [(b"content-type", b"\xff")],
        [*JSON, (b"content-encoding", b"gzip")],
    ],
)
async def test_other_media_types_are_refused(application, headers):
    """A body that is not declared as plain JSON in UTF-8 is not looked at."""
    sent = await call(application, "POST", PREDICT, headers=headers, chunks=[BODY])

    assert (sent.status, sent.json()["error"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_an_empty_body_needs_no_media_type(application):
    """Where a body is optional, sending none is enough, whatever the headers say."""
    path = f"/v1/predictions/default/{KNOWN}".encode()
    sent = await call(application, "POST", path, headers=[(b"content-type", b"text/plain")])

    assert sent.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"match_id": NaN}',
        b'{"features": {"elo_home": NaN}}',
        b'{"features": {"elo_home": -Infinity}}',
        b'{"match_id": "\\ud800"}',
        b'{"match_id": "\xff"}',
        b'{"match_id": "a"} trailing',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"[" * 100_000,
        b'{"surprise": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"surprise": 1, nonsense',
    ],
)
async def test_what_is_no_json_is_called_so(application, body):
    """Malformed text, text that is not UTF-8 and bottomless nesting are 400, even where a schema would object too."""
    sent = await call(application, "POST", PREDICT, headers=JSON, chunks=[body])

    assert (sent.status, sent.json()["error"]) == (400, "INVALID_JSON")


async def test_a_number_of_absurd_length_is_refused(application):
    """An integer too long for any reader is refused, not a crash."""
    sent = await call(application, "POST", PREDICT, headers=JSON, chunks=[b'{"match_id": ' + b"1" * 5_000 + b"}"])

    assert sent.status == 422


async def test_a_long_unknown_name_is_not_repeated_in_full(application):
    """The message stays short however long the field's name is."""
    sent = await call(application, "POST", PREDICT, headers=JSON, chunks=[b'{"' + b"x" * 100_000 + b'": 1}'])

    assert sent.status == 422
    assert len(sent.body) < 1_000


@pytest.fixture
def small(backend):
    return create_application(backend, settings=settings_with(max_body_bytes=100))


async def test_a_body_of_exactly_the_limit_is_read(small):
    """The limit itself is allowed."""
    sent = await call(small, "POST", PREDICT, headers=JSON, chunks=[BODY.ljust(100)])

    assert sent.status == 200


@pytest.mark.parametrize("declared", [b"101", b"9" * 5_000])
async def test_a_declared_length_is_refused_unread(small, declared):
    """A body that announces itself as too long is not read at all."""
    sent = await call(small, "POST", PREDICT, headers=[*JSON, (b"content-length", declared)], chunks=[BODY])

    assert (sent.status, sent.unread) == (413, 1)


async def test_a_body_in_chunks_is_read_no_further_than_the_limit(small):
    """Reading stops with the chunk that passes the limit."""
    sent = await call(small, "POST", PREDICT, headers=JSON, chunks=[b" " * 40] * 10)

    assert (sent.status, sent.json()["error"]) == (413, "BODY_TOO_LARGE")
    assert sent.unread == 7


async def test_a_body_may_come_in_pieces(small):
    """Chunks are joined before they are read."""
    sent = await call(small, "POST", PREDICT, headers=JSON, chunks=[BODY[:7], b"", BODY[7:]])

    assert sent.status == 200


async def test_a_caller_who_leaves_is_not_answered(application):
    """A connection that closes within the body gets no answer, and nothing fails."""
    sent = await call(application, "POST", PREDICT, headers=JSON, chunks=[])

    assert sent.is_silent


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PREDICT, b'{"match_id":"%b","match_id":"other"}' % KNOWN.encode()),
        (PREDICT, b'{"match_id":"%b","features":{"elo_difference":1.0,"elo_difference":2}}' % KNOWN.encode()),
        (PREDICT, b'{"match_id":"%b","match\\u005fid":"other"}' % KNOWN.encode()),
        (b"/v1/predictions/predict/batch", b'{"requests":[{"match_id":"a"},{"match_id":"a","match_id":"b"}]}'),
        (b"/v1/results", b'{"results":[{"match_id":"a","status":"played","status":"awarded"}]}'),
    ],
)
async def test_an_object_that_names_a_field_twice_is_refused(application, path, body):
    """
    Readers differ in which of the two they believe, so neither is; also where one of them is written with an escape.
    """
    sent = await call(application, "POST", path, headers=JSON, chunks=[body])

    assert (sent.status, sent.json()["error"]) == (400, "INVALID_JSON")
    assert "twice in one object" in sent.json()["message"]


async def test_numbers_and_names_of_any_length_are_no_reason_to_fail(application):
    """
    What is read for its names only is not read for its numbers: 5,000 digits are a feature out of range, as ever.
    """
    body = b'{"match_id":"%b","features":{"elo_difference":%b}}' % (KNOWN.encode(), b"1" * 5_000)
    sent = await call(application, "POST", PREDICT, headers=JSON, chunks=[body])

    assert sent.status == 422


async def test_a_body_that_never_ends_is_answered_in_time_and_its_connection_closed(backend):
    """
    Three bytes, and then nothing.
    """
    slow = create_application(backend, settings=settings_with(body_timeout_s=0.05))
    sent, pieces = [], [b'{"m']

    async def receive():
        if not pieces:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": pieces.pop(), "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PREDICT.decode(), "raw_path": PREDICT, "query_string": b""}
    await slow(scope | {"headers": JSON}, receive, send)

    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert msgspec.json.decode(sent[1]["body"])["error"] == "BODY_TIMEOUT"
    assert slow.in_flight == 0
