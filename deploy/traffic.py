"""How a server does under the requests it gets: what its own metrics say between two looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

_DURATION: Final = "football_request_duration_seconds_bucket"
_REQUESTS: Final = "football_requests_total"
_FAILED: Final = "500"


@dataclass(frozen=True, slots=True)
class Look:
    """Hold counts since a server was started.

    Attributes:
        answers: Requests answered.
        failures: Of these with status 500; a refusal under load is none.
        slower: Upper bound in seconds to the number of answers up to it; ``inf`` to all.
    """

    answers: float
    failures: float
    slower: Mapping[float, float]

    def since(self, earlier: Look) -> Look:
        """Return what was counted after an earlier look."""
        return Look(
            self.answers - earlier.answers,
            self.failures - earlier.failures,
            {bound: count - earlier.slower.get(bound, 0.0) for bound, count in self.slower.items()},
        )

    def quantile_s(self, share: float) -> float:
        """Return a bound below which that share of the answers was; 0 where nothing was answered.

        >>> Look(4, 0, {0.01: 2.0, 0.05: 4.0, float("inf"): 4.0}).quantile_s(0.75)
        0.05
        """
        total = max(self.slower.values(), default=0.0)
        within = [bound for bound, count in self.slower.items() if total > 0.0 and count >= share * total]
        return min(within, default=0.0)


def look(url: str, token: str = "") -> Look:
    """Read the metrics of a server, with a key where it asks for one. Raises httpx.HTTPError if it does not give them."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(f"{url}/metrics", headers=headers, timeout=5.0, trust_env=False).raise_for_status()
    return read(answer.text)


def read(exposition: str) -> Look:
    """Return what an exposition says of requests, all routes together."""
    answers = failures = 0.0
    slower: dict[float, float] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name == _REQUESTS:
                answers += sample.value
                failures += sample.value * (sample.labels["status"] == _FAILED)
            elif sample.name == _DURATION:
                bound = float(sample.labels["le"])
                slower[bound] = slower.get(bound, 0.0) + sample.value
    return Look(answers, failures, slower)
