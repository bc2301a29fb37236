"""What every handler works with, and the way in which it asks the backend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from api.bodies import read_body, too_slow
from api.counters import Counters
from api.deadlines import Deadlines
from api.exchange import Call
from api.settings import ApiSettings
from runners.backend import Backend
from runners.errors import ModelVersionNotFound, Overloaded, PredictionFailure
from runners.queries import Forecast, PredictionQuery, Writer, as_they_are

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Context:
    """Hold the backend, the settings, this worker's counters and the timers of its deadlines."""

    backend: Backend
    settings: ApiSettings
    counters: Counters
    deadlines: Deadlines = field(init=False)
    bodies: Deadlines = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deadlines", Deadlines(self.settings.deadline_s))
        object.__setattr__(self, "bodies", Deadlines(self.settings.body_timeout_s, too_slow))

    async def body(self, call: Call) -> bytes:
        """Return the whole body of a request.

        Raises:
            Refusal: 408 if it does not come to its end in time, 413 if it is too long, 415 if it is not JSON.
            CallerLeft: If the connection closed first.
        """
        return await self.bodies.within(read_body(call, limit_bytes=self.settings.max_body_bytes))

    async def forecasts(self, queries: Sequence[PredictionQuery]) -> list[Forecast | PredictionFailure]:
        """Answer queries in order, once the versions that they name are loaded; all within one deadline.

        Raises:
            Refusal: 504 if the deadline passed.
            RuntimeError: As ``written``.
        """
        return await self.deadlines.within(self._forecasts(queries))

    async def written(self, queries: Sequence[PredictionQuery], writer: Writer[W]) -> list[W | PredictionFailure]:
        """Answer queries in order with what a writer makes of the forecasts, within the deadline.

        Args:
            queries: Their versions were had (``lacking``); one that was let go since is to be asked for again.

        Raises:
            Refusal: 504 if the deadline passed.
            RuntimeError: If the backend did not answer each query once.
        """
        if not queries:
            return []
        deadline = time.monotonic() + self.settings.deadline_s
        answers = await self.deadlines.within(self.backend.written(queries, writer, deadline=deadline))
        if len(answers) != len(queries):
            raise RuntimeError(f"the backend gave {len(answers)} answers to {len(queries)} queries")
        return [Overloaded(retry_after_s=1) if isinstance(one, ModelVersionNotFound) else one for one in answers]

    async def lacking(self, queries: Sequence[PredictionQuery]) -> dict[int, PredictionFailure]:
        """Have the versions loaded that queries name; return by place why one cannot be had. Sets no deadline."""
        versions = {(query.model_name, query.model_version) for query in queries if query.model_version is not None}
        told = await asyncio.gather(*(self._why_not(name, version) for name, version in versions))
        why = {version: failure for version, failure in zip(versions, told, strict=True) if failure is not None}
        named = ((place, (query.model_name, query.model_version)) for place, query in enumerate(queries))
        return {place: why[version] for place, version in named if version in why}

    async def _forecasts(self, queries: Sequence[PredictionQuery]) -> list[Forecast | PredictionFailure]:
        lacking = await self.lacking(queries)
        answerable = [query for place, query in enumerate(queries) if place not in lacking]
        following = iter(await self.written(answerable, as_they_are))
        return [lacking[place] if place in lacking else next(following) for place in range(len(queries))]

    async def _why_not(self, model_name: str, model_version: str | None) -> PredictionFailure | None:
        try:
            await self.backend.have(model_name, model_version)
        except PredictionFailure as failure:
            return failure
        return None

    def counting(self, asked: int) -> Counting:
        """Count forecasts that are asked for; its ``succeeded`` is to be set, and is none if it never is."""
        return Counting(self.counters, asked)


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
