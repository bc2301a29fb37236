"""Limits and dates of the HTTP API. Read nowhere; the caller hands them in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

HIGHEST_BATCH_SIZE = 1_000

_RANGE_ERROR = "{name} is {given!r}, expected {lowest} to {highest}"


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Hold the limits of the API and the two dates of the old one.

    Attributes:
        old_api_deprecated_at: Aware; since when callers are told to move.
        old_api_ends_at: Aware; from then on the old API answers 410.
        max_batch_size: Requests in one batch, 1 to 1,000.
        max_results: Rows in one POST /v1/results, 1 to 10,000.
        max_body_bytes: Longer bodies are answered with 413 and not read to their end.
        deadline_s: Seconds a prediction may take before it is answered with 504.
        body_timeout_s: Seconds that a body may take to come to its end before it is answered with 408.
        results_deadline_s: The same for POST /v1/results, which writes to the store.
        retry_after_s: What 503 answers tell the caller to wait.
        default_page_size: Matches on a page of fixtures when the caller does not say.
        max_page_size: Matches on a page of fixtures at most.
        cache_ttl_s: Seconds for which an answer may be sent again, give or take a tenth.
        most_in_flight: Requests at work at once in a worker; more are answered 503.
        logs_every_request: Whether requests that were answered well are written to the access log too.

    Raises:
        ValueError: If a limit is out of range or a date has no time zone.
    """

    old_api_deprecated_at: dt.datetime
    old_api_ends_at: dt.datetime
    max_batch_size: int = 100
    max_results: int = 1_000
    max_body_bytes: int = 1_048_576
    deadline_s: float = 2.0
    body_timeout_s: float = 5.0
    results_deadline_s: float = 30.0
    retry_after_s: int = 5
    default_page_size: int = 100
    max_page_size: int = 1_000
    cache_ttl_s: float = 300.0
    logs_every_request: bool = False
    most_in_flight: int = 2_048

    def __post_init__(self) -> None:
        _require("max_batch_size", self.max_batch_size, 1, HIGHEST_BATCH_SIZE)
        _require("most_in_flight", self.most_in_flight, 1, 100_000)
        _require("max_results", self.max_results, 1, 10_000)
        _require("max_body_bytes", self.max_body_bytes, 1, 2**30)
        _require("deadline_s", self.deadline_s, 0.001, 600)
        _require("body_timeout_s", self.body_timeout_s, 0.001, 600)
        _require("results_deadline_s", self.results_deadline_s, 0.001, 600)
        _require("cache_ttl_s", self.cache_ttl_s, 0.1, 86_400)
        _require("retry_after_s", self.retry_after_s, 1, 3_600)
        _require("default_page_size", self.default_page_size, 1, self.max_page_size)
        for name in ("old_api_deprecated_at", "old_api_ends_at"):
            if getattr(self, name).tzinfo is None:
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected a time with a zone, such as ...+00:00")


def _require(name: str, given: float, lowest: float, highest: float) -> None:
    if not lowest <= given <= highest:
        raise ValueError(_RANGE_ERROR.format(name=name, given=given, lowest=lowest, highest=highest))
