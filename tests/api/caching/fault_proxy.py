"""A TCP proxy that stands between a client and Redis and does what networks and bad servers do."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal, Self

Fault = Literal["none", "black hole", "slow", "cut", "garbage", "drip", "refuse"]


class FaultProxy:
    """Forward bytes between clients and ``127.0.0.1:port`` until a fault is set.

    Faults take hold of connections that are open, too. ``black hole``: answers vanish. ``slow``: each answer comes
    ``delay_s`` late. ``cut``: the connection is reset after ``cut_after`` bytes of answers. ``garbage``: answers are
    replaced by ``garbage``. ``drip``: one byte of an answer at a time, ``delay_s`` apart. ``refuse``: nothing listens.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.fault: Fault = "none"
        self.delay_s = 0.0
        self.cut_after = 0
        self.garbage = b""
        self.n_connections = 0

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.set("refuse")

    @property
    def url(self) -> str:
        """Where a client finds the proxy."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def set(self, fault: Fault, *, delay_s: float = 0.0, cut_after: int = 0, garbage: bytes = b"") -> None:
        """Change what is done from now on."""
        self.fault, self.delay_s, self.cut_after, self.garbage = fault, delay_s, cut_after, garbage
        if fault == "refuse":
            await self._stop()
        elif self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            answers, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(upstream)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._ask(reader, upstream))
                both.create_task(self._answer(answers, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, upstream):
                if end is not None:
                    end.transport.abort()
                    self._writers.discard(end)
            self._tasks.discard(task)

    async def _ask(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while question := await reader.read(65536):
            upstream.write(question)
            await upstream.drain()
        raise ConnectionResetError

    async def _answer(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while answer := await answers.read(65536):
            await self._deliver(answer, writer)
        raise ConnectionResetError

    async def _deliver(self, answer: bytes, writer: asyncio.StreamWriter) -> None:
        if self.fault == "black hole":
            return
        if self.fault == "garbage":
            answer = self.garbage
        if self.fault == "slow":
            await asyncio.sleep(self.delay_s)
        if self.fault == "cut":
            writer.write(answer[: self.cut_after])
            with contextlib.suppress(OSError):
                await writer.drain()
            raise ConnectionResetError
        for piece in [answer] if self.fault != "drip" else [answer[i : i + 1] for i in range(len(answer))]:
            writer.write(piece)
            await writer.drain()
            if self.fault == "drip":
                await asyncio.sleep(self.delay_s)
