"""Traces of requests, sent to an OpenTelemetry collector; imported only where one is configured.

A span is made when a request has been answered, with the times that it had: nothing is carried along while it is at work, and
nothing of it waits for the collector. What the collector does not take is dropped by the exporter's queue.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_FIRST_FAILURE: Final = 500
_CARRIED: Final = frozenset({b"traceparent", b"tracestate"})
_CONTEXT: Final = TraceContextTextMapPropagator()
_NO_CONTEXT: Final = Context()


class Traces:
    """Send a span for each request. OpenTelemetry's own environment variables say where to, which, and as whose.

    A caller's ``traceparent`` is continued, and his decision whether to sample is followed.
    """

    def __init__(self) -> None:
        os.environ.setdefault("OTEL_SERVICE_NAME", "football")
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("football")

    def note(
        self,
        headers: Sequence[tuple[bytes, bytes]],
        *,
        request_id: str,
        route: str,
        method: str,
        status: int,
        seconds: float,
        predictions: int,
        refused_as: str,
    ) -> None:
        """Take note of a request that was answered just now; the rest is as the API's ``Observer`` has it."""
        ended_ns = time.time_ns()
        span = self._tracer.start_span(
            f"{method} {route}",
            _context_of(headers),
            SpanKind.SERVER,
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "football.request_id": request_id,
                "football.predictions": predictions,
                **({"error.type": refused_as} if refused_as else {}),
            },
            start_time=ended_ns - int(seconds * 1e9),
        )
        if status >= _FIRST_FAILURE:
            span.set_status(StatusCode.ERROR)
        span.end(ended_ns)

    def close(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()


def _context_of(headers: Sequence[tuple[bytes, bytes]]) -> Context:
    carried = {name.decode(): value.decode("latin-1") for name, value in headers if name in _CARRIED}
    return _CONTEXT.extract(carried, _NO_CONTEXT) if carried else _NO_CONTEXT
