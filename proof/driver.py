"""An open loop: requests leave when the clock says so, whether or not earlier ones were answered; none is sent twice.

What a client does that keeps connections for long: it gives up one that was
idle for some seconds, rather than meet the server's own end of it.
"""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from proof.connection import Connection
from proof.judge import Judge, Proba
from proof.questions import Mix, Question
from proof.records import Record, Trouble

IDLE_S: Final = 10.0
_SHOWN: Final = 600


class Orders(msgspec.Struct, frozen=True):
    """Say what to ask whom, and how.

    Attributes:
        host, port: Of the service.
        mix: What is asked.
        oracle: Probabilities by model version and match id.
        rate: Requests a second; None for a closed loop, in which each answer brings the next request.
        connections: How many requests a closed loop has under way.
        seconds: After which it ends by itself; None for when it is told.
        seed: Of what is asked, when, and over which connection.
        fresh_share: Share of the requests that have a connection of their own.
        is_even: Whether all pauses are the same; else they are those of a Poisson process.
        patience_s: How long answers are waited for after the end.
    """

    host: str
    port: int
    mix: Mix
    oracle: dict[str, dict[str, Proba]]
    rate: float | None
    seed: int
    seconds: float | None = None
    connections: int = 16
    fresh_share: float = 0.05
    is_even: bool = False
    patience_s: float = 15.0


class Driver:
    """Ask as ordered and keep a record of every request."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._draw = random.Random(orders.seed)  # noqa: S311 - a choice of questions keeps no secret
        self._judge = Judge(orders.oracle)
        self._free: list[Connection] = []
        self._waiting: dict[int, Record] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._after: Callable[[], None] = lambda: None
        self.records: list[Record] = []

    async def run(self, end: asyncio.Event) -> list[Record]:
        """Ask until the time is over or the end is told, wait for the last answers, and return the records."""
        until = float("inf") if self._orders.seconds is None else time.monotonic() + self._orders.seconds
        if self._orders.rate is None:
            await self._closed_loop(end, until)
        else:
            await self._open_loop(self._orders.rate, end, until)
        await self._wait_for_the_last()
        for connection in self._free:
            connection.close()
        return self.records

    async def _open_loop(self, rate: float, end: asyncio.Event, until: float) -> None:
        due = time.monotonic()
        while not end.is_set() and due < until:
            due += 1.0 / rate if self._orders.is_even else self._draw.expovariate(rate)
            await _sleep_until(due, end)
            if not end.is_set():
                self._send(due)

    async def _closed_loop(self, end: asyncio.Event, until: float) -> None:
        def again() -> None:
            if not end.is_set() and time.monotonic() < until:
                self._send(time.monotonic())

        self._after = again
        for _ in range(self._orders.connections):
            again()
        await _sleep_until(until, end)

    def _send(self, due: float) -> None:
        question = self._orders.mix.drawn(self._draw)
        is_fresh = self._draw.random() < self._orders.fresh_share
        record = Record(due, 0.0, 0.0, len(question.match_ids), is_fresh)
        self.records.append(record)
        self._waiting[id(record)] = record
        connection = None if is_fresh else self._kept()
        if connection is not None:
            self._ask(connection, question, record)
            return
        task = asyncio.get_running_loop().create_task(self._connect_and_ask(question, record))
        self._connecting.add(task)  # the loop itself does not hold on to it
        task.add_done_callback(self._connecting.discard)

    def _kept(self) -> Connection | None:
        """Return a connection that is free; those that were so for too long are ended."""
        now = time.monotonic()
        while self._free:
            connection = self._free.pop()
            if connection.is_open and now - connection.idle_since < IDLE_S:
                return connection
            connection.close()
        return None

    async def _connect_and_ask(self, question: Question, record: Record) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self._freed), self._orders.host, self._orders.port
            )
        except OSError:
            self._done(question, record, "refused", 0, b"")
            return
        self._ask(connection, question, record)

    def _ask(self, connection: Connection, question: Question, record: Record) -> None:
        record.sent = time.monotonic()
        request = question.closing if record.is_fresh else question.request
        connection.ask(request, lambda trouble, status, body: self._done(question, record, trouble, status, body))

    def _freed(self, connection: Connection) -> None:
        connection.idle_since = time.monotonic()
        self._free.append(connection)

    def _done(self, question: Question, record: Record, trouble: Trouble, status: int, body: bytes) -> None:
        if self._waiting.pop(id(record), None) is None:  # given up before
            return
        record.done = time.monotonic()
        record.status, record.trouble, record.digest = status, trouble, zlib.crc32(body)
        if not trouble:
            record.trouble, record.version = self._judge.of(question, status, body)
        if record.trouble:
            record.seen = body[:_SHOWN].decode(errors="replace")
        self._after()

    async def _wait_for_the_last(self) -> None:
        one_came = asyncio.Event()
        self._after = one_came.set
        with suppress(TimeoutError):
            async with asyncio.timeout(self._orders.patience_s):
                while self._waiting:
                    one_came.clear()
                    await one_came.wait()
        for record in self._waiting.values():
            record.done, record.trouble = time.monotonic(), "no answer"
        self._waiting.clear()
        for task in self._connecting:
            task.cancel()


async def _sleep_until(moment: float, end: asyncio.Event) -> None:
    """Let others work, at least for one turn, until an instant or the end; ``time.monotonic`` is the loop's clock."""
    if moment <= time.monotonic():
        await asyncio.sleep(0)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout_at(moment):
            await end.wait()
