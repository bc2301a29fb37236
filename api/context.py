"""What every handler works with, and the way in which it asks the backend."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

    async def forecasts(self, queries: Sequence[PredictionQuery]) -> list[Forecast | PredictionFailure]:
        """Answer queries in order with one call of the backend, within the deadline.

        Raises:
            Refusal: 504 if the deadline passed.
            RuntimeError: If the backend did not answer each query once.
        """
        deadline = time.monotonic() + self.settings.deadline_s
        answers = await self.deadlines.within(self.backend.predict(queries, deadline=deadline))
        if len(answers) != len(queries):
            raise RuntimeError(f"the backend gave {len(answers)} answers to {len(queries)} queries")
        return answers

    @contextmanager
    def counting(self, asked: int) -> Iterator[Callable[[int], None]]:
        """Count forecasts that are asked for; gives what is told how many succeeded, none if it never is."""
        started = time.perf_counter()
        succeeded = 0

        def tell(count: int) -> None:
            nonlocal succeeded
            succeeded = count

        try:
            yield tell
        finally:
            milliseconds = (time.perf_counter() - started) * 1e3
            self.counters.count(succeeded=succeeded, failed=asked - succeeded, milliseconds=milliseconds)
