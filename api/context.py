"""What every handler works with, and the two ways in which it asks the backend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from api.counters import Counters
from api.errors import Code, Refusal
from api.settings import ApiSettings
from runners.backend import Backend
from runners.errors import PredictionFailure
from runners.queries import Forecast, PredictionQuery

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """Hold the backend, the settings and this worker's counters."""

    backend: Backend
    settings: ApiSettings
    counters: Counters

    async def forecasts(self, queries: Sequence[PredictionQuery]) -> tuple[list[Forecast | PredictionFailure], float]:
        """Answer queries in order with one call of the backend, counted and within the deadline.

        Returns:
            The answers and the milliseconds that they took together.

        Raises:
            Refusal: 504 if the deadline passed.
            RuntimeError: If the backend did not answer each query once.
        """
        started = time.perf_counter()
        succeeded = 0
        milliseconds = 0.0
        try:
            answers = await within(self.settings.deadline_s, self.backend.predict(queries))
            milliseconds = (time.perf_counter() - started) * 1e3
            if len(answers) != len(queries):
                raise RuntimeError(f"the backend gave {len(answers)} answers to {len(queries)} queries")
            succeeded = sum(isinstance(answer, Forecast) for answer in answers)
        finally:
            self.counters.count(succeeded=succeeded, failed=len(queries) - succeeded, milliseconds=milliseconds)
        return answers, milliseconds


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Await work, but no longer than the deadline. Raises Refusal (504) when it has passed."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError as error:
        if not limit.expired():  # the work's own timeout is a failure of the inside
            raise
        raise Refusal(
            Code.DEADLINE_EXCEEDED,
            f"No answer within {seconds:g} s, the longest that is allowed. Try again, or send fewer items at a time.",
            details={"deadline_s": seconds},
        ) from error
