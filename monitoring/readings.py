"""What happened between two looks at a service's metrics: rates, quantiles, and where things stand."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from prometheus_client.parser import text_string_to_metric_families

_BUCKET: Final = "le"


class NotMetrics(ValueError):
    """Say that a text is not what a service of ours tells of itself."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one number and its labels."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what the metrics said at an instant.

    Attributes:
        at_s: By a clock that never goes back.
        samples: By name, with the ``_total``, ``_bucket``, ``_sum`` or ``_count`` that it ends in.
    """

    at_s: float
    samples: Mapping[str, list[Sample]]

    @classmethod
    def of(cls, text: str, *, at_s: float) -> Self:
        """Read Prometheus' text format. Raises NotMetrics."""
        samples: dict[str, list[Sample]] = defaultdict(list)
        try:
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    samples[sample.name].append(Sample(sample.labels, sample.value))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise NotMetrics(f"given a text that is not in Prometheus' format: {error}") from error
        if "football_requests_total" not in samples and "football_in_flight_requests" not in samples:
            raise NotMetrics("given the metrics of another service: none is called football_in_flight_requests")
        return cls(at_s, dict(samples))

    def values(self, name: str, by: str, **only: str) -> dict[str, float]:
        """Return the sum of a metric's samples for each value of a label, among those that have the labels ``only``."""
        sums: dict[str, float] = defaultdict(float)
        for sample in self.samples.get(name, []):
            if only.items() <= sample.labels.items():
                sums[sample.labels.get(by, "")] += sample.value
        return dict(sums)

    def value(self, name: str) -> float | None:
        """Return a metric without labels, or the sum over its labels; None if it is not told."""
        found = self.samples.get(name)
        return math.fsum(sample.value for sample in found) if found else None

    def labelled(self, name: str) -> list[Sample]:
        """Return the samples of a metric."""
        return self.samples.get(name, [])


@dataclass(frozen=True, slots=True)
class Span:
    """Hold two looks at one service, the earlier first.

    A counter that has fallen began anew: then all that it says now came between.
    """

    before: Reading
    after: Reading

    @property
    def seconds(self) -> float:
        """Return how far apart they are."""
        return self.after.at_s - self.before.at_s

    def growth(self, name: str, by: str, **only: str) -> dict[str, float]:
        """Return how much a counter grew, for each value of a label, among samples that have the labels ``only``."""
        earlier, later = (reading.values(name, by, **only) for reading in (self.before, self.after))
        return {value: _grown(earlier.get(value, 0.0), count) for value, count in later.items()}

    def total(self, name: str, **only: str) -> float:
        """Return how much a counter grew over all labels."""
        return math.fsum(self.growth(name, "", **only).values())

    def per_s(self, name: str, **only: str) -> float:
        """Return the mean growth of a counter a second."""
        return self.total(name, **only) / self.seconds if self.seconds > 0.0 else 0.0

    def mean(self, name: str, **only: str) -> float | None:
        """Return the mean of what a histogram saw; None if it saw nothing."""
        seen = self.total(f"{name}_count", **only)
        return self.total(f"{name}_sum", **only) / seen if seen else None

    def quantile(self, name: str, share: float, **only: str) -> float | None:
        """Return the value that a share of what a histogram saw lies below; None if it saw nothing.

        As Prometheus' ``histogram_quantile``: in proportion within a bucket, and the greatest bound where it lies above.
        """
        grown = self.growth(f"{name}_bucket", _BUCKET, **only)
        return quantile_of({float(bound): count for bound, count in grown.items()}, share)


def quantile_of(buckets: Mapping[float, float], share: float) -> float | None:
    """Return a quantile of a histogram.

    Args:
        buckets: Upper bound to how many values lie at or below it; the last bound is infinite.
        share: Within (0, 1).

    >>> quantile_of({0.1: 50.0, 0.2: 100.0, math.inf: 100.0}, 0.75)
    0.15
    """
    bounds = sorted(buckets)
    if not bounds or not buckets[bounds[-1]]:
        return None
    wanted = share * buckets[bounds[-1]]
    below, counted = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            if math.isinf(bound):
                return below
            return round(below + (bound - below) * (wanted - counted) / (buckets[bound] - counted), 12)
        below, counted = bound, buckets[bound]
    return below


def share_of(parts: Mapping[str, float], wanted: Iterable[str]) -> float | None:
    """Return what share of all parts the wanted ones are; None if there is nothing.

    >>> share_of({"hit": 3.0, "miss": 1.0}, ["hit"])
    0.75
    """
    whole = math.fsum(parts.values())
    return math.fsum(parts.get(name, 0.0) for name in wanted) / whole if whole else None


def _grown(earlier: float, later: float) -> float:
    return later - earlier if later >= earlier else later
