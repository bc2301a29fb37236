"""What every handler works with, and the way in which it asks the backend."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.counters import Counters
from api.deadlines import Deadlines
from api.settings import ApiSettings
from runners.backend import Backend
from runners.errors import PredictionFailure
from runners.queries import Forecast, PredictionQuery


@dataclass(frozen=True, slots=True)
class Context:
    """Hold the backend, the settings, this worker's counters and the timer of its deadlines."""

    backend: Backend
    settings: ApiSettings
    counters: Counters
    deadlines: Deadlines = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deadlines", Deadlines(self.settings.deadline_s))

    async def forecasts(self, queries: Sequence[PredictionQuery]) -> tuple[list[Forecast | PredictionFailure], float]:
        """Answer queries in order with one call of the backend, counted and within the deadline.

        Returns:
            The answers and the milliseconds that they took together.

        Raises:
            Refusal: 504 if the deadline passed.
            RuntimeError: If the backend did not answer each query once.
        """
        started = time.perf_counter()
        deadline = time.monotonic() + self.settings.deadline_s
        succeeded = 0
        milliseconds = 0.0
        try:
            answers = await self.deadlines.within(self.backend.predict(queries, deadline=deadline))
            milliseconds = (time.perf_counter() - started) * 1e3
            if len(answers) != len(queries):
                raise RuntimeError(f"the backend gave {len(answers)} answers to {len(queries)} queries")
            succeeded = sum(isinstance(answer, Forecast) for answer in answers)
        finally:
            self.counters.count(succeeded=succeeded, failed=len(queries) - succeeded, milliseconds=milliseconds)
        return answers, milliseconds
