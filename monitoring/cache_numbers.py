"""What Prometheus may know of the cache, over all workers of a server: the cache counts, this only shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class CacheNumbers(Collector):
    """Show the numbers of a cache as metrics.

    Args:
        counted: Asked each time; gives hits, misses and troubles since the server started, all workers together, as
            attributes.
    """

    def __init__(self, counted: Callable[[], Any]) -> None:
        self._counted = counted

    def collect(self) -> Iterable[Metric]:
        """Return every metric."""
        told = self._counted()
        looked_up = {"memory_hit": told.memory_hits, "redis_hit": told.redis_hits, "miss": told.misses}
        yield _counter("football_cache_lookups", "Answers looked up, by where they were found.", "result", looked_up)
        troubles = {"unanswered": told.errors, "not_written": told.dropped_writes}
        yield _counter(
            "football_cache_redis_troubles", "Questions and values that Redis did not take.", "what", troubles
        )
        yield _counter("football_cache_odd_values", "Values in Redis that were not used.", "reason", told.odd_values)
        healthy = GaugeMetricFamily(
            "football_cache_healthy", "1 while Redis is in use by this worker, or none is wanted."
        )
        healthy.add_metric([], float(told.is_healthy))
        yield healthy


def _counter(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
