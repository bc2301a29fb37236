"""The rates of callers over several workers and servers: what each had of one counts with the others, through Redis.

No request waits for that. Each worker decides by its own numbers, and tells Redis a few times a second what callers had of
it; the answer is what they had of all, and what is new in that is charged to them here. Between two tellings a
caller may have as much of each worker as his burst allows. Redis away, slow or wrong: each worker decides alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from api.access.rates import MOST_CALLERS, Rates
from api.caching.lines import LineFailure, Lines, command

log = logging.getLogger("football.access")

TOLD_EVERY_S: Final = 0.25
_WITHIN_S: Final = 0.2
_KEPT_S: Final = 60
_FAILED_PAUSE_S: Final = 2.0
_MOST_AT_ONCE: Final = 500
_ASKED_ABOUT_FOR: Final = 40
"""Rounds after which a caller who had nothing here is no longer asked about."""


@dataclass(slots=True)
class _Known:
    """Hold what Redis last said that a caller had of all workers, None before it has; and for how many rounds he had nothing."""

    total: int | None = None
    idle: int = 0


class SharedRates:
    """Have the rates of this worker know what callers had elsewhere.

    Args:
        rates: Of this worker.
        url: Of Redis, as ``Lines`` takes it.
    """

    def __init__(self, rates: Rates, url: str) -> None:
        self._rates = rates
        self._lines = Lines(url, most=1, connect_timeout_s=_WITHIN_S)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._is_failing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the event loop that runs."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._lines.close()

    async def exchange(self) -> None:
        """Tell what callers had here, and charge them what they had elsewhere. Raises LineFailure; what was told is lost then."""
        had = self._rates.had()
        for caller in had:
            self._known.setdefault(caller, _Known()).idle = 0
            self._known.move_to_end(caller)
        while len(self._known) > MOST_CALLERS:
            self._known.popitem(last=False)
        callers = list(self._known)
        for at in range(0, len(callers), _MOST_AT_ONCE):
            some = callers[at : at + _MOST_AT_ONCE]
            await self._exchange_some({caller: had[caller] for caller in some})

    async def _exchange_some(self, had: dict[str, int]) -> None:
        deadline = asyncio.get_running_loop().time() + _WITHIN_S
        commands = [part for caller, units in had.items() for part in _told(caller, units)]
        totals = (await self._lines.ask(commands, deadline))[::2]
        for (caller, units), total in zip(had.items(), totals, strict=True):
            self._learn(caller, units, total if isinstance(total, int) else units)

    def _learn(self, caller: str, units: int, total: int) -> None:
        known = self._known[caller]
        others = total - units
        if known.total is None:  # what he had before this worker knew of him is over
            elsewhere = 0
        elif others < known.total:  # forgotten by Redis meanwhile, and begun anew
            elsewhere = others
        else:
            elsewhere = others - known.total
        if elsewhere > 0:
            self._rates.charge_from_elsewhere(caller, elsewhere)
        known.total, known.idle = total, 0 if units or elsewhere > 0 else known.idle + 1
        if known.idle >= _ASKED_ABOUT_FOR:
            del self._known[caller]

    async def _run(self) -> None:
        while True:
            try:
                await self.exchange()
                pause_s, self._is_failing = TOLD_EVERY_S, False
            except LineFailure as failure:
                if not self._is_failing:
                    log.warning(
                        "rates are not shared; each worker bounds callers alone", extra={"reason": str(failure)}
                    )
                pause_s, self._is_failing = _FAILED_PAUSE_S, True
            await asyncio.sleep(pause_s)


def _told(caller: str, units: int) -> tuple[bytes, bytes]:
    """Return what adds units to a caller's number and tells it, and what has it forgotten when he has gone."""
    key = b"fp:rate:" + hashlib.sha256(caller.encode("utf-8", "surrogatepass")).hexdigest()[:32].encode()
    return command(b"INCRBY", key, b"%d" % units), command(b"EXPIRE", key, b"%d" % _KEPT_S)
