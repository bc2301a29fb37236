"""The hooks through which monitoring sees requests, without the API knowing monitoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from runners.queries import Forecast, PredictionQuery


class Observer(Protocol):
    """Be told of each request once it is answered. What it raises is logged and harms no request."""

    def __call__(
        self, *, route: str, method: str, status: int, seconds: float, predictions: int, refused_as: str
    ) -> None:
        """Take note of one request; ``route`` is the template and ``refused_as`` a code, so that their values are few."""
        ...


def unobserved(*, route: str, method: str, status: int, seconds: float, predictions: int, refused_as: str) -> None:
    """Take no note."""


class Tracer(Protocol):
    """Be told of each request once it is answered, with the headers that it came with. What it raises is as an ``Observer``'s."""

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
        """Take note of one request."""
        ...


class Recorder(Protocol):
    """Be told of each request for predictions that was answered well. Must not raise."""

    def note(self, body: bytes, parameters: Mapping[str, str], answer: bytes) -> None:
        """Take note of what was asked, in the body and in the URL, and of what was answered."""
        ...


class ForecastLog(Protocol):
    """Be told of each batch of forecasts that was computed for an answer. Must not raise."""

    def note(self, forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery]) -> None:
        """Take note of forecasts, and of the queries that they answer."""
        ...
