"""A relay in front of the service that does what must be seen: it breaks off one request and alters one answer."""

from __future__ import annotations

import asyncio
import re
from typing import Final

_PROBABILITY: Final = re.compile(rb'"home_win_prob": ?0\.\d{3}')
_BYTES: Final = 65_536
_HOLD: Final = 4_096  # the probability stands in the beginning of an answer


def with_one_digit_altered(answer: bytes) -> bytes:
    """Return an answer with the third decimal of its first probability changed; unchanged where it has none.

    >>> with_one_digit_altered(b'{"home_win_prob":0.4967,"draw_prob":0.25}')
    b'{"home_win_prob":0.4977,"draw_prob":0.25}'
    >>> with_one_digit_altered(b'{"home_win_prob":0.4990,"draw_prob":0.25}')
    b'{"home_win_prob":0.4900,"draw_prob":0.25}'
    """
    found = _PROBABILITY.search(answer)
    if found is None:
        return answer
    place = found.end() - 1
    return answer[:place] + b"%d" % ((answer[place] - ord("0") + 1) % 10) + answer[place + 1 :]


class Relay:
    """Pass on what comes, but for two requests.

    Args:
        host, port: Of the service.
        break_off: The request, counted from 1, whose connection ends instead.
        alter: The request whose answer is altered.
    """

    def __init__(self, host: str, port: int, *, break_off: int, alter: int) -> None:
        self._to = (host, port)
        self._break_off, self._alter = break_off, alter
        self._requests = 0
        self._taken: set[asyncio.Task[None]] = set()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a caller; each request on it must come in one piece."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)

    async def end(self) -> None:
        """End all connections."""
        for task in (taken := list(self._taken)):
            task.cancel()
        await asyncio.gather(*taken, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.close()
            return
        altered = asyncio.Event()
        back = asyncio.create_task(self._back(up_reader, writer, altered))
        try:
            while data := await reader.read(_BYTES):
                self._requests += 1
                if self._requests == self._break_off:
                    break
                if self._requests == self._alter:
                    altered.set()
                up_writer.write(data)
        except OSError:
            pass
        finally:
            back.cancel()
            up_writer.close()
            writer.close()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, altered: asyncio.Event) -> None:
        while data := await reader.read(_BYTES):
            if altered.is_set():
                while len(data) < _HOLD and with_one_digit_altered(data) == data:
                    if not (more := await reader.read(_BYTES)):
                        break
                    data += more
                data = with_one_digit_altered(data)
                altered.clear()
            writer.write(data)
        writer.close()
