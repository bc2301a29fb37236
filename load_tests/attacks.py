"""Ways to do a server harm over its socket, and what it answered meanwhile."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

HANG_S = 5.0
"""How long a server may leave a caller without an answer, who has said all that he is going to."""
_QUIET_S = 0.25  # after which an unfinished message is taken for one, and ended
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_ALLOWED = (503, 504)


@dataclass
class Told:
    """Count what an attack was answered.

    Attributes:
        statuses: How often each status came; 0 stands for a connection that was closed without one.
        hung: Connections that the server still held open, ``HANG_S`` after the caller had ended his side.
        slowest_s: The longest that a caller waited for the end.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    hung: int = 0
    sent: int = 0
    slowest_s: float = 0.0

    @property
    def failures(self) -> int:
        """Return the answers from 500 on that no contract names."""
        return sum(count for status, count in self.statuses.items() if status >= 500 and status not in _ALLOWED)


async def send_messages(port: int, messages: Iterator[list[bytes]], *, count: int, at_once: int) -> Told:
    """Send so many messages, each over a connection of its own, and read what comes until the server closes."""
    told = Told()
    waiting = iter(range(count))

    async def work() -> None:
        for _ in waiting:
            await _exchange(port, next(messages), told)

    await asyncio.gather(*(work() for _ in range(at_once)))
    return told


async def _exchange(port: int, pieces: list[bytes], told: Told) -> None:
    begun = time.perf_counter()
    answer = b""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        told.statuses[0] += 1
        return
    told.sent += 1
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0)
        while chunk := await asyncio.wait_for(reader.read(65_536), _QUIET_S):
            answer += chunk
    except TimeoutError:
        answer += await _rest(reader, writer, told)
    except OSError:
        pass  # closed while we wrote: it is free to
    finally:
        writer.transport.abort()
    told.slowest_s = max(told.slowest_s, time.perf_counter() - begun)
    found = [int(status) for status in _STATUS.findall(answer)]
    told.statuses.update(found or [0])


async def _rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: Told) -> bytes:
    """End our side and return what still comes."""
    answer = b""
    try:
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(HANG_S):
            while chunk := await reader.read(65_536):
                answer += chunk
    except TimeoutError:
        told.hung += 1
    except OSError:
        pass
    return answer


async def ask(port: int, request: bytes, *, within_s: float = HANG_S) -> tuple[int, float]:
    """Send one request and return the status and the seconds until its answer began; 0 if it was closed without one."""
    begun = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = b""
        async with asyncio.timeout(within_s):
            while not (found := _STATUS.search(head)):
                chunk = await reader.read(65_536)
                if not chunk:
                    return 0, time.perf_counter() - begun
                head += chunk
        return int(found[1]), time.perf_counter() - begun
    except OSError:
        return 0, time.perf_counter() - begun
    finally:
        writer.transport.abort()


async def hold(port: int, head: bytes, drip: bytes, *, connections: int, seconds: float, reads: bool = True) -> Told:
    """Hold many connections open, each with the beginning of a request to which a little is added every second.

    Args:
        head: What each begins with.
        drip: What is added; empty for nothing.
        reads: Whether answers are read; else they stay in the socket's buffer.
    """
    told = Told()
    end = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        told.sent += 1
        try:
            writer.write(head)
            while time.perf_counter() < end:
                if reads and reader.at_eof():
                    break
                await asyncio.sleep(1.0)
                if writer.is_closing():
                    break
                if drip:
                    writer.write(drip)
        except OSError:
            pass
        finally:
            if reads:
                held = bytes(reader._buffer)  # type: ignore[attr-defined]  # noqa: SLF001 - what came, without waiting for more
                told.statuses.update([int(status) for status in _STATUS.findall(held)] or [0])
            writer.transport.abort()

    results = await asyncio.gather(*(one() for _ in range(connections)), return_exceptions=True)
    told.hung += sum(isinstance(result, BaseException) and not isinstance(result, OSError) for result in results)
    return told
