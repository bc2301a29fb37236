"""What Prometheus may know of the service, counted over all its workers.

Labels hold route templates, models and versions only, so that no caller can
make them many.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable in which BentoML names the folder where its workers keep their numbers."""

_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """Count what one worker does. Is the observer of the API."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "football_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self.duration = Histogram(
            "football_request_duration_seconds",
            "Time from the head of a request to its answer.",
            ("route",),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self.predictions = Counter("football_predictions", "Forecasts sent.", ("route",), registry=self._registry)
        self.store_failures = Counter(
            "football_store_poll_failures", "Looks at the match store that failed.", registry=self._registry
        )
        self.model = Gauge(
            "football_model_info",
            "1 for each served model; trained_until is the first day it has not learned from.",
            ("name", "version", "model_type", "trained_until"),
            multiprocess_mode="livemax",
            registry=self._registry,
        )
        self.newest_result = Gauge(
            "football_newest_result_timestamp_seconds",
            "Kick-off of the newest result that the slowest worker knows.",
            multiprocess_mode="livemin",
            registry=self._registry,
        )
        self.refused = Gauge(
            "football_models_refused",
            "Models that failed their checks and are not served.",
            multiprocess_mode="livemax",
            registry=self._registry,
        )

    def __call__(self, *, route: str, method: str, status: int, seconds: float, predictions: int) -> None:
        """Take note of one answered request."""
        self.requests.labels(route, method, status).inc()
        self.duration.labels(route).observe(seconds)
        if predictions:
            self.predictions.labels(route).inc(predictions)

    def note_model(self, *, name: str, version: str, model_type: str, trained_until: dt.datetime) -> None:
        """Take note of a served model."""
        self.model.labels(name, version, model_type, trained_until.date().isoformat()).set(1)

    def note_newest_result(self, kickoff_s: int) -> None:
        """Take note of the newest result known, by its kick-off in seconds since 1970-01-01."""
        self.newest_result.set(kickoff_s)

    def exposition(self) -> bytes:
        """Return the numbers in Prometheus' text format: of all workers, where they share a folder."""
        registry = self._registry
        if os.environ.get(SHARED_FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library declares no types for it
        return generate_latest(registry)


def forget_process() -> None:
    """Take the gauges of this ending process out of the shared numbers; what it counted stays."""
    if os.environ.get(SHARED_FOLDER):
        mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]  # the library declares no types for it
