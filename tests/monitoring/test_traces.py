"""Each request is a span at a real collector, where one is configured; where none is, nothing of it is even imported."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from api_harness import client_of, settings_with
from fake_backend import KNOWN, FakeBackend

from api.application import create_application
from monitoring.traces import Traces
from worker import TRACES_GO_TO, traces_of

TRACE, PARENT = "0af7" * 8, "b7ad" * 4
PREDICT = "/v1/predictions/predict"


class Collector(HTTPServer):
    """Takes what is exported to it, as protobuf over HTTP; or refuses it."""

    def __init__(self, status: int = 200) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.status = status
        super().__init__(("127.0.0.1", 0), Taking)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.status == 200:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {one.key: one.value.string_value for one in resource.resource.attributes}
                self.server.services.add(named["service.name"])
                self.server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector(monkeypatch) -> Iterator[Collector]:
    """One that is configured as OpenTelemetry's documentation says."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "football-test")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def ask(traces: Traces, *asked: tuple[str, str, dict | None, dict]) -> list:
    """Ask a service that is traced, and return the answers once the collector has the spans."""
    async with client_of(create_application(FakeBackend(), settings=settings_with(), tracer=traces)) as client:
        answers = [
            await client.request(method, path, json=body, headers=headers) for method, path, body, headers in asked
        ]
    traces.close()
    return answers


def attributes(span: Span) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


async def test_a_request_is_a_span_that_continues_the_callers_trace(collector):
    """
    Named by method and route; with the id that the answer has, and the times that it took; a refused one has its code.
    """
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    good, bad = await ask(
        traces_of(), ("POST", PREDICT, {"match_id": KNOWN}, headers), ("GET", "/v1/matches/none", None, {})
    )

    first, second = sorted(collector.spans, key=lambda span: span.start_time_unix_nano)
    assert collector.services == {"football-test"}
    assert (first.name, second.name) == (f"POST {PREDICT}", "GET /v1/matches/{match_id}")
    assert first.kind == Span.SPAN_KIND_SERVER
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    assert second.trace_id.hex() != TRACE
    assert not second.parent_span_id
    assert 0 < first.end_time_unix_nano - first.start_time_unix_nano < 10e9
    told = attributes(first)
    assert told["football.request_id"] == good.headers["x-request-id"]
    assert (told["http.response.status_code"], told["football.predictions"]) == (200, 1)
    assert "error.type" not in told
    assert attributes(second)["error.type"] == bad.json()["error"]
    assert second.status.code == Status.STATUS_CODE_UNSET  # the caller's mistake


async def test_a_caller_who_does_not_sample_is_followed(collector):
    """
    And nonsense where a trace should be begins a new one.
    """
    await ask(
        Traces(),
        ("GET", "/v1/competitions", None, {"traceparent": f"00-{TRACE}-{PARENT}-00"}),
        ("GET", "/v1/competitions", None, {"traceparent": "00-zz"}),
    )

    (span,) = collector.spans
    assert not span.parent_span_id


async def test_a_collector_that_refuses_harms_no_request(collector, caplog):
    """
    All are answered; that spans could not be sent is said.
    """
    collector.status = 400

    answers = await ask(Traces(), *[("GET", "/v1/competitions", None, {})] * 3)

    assert [answer.status_code for answer in answers] == [200] * 3
    assert "Failed to export" in caplog.text


def test_without_a_collector_there_are_no_traces(monkeypatch):
    """
    Nobody is asked for any.
    """
    for name in TRACES_GO_TO:
        monkeypatch.delenv(name, raising=False)

    assert traces_of() is None
