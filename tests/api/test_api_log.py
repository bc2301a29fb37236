"""The access log and the observer."""

from __future__ import annotations

import logging

import pytest
from api_harness import call, client_of, settings_with
from fake_backend import KNOWN, FakeBackend

from api.application import create_application


class Notes:
    """Keep what an observer is told."""

    def __init__(self) -> None:
        self.taken = []

    def __call__(self, *, route, method, status, seconds, predictions, refused_as):
        assert bool(refused_as) == (status >= 400 and status != 499)
        assert seconds > 0
        self.taken.append((method, route, status, predictions))


REQUESTS = [
    ("POST", f"/v1/predictions/default/{KNOWN}", None, ("/v1/predictions/{model_name}/{match_id}", 200, 1)),
    ("POST", "/v1/predictions/default/nope", None, ("/v1/predictions/{model_name}/{match_id}", 404, 1)),
    ("POST", "/v1/predictions/predict/batch", {"requests": [1, 2]}, ("/v1/predictions/predict/batch", 200, 2)),
    ("POST", "/predictions/batch", {"match_ids": [1, 2, 3]}, ("/predictions/batch", 200, 3)),
    ("HEAD", "/v1/competitions", None, ("/v1/competitions", 200, 0)),
    ("GET", "/v1/results", None, ("/v1/results", 405, 0)),
    ("GET", "/v1/nothing", None, ("unmatched", 404, 0)),
]


@pytest.mark.parametrize(("method", "path", "body", "noted"), REQUESTS)
async def test_each_request_is_noted_once(method, path, body, noted, caplog):
    """Log and observer get the template of the route, never the path or the body."""
    notes = Notes()
    settings = settings_with(logs_every_request=True)
    application = create_application(FakeBackend(), settings=settings, observer=notes)
    async with client_of(application) as client:
        with caplog.at_level(logging.INFO, "football.access"):
            response = await client.request(method, path, json=body, headers={"X-Request-ID": "id-1"})
    (record,) = [record for record in caplog.records if record.name == "football.access"]

    assert notes.taken == [(method, *noted)]
    assert (record.method, record.route, record.status, record.predictions) == (method, *noted)
    assert (record.request_id, response.headers["x-request-id"]) == ("id-1", "id-1")
    assert record.duration_ms > 0
    assert KNOWN not in record.getMessage()


async def test_only_failures_are_logged_unless_all_are_wanted(caplog):
    """An answer without fault is counted and not logged, for writing the line costs as much as the answer."""
    notes = Notes()
    async with client_of(create_application(FakeBackend(), settings=settings_with(), observer=notes)) as client:
        with caplog.at_level(logging.INFO, "football.access"):
            await client.post(f"/v1/predictions/default/{KNOWN}")
            await client.post("/v1/predictions/default/nope")

    assert [record.status for record in caplog.records if record.name == "football.access"] == [404]
    assert [status for _, _, status, _ in notes.taken] == [200, 404]


async def test_a_caller_who_leaves_is_noted(application_with_notes):
    """A request that was never complete is noted as 499, which is never sent."""
    application, notes = application_with_notes
    await call(application, "POST", b"/v1/predictions/predict", chunks=[])

    assert notes.taken == [("POST", "/v1/predictions/predict", 499, 0)]


async def test_an_observer_that_fails_harms_no_request(caplog):
    """The answer is given, the failure is logged."""

    def broken(**_):
        raise RuntimeError("no disk")

    application = create_application(FakeBackend(), settings=settings_with(), observer=broken)
    async with client_of(application) as client:
        response = await client.get("/v1/competitions")

    assert response.status_code == 200
    assert "observer failed" in caplog.text


@pytest.fixture
def application_with_notes():
    notes = Notes()
    return create_application(FakeBackend(), settings=settings_with(), observer=notes), notes
