"""One HTTP/1.1 connection of the driver: one request at a time, and no second try of any.

Plain sockets rather than a client library: those open connections anew and ask
again behind the caller's back, which would hide what is to be seen.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from proof.records import Trouble

_HEAD_END: Final = b"\r\n\r\n"
_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_closes = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_status = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_chunked = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)

Answered: TypeAlias = Callable[[Trouble, int, bytes], None]
"""Told of an answer: what is wrong with how it came, its status, its body."""


class Connection(asyncio.Protocol):
    """Carry requests, one after the other.

    Args:
        on_free: Called when an answer is complete and the connection can carry another request.

    Attributes:
        is_open: Whether it can carry another.
        idle_since: When it last became free, by the clock of the loop.
    """

    def __init__(self, on_free: Callable[[Connection], None]) -> None:
        self.is_open = False
        self.idle_since = 0.0
        self._on_free = on_free
        self._transport: asyncio.Transport | None = None
        self._answered: Answered | None = None
        self._got = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self.is_open = transport, True

    def ask(self, request: bytes, answered: Answered) -> None:
        """Send a request; the answer, or that there is none, is told once."""
        assert self._transport is not None
        assert self._answered is None, "one request at a time"
        self._answered = answered
        self._got.clear()
        self._transport.write(request)

    def close(self) -> None:
        """End it."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Add to the answer, and tell it once it is complete."""
        if self._answered is None:  # nothing was asked: whatever this is, the connection is no good
            self.close()
            return
        self._got += data
        head = self._got.find(_HEAD_END)
        if head < 0:
            return
        status, length = _status.match(self._got), _length.search(self._got, 0, head)
        if status is None or _chunked.search(self._got, 0, head + 2) is not None:
            self._tell("garbled", 0, b"")
            self.close()
        elif length is not None and len(self._got) >= head + 4 + int(length[1]):
            self._complete(int(status[1]), head, int(length[1]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended does not matter
        """Tell a request that waits that no answer comes."""
        self.is_open = False
        if self._answered is None:
            return
        head = self._got.find(_HEAD_END)
        status = _status.match(self._got)
        if head >= 0 and status is not None and _length.search(self._got, 0, head) is None:
            self._tell("", int(status[1]), bytes(self._got[head + 4 :]))  # an answer that ends with its connection
        else:
            self._tell("cut short" if self._got else "broken off", 0, b"")

    def _complete(self, status: int, head: int, length: int) -> None:
        body = bytes(self._got[head + 4 : head + 4 + length])
        is_whole = len(self._got) == head + 4 + length
        if not is_whole or _closes.search(self._got, 0, head + 2) is not None:
            self.close()
        answered, self._answered = self._answered, None
        if self.is_open:
            self._on_free(self)  # before the answer is told, which may bring the next request
        if answered is not None:
            answered("" if is_whole else "garbled", status, body)

    def _tell(self, trouble: Trouble, status: int, body: bytes) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(trouble, status, body)
