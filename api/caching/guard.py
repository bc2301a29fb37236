"""Limits on what an answer of Redis may claim, checked before hiredis acts on it.

Thirteen hostile bytes (``*2147483647``) make hiredis reserve a list of 16 GB and free it again, which stops the event
loop for seconds; a bulk of 2 GB is gathered until it is there. Neither is in any answer we ask for.
"""

from __future__ import annotations

from typing import Any

from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.exceptions import InvalidResponse

MOST_ELEMENTS = 1 << 16
LARGEST_BULK_BYTES = 8 << 20
LONGEST_LINE_BYTES = 1 << 16

_SCALARS = frozenset(b"+-:_,#(")
_BULKS = frozenset(b"$=!")
_AGGREGATES = frozenset(b"*%~")


class ReplyGuard:
    """Follow the headers of RESP3 answers and refuse what claims too much, or a type that nobody asked for.

    >>> ReplyGuard().feed(b"*1" + bytes([13, 10]) + b"$2147483647" + bytes([13, 10]))
    Traceback (most recent call last):
        ...
    redis.exceptions.InvalidResponse: An answer of Redis claims 2147483647 bytes; at most 8388608 are taken.
    """

    def __init__(self) -> None:
        self._line = b""
        self._to_skip = 0
        self._n_elements = 0

    def start(self) -> None:
        """Begin to count the elements of the next answer."""
        self._n_elements = 0

    def feed(self, chunk: bytes) -> None:
        """Check the next bytes of the stream, however they are cut.

        Raises:
            InvalidResponse: The connection is of no use any more.
        """
        data, at = self._line + chunk, 0
        self._line = b""
        while True:
            skipped = min(self._to_skip, len(data) - at)
            at += skipped
            self._to_skip -= skipped
            end = data.find(b"\n", at)
            if end < 0:
                break
            self._to_skip = self._check(data[at:end])
            at = end + 1
        self._line = data[at:]
        if len(self._line) > LONGEST_LINE_BYTES:
            raise InvalidResponse(f"An answer of Redis has a line of more than {LONGEST_LINE_BYTES} bytes.")

    def _check(self, line: bytes) -> int:
        """Give how many bytes of content follow a header."""
        kind = line[0] if line else 0
        if kind in _BULKS:
            size = _claimed(line)
            if size > LARGEST_BULK_BYTES:
                raise InvalidResponse(
                    f"An answer of Redis claims {size} bytes; at most {LARGEST_BULK_BYTES} are taken."
                )
            return size + len(b"\r\n") if size >= 0 else 0
        if kind in _AGGREGATES:
            self._n_elements += max(_claimed(line), 0)
            if self._n_elements > MOST_ELEMENTS:
                raise InvalidResponse(f"An answer of Redis claims more than {MOST_ELEMENTS} elements.")
            return 0
        if kind in _SCALARS:
            return 0
        raise InvalidResponse(f"An answer of Redis begins with {line[:16]!r}, which is no type that was asked for.")


def _claimed(line: bytes) -> int:
    try:
        return int(line[1:])
    except ValueError:
        raise InvalidResponse(f"An answer of Redis has the size {line[1:17]!r}, which is no number.") from None


class _GuardedReader:
    """A hiredis reader that is fed only what the guard has passed."""

    def __init__(self, reader: Any) -> None:
        self._guard = ReplyGuard()
        self._reader = reader
        self.has_data = reader.has_data

    def feed(self, chunk: bytes) -> None:
        self._guard.feed(chunk)
        self._reader.feed(chunk)

    def gets(self, *decode: bool) -> Any:
        reply = self._reader.gets(*decode)
        if reply is not NOT_ENOUGH_DATA:
            self._guard.start()
        return reply


class GuardedParser(_AsyncHiredisParser):
    """The parser of redis-py over hiredis, with the guard in front of it."""

    def on_connect(self, connection: Any) -> None:
        """Start afresh on a new connection."""
        super().on_connect(connection)  # type: ignore[no-untyped-call]  # redis-py declares no types here
        reader: Any = _GuardedReader(self._reader)
        self._reader = reader
