"""Computations under way, by key, so that the same question is worked on once however often it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")

Origin = Literal["memory", "redis", "shared", "computed"]

Read = Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]
Compute = Callable[[Sequence[str]], Awaitable[Sequence[T | Exception]]]


class Obtained(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """Hold a payload, or the exception of its computation, and where it comes from.

    ``shared`` is a payload that another caller computed, or fetched, meanwhile.
    """

    payload: T | Exception
    origin: Origin

    @property
    def is_cached(self) -> bool:
        """Tell whether it was there before anybody asked."""
        return self.origin in ("memory", "redis")


class _Abandoned:
    """Stands for a computation that ended without a payload."""


_ABANDONED = _Abandoned()


class Flights(Generic[T]):
    """Lead computations, or follow those of others.

    A flight is a future that ends with a payload or abandoned, and never carries an exception. It is awaited
    through ``asyncio.wait``, which leaves it alone when one of those who wait is cancelled.
    """

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Future[T | _Abandoned]] = {}

    async def obtain(
        self, keys: Sequence[str], read: Read[T], compute: Compute[T], *, is_patient: bool = True
    ) -> dict[str, Obtained[T]]:
        """Give all keys: read or computed here, or by whoever is at it already.

        What others fail to give is computed here. The order keeps two calls from waiting for each other: everybody
        ends his own before he waits.

        Args:
            read: Gives what is cached elsewhere; asked for what nobody else is at.
            compute: Gives a payload or an exception for each key it is given.
            is_patient: False computes here whatever others do.
        """
        others = {}
        if is_patient:
            others = {key: flight for key in keys if (flight := self._flights.get(key)) is not None}
        obtained = await self._lead([key for key in keys if key not in others], read, compute)
        if others:
            await asyncio.wait(others.values())
            results = {key: flight.result() for key, flight in others.items()}
            obtained.update((k, Obtained(p, "shared")) for k, p in results.items() if not isinstance(p, _Abandoned))
            obtained |= await self._lead(
                [k for k, p in results.items() if isinstance(p, _Abandoned)], _nothing, compute
            )
        return obtained

    def __contains__(self, key: str) -> bool:
        """Tell whether somebody is at a key."""
        return key in self._flights

    def begin(self, key: str) -> asyncio.Future[T | _Abandoned]:
        """Claim a key that nobody is at; whoever does must ``end`` it."""
        flight: asyncio.Future[T | _Abandoned] = asyncio.get_running_loop().create_future()
        self._flights[key] = flight
        return flight

    def end(self, key: str, flight: asyncio.Future[T | _Abandoned], outcome: T | Exception | None) -> None:
        """Give the payload to all who have joined; without one, they see to it themselves."""
        flight.set_result(_ABANDONED if outcome is None or isinstance(outcome, Exception) else outcome)
        if self._flights.get(key) is flight:
            del self._flights[key]

    def part(self) -> None:
        """Let nobody join what is under way any more; those who have joined still get their payload."""
        self._flights = {}

    async def _lead(self, keys: Sequence[str], read: Read[T], compute: Compute[T]) -> dict[str, Obtained[T]]:
        if not keys:
            return {}
        claims = self._claim(keys)
        obtained: dict[str, Obtained[T]] = {}
        try:
            for key, payload in (await read(keys)).items():
                obtained[key] = Obtained(payload, "redis")
                self._end(claims, key, payload)
            missing = [key for key in keys if key not in obtained]
            outcomes = await compute(missing) if missing else ()
            for key, outcome in zip(missing, outcomes, strict=True):
                obtained[key] = Obtained(outcome, "computed")
                self._end(claims, key, outcome)
        finally:
            for key in list(claims):
                self._end(claims, key, None)
        return obtained

    def _claim(self, keys: Sequence[str]) -> dict[str, asyncio.Future[T | _Abandoned]]:
        return {key: self.begin(key) for key in keys if key not in self._flights}

    def _end(self, claims: dict[str, asyncio.Future[T | _Abandoned]], key: str, outcome: T | Exception | None) -> None:
        flight = claims.pop(key, None)
        if flight is not None:
            self.end(key, flight, outcome)


async def _nothing(_: Sequence[str]) -> Mapping[str, T]:
    return {}
