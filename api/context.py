"""What every handler works with, and the way in which it asks the backend."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from api.counters import Counters
from api.deadlines import Deadlines
from api.settings import ApiSettings
from runners.backend import Backend
from runners.errors import PredictionFailure
from runners.queries import Forecast, PredictionQuery, Writer

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Context:
    """Hold the backend, the settings, this worker's counters and the timer of its deadlines."""

    backend: Backend
    settings: ApiSettings
    counters: Counters
    deadlines: Deadlines = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deadlines", Deadlines(self.settings.deadline_s))

    async def forecasts(self, queries: Sequence[PredictionQuery]) -> list[Forecast | PredictionFailure]:
        """Answer queries in order with one call of the backend, within the deadline; raises as ``written`` does."""
        return await self.written(queries, _as_they_are)

    async def written(self, queries: Sequence[PredictionQuery], writer: Writer[W]) -> list[W | PredictionFailure]:
        """Answer queries in order with what a writer makes of the forecasts, within the deadline.

        Raises:
            Refusal: 504 if the deadline passed.
            RuntimeError: If the backend did not answer each query once.
        """
        deadline = time.monotonic() + self.settings.deadline_s
        answers = await self.deadlines.within(self.backend.written(queries, writer, deadline=deadline))
        if len(answers) != len(queries):
            raise RuntimeError(f"the backend gave {len(answers)} answers to {len(queries)} queries")
        return answers

    def counting(self, asked: int) -> Counting:
        """Count forecasts that are asked for; its ``succeeded`` is to be set, and is none if it never is."""
        return Counting(self.counters, asked)


def _as_they_are(forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery]) -> Sequence[Forecast]:  # noqa: ARG001 - a writer is told both
    return forecasts


class Counting:
    """Count the forecasts of one call when it ends, however it ends."""

    __slots__ = ("_asked", "_counters", "_started", "succeeded")

    def __init__(self, counters: Counters, asked: int) -> None:
        self._counters, self._asked = counters, asked
        self.succeeded = 0

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        milliseconds = (time.perf_counter() - self._started) * 1e3
        self._counters.count(succeeded=self.succeeded, failed=self._asked - self.succeeded, milliseconds=milliseconds)
