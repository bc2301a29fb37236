"""What every handler works with, and the way in which it asks the backend."""

from __future__ import annotations

import asyncio
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
        lacking = await self.lacking(queries)
        asked = [query for place, query in enumerate(queries) if place not in lacking] if lacking else queries
        deadline = time.monotonic() + self.settings.deadline_s
        answers = await self.deadlines.within(self.backend.predict(asked, deadline=deadline)) if asked else []
        if len(answers) != len(asked):
            raise RuntimeError(f"the backend gave {len(answers)} answers to {len(asked)} queries")
        if not lacking:
            return answers
        following = iter(answers)
        return [lacking[place] if place in lacking else next(following) for place in range(len(queries))]

    async def lacking(self, queries: Sequence[PredictionQuery]) -> dict[int, PredictionFailure]:
        """Have the versions loaded that queries name, within the deadline; return by place why one cannot be had.

        Raises:
            Refusal: 504 if the deadline passed.
        """
        versions = {(query.model_name, query.model_version) for query in queries if query.model_version is not None}
        if not versions:
            return {}
        loading = (self._why_not(name, version) for name, version in versions)
        told = await self.deadlines.within(asyncio.gather(*loading))
        why = {version: failure for version, failure in zip(versions, told, strict=True) if failure is not None}
        named = ((place, (query.model_name, query.model_version)) for place, query in enumerate(queries))
        return {place: why[version] for place, version in named if version in why}

    async def _why_not(self, model_name: str, model_version: str | None) -> PredictionFailure | None:
        try:
            await self.backend.have(model_name, model_version)
        except PredictionFailure as failure:
            return failure
        return None

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
