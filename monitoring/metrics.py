"""What Prometheus may know of the service, counted over all its workers.

Labels hold route templates, methods, statuses, models and versions only, so that
no caller can make them many. A request costs one addition: what a worker has
seen is handed on to Prometheus' numbers twice a second, for these are shared
with other processes and take thirty times as long to change.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from monitoring.model_numbers import GONE_AT_ZERO, ModelNumbers
from monitoring.quality_gauges import GONE, LIVE_SCORE, QualityGauges
from runners.degraded import Reason, name_of
from runners.queries import Forecast, PredictionQuery

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable in which BentoML names the folder where its workers keep their numbers."""

HANDED_ON_EVERY_S: Final = 0.5
LOG_RESULTS: Final = ("written", "known", "lost")
_BUCKETS_ROWS: Final = (1, 2, 4, 8, 16, 32, 64, 128)

_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class _Observed:
    """Hold the values of a histogram since they were last handed on."""

    __slots__ = ("_bounds", "by_bucket", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.by_bucket = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Take note of one value."""
        self.by_bucket[bisect_left(self._bounds, value)] += 1
        self.total += value

    def hand_on(self, histogram: Histogram) -> None:
        """Add the values to a histogram of the same buckets, and forget them."""
        histogram._sum.inc(self.total)  # noqa: SLF001 - the library can only observe values one at a time
        for bucket, count in zip(histogram._buckets, self.by_bucket, strict=True):  # noqa: SLF001 - the same
            if count:
                bucket.inc(count)
        self.__init__(self._bounds)  # type: ignore[misc]  # nothing seen is what the constructor makes


class _Seen:
    """Hold what was seen of one route, method and status since it was last handed on."""

    __slots__ = ("duration", "predictions", "requests")

    def __init__(self) -> None:
        self.requests, self.predictions = 0, 0
        self.duration = _Observed(_BUCKETS_S)


class Metrics:
    """Count what one worker does. Is the observer of the API.

    Args:
        codes: With which requests may be refused; each is shown from the beginning, at 0.

    Attributes:
        in_flight: Asked for the number of requests at work whenever numbers are handed on.
        others: Show numbers of their own beside these.
        media_type: Of the exposition.
    """

    media_type: Final = CONTENT_TYPE_LATEST

    def __init__(self, codes: Iterable[str] = ()) -> None:
        self._registry = CollectorRegistry()
        self.in_flight: Callable[[], int] = lambda: 0
        self.others: list[Collector] = []
        self._seen: dict[tuple[str, str, int], _Seen] = {}
        self._batch_rows, self._batch_wait = _Observed(_BUCKETS_ROWS), _Observed(_BUCKETS_S)
        self._refused: dict[str, int] = {}
        self._degraded: dict[str, int] = {}
        self._is_scheduled = False
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
        self.batch_rows = Histogram(
            "football_batch_rows",
            "Forecasts computed together.",
            buckets=_BUCKETS_ROWS,
            registry=self._registry,
        )
        self.batch_wait = Histogram(
            "football_batch_wait_seconds",
            "Time that the oldest question of a batch had waited.",
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self.predictions = Counter("football_predictions", "Forecasts sent.", ("route",), registry=self._registry)
        self.store_failures = Counter(
            "football_store_poll_failures", "Looks at the match store that failed.", registry=self._registry
        )
        self.logged = self._by_result(
            "football_prediction_log_rows",
            "Forecasts of matches to come that were logged: written, known already, or lost.",
            LOG_RESULTS,
        )
        self.quality = QualityGauges(self._registry)
        self._refusals = self._by("code", "football_refusals", "Requests refused, by code.", tuple(codes))
        self._at_work = Gauge(
            "football_in_flight_requests", "Requests at work.", multiprocess_mode="livesum", registry=self._registry
        )
        self._degraded_total = self._by(
            "reason",
            "football_degraded_forecasts",
            "Forecasts computed from less than they should be, by reason.",
            [reason.value for reason in Reason],
        )
        self.worker_restarts = Counter(
            "football_worker_restarts", "Workers that took the place of one that died.", registry=self._registry
        )
        self.models = ModelNumbers(self._registry)

    def _by_result(self, name: str, text: str, results: Sequence[str]) -> Counter:
        return self._by("result", name, text, results)

    def _by(self, label: str, name: str, text: str, values: Sequence[str]) -> Counter:
        """Return a counter that shows every value of its label from the beginning, at 0."""
        counter = Counter(name, text, (label,), registry=self._registry)
        for value in values:
            counter.labels(value)
        return counter

    def __call__(
        self, *, route: str, method: str, status: int, seconds: float, predictions: int, refused_as: str
    ) -> None:
        """Take note of one answered request."""
        if refused_as:
            self._refused[refused_as] = self._refused.get(refused_as, 0) + 1
        seen = self._seen.get((route, method, status))
        if seen is None:
            seen = self._seen[route, method, status] = _Seen()
        seen.requests += 1
        seen.predictions += predictions
        seen.duration.add(seconds)
        if not self._is_scheduled:
            self._schedule()

    def note_batch(self, rows: int, waited_s: float) -> None:
        """Take note of one batch of forecasts: its size, and the seconds that its oldest question waited."""
        self._batch_rows.add(rows)
        self._batch_wait.add(waited_s)
        if not self._is_scheduled:
            self._schedule()

    def note(self, forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery]) -> None:  # noqa: ARG002 - a ForecastLog's
        """Take note of a batch of forecasts that was computed: is a log of the API."""
        for forecast in forecasts:
            for told in forecast.degraded:
                name = name_of(told)
                self._degraded[name] = self._degraded.get(name, 0) + 1

    def hand_on(self) -> None:
        """Add what was seen to the numbers that all workers share."""
        seen, self._seen, self._is_scheduled = self._seen, {}, False
        for (route, method, status), sums in seen.items():
            self.requests.labels(route, method, status).inc(sums.requests)
            if sums.predictions:
                self.predictions.labels(route).inc(sums.predictions)
            sums.duration.hand_on(self.duration.labels(route))
        refused, self._refused = self._refused, {}
        for code, count in refused.items():
            self._refusals.labels(code).inc(count)
        degraded, self._degraded = self._degraded, {}
        for reason, count in degraded.items():
            self._degraded_total.labels(reason).inc(count)
        self._at_work.set(self.in_flight())
        self._batch_rows.hand_on(self.batch_rows)
        self._batch_wait.hand_on(self.batch_wait)

    def _schedule(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.hand_on()
        else:
            loop.call_later(HANDED_ON_EVERY_S, self.hand_on)
            self._is_scheduled = True

    def note_logged(self, result: str, rows: int) -> None:
        """Take note of forecasts that were to be logged, by one of ``LOG_RESULTS``."""
        self.logged.labels(result).inc(rows)

    def exposition(self) -> bytes:
        """Return the numbers in Prometheus' text format: of all workers, where they share a folder."""
        self.hand_on()
        shown = CollectorRegistry()
        # The library declares no types for it.
        shared = MultiProcessCollector(None) if os.environ.get(SHARED_FOLDER) else None  # type: ignore[no-untyped-call]
        shown.register(_Present(shared or self._registry))
        for other in self.others:
            shown.register(other)
        return generate_latest(shown)


class _Present(Collector):
    """Collect numbers, of all processes where they are shared, but for models and scores that all of them have let go."""

    def __init__(self, numbers: Collector) -> None:
        self._numbers = numbers

    def collect(self) -> Iterable[Metric]:
        """Return every metric."""
        for metric in self._numbers.collect():
            if metric.name in GONE_AT_ZERO:
                metric.samples = [sample for sample in metric.samples if sample.value]
            if metric.name == LIVE_SCORE:
                metric.samples = [sample for sample in metric.samples if sample.value != GONE]
            yield metric


def forget_process() -> None:
    """Take the gauges of this ending process out of the shared numbers; what it counted stays."""
    if os.environ.get(SHARED_FOLDER):
        mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]  # the library declares no types for it
