"""The connections to Redis: a few, lent to one question at a time, and thrown away at the slightest doubt.

A connection on which a question failed, came late or was given up may still carry its answer. It is closed before
anything else happens, so that the next question cannot be given it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from api.caching.guard import GuardedParser


class LineFailure(Exception):
    """Say that Redis gave no usable answer in time, or (``is_connecting``) could not be reached at all."""

    def __init__(self, reason: str, *, is_connecting: bool) -> None:
        super().__init__(reason)
        self.is_connecting = is_connecting


def command(*parts: bytes) -> bytes:
    r"""Write one command as Redis reads it.

    >>> command(b"GET", b"key")
    b'*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n'
    """
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


class Lines:
    """Ask Redis over at most ``most`` connections.

    Args:
        url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, as in redis-py; its options give way to ours.
        connect_timeout_s: For the TCP or TLS connection; the greeting falls under the question's own deadline.

    Raises:
        ValueError: The URL is none that redis-py knows. It is not repeated, as it may hold a password.
    """

    def __init__(self, url: str, *, most: int, connect_timeout_s: float) -> None:
        try:
            options: dict[str, object] = dict(parse_url(url))
            options.pop("max_connections", None)
            kind = options.pop("connection_class", Connection)
            options |= {
                "protocol": 3,
                "parser_class": GuardedParser,
                "driver_info": None,  # else two more round trips at every connection
                "socket_connect_timeout": connect_timeout_s,
                "socket_timeout": None,  # a question has one deadline, not one for each step
                "health_check_interval": 0,
                "decode_responses": False,
                "retry": Retry(NoBackoff(), 0),
            }
            self._kind: type[AbstractConnection] = kind  # type: ignore[assignment]  # of a mapping of objects
            self._options = options
            self._new()
        except (ValueError, TypeError, AttributeError) as problem:
            raise ValueError(
                f"The URL of Redis cannot be used ({type(problem).__name__}). "
                "Give one such as redis://127.0.0.1:6379/0, rediss://... or unix:///run/redis.sock."
            ) from None
        self._most = most
        self._idle: list[AbstractConnection] = []
        self._lent: set[AbstractConnection] = set()

    async def ask(self, commands: Sequence[bytes], deadline: float) -> list[object]:
        """Send commands and give their answers, an error answer as the exception it would be.

        Args:
            commands: Each as ``command`` writes it.
            deadline: In the event loop's time; nothing takes longer, connecting included.

        Raises:
            LineFailure: Whatever else happens, but for being cancelled.
        """
        if len(self._lent) >= self._most:
            raise LineFailure("all connections are in use", is_connecting=False)
        is_connecting = False
        line = self._idle.pop() if self._idle else self._new()
        self._lent.add(line)
        try:
            async with asyncio.timeout_at(deadline):
                if not await _is_usable(line):
                    _abort(line)
                    is_connecting = True
                    await line.connect()  # type: ignore[no-untyped-call]  # redis-py declares no types here
                    is_connecting = False
                await line.send_packed_command(commands, check_health=False)
                replies = [await _reply(line) for _ in commands]
        except Exception as problem:
            _abort(line)
            raise LineFailure(type(problem).__name__, is_connecting=is_connecting) from problem
        except BaseException:
            _abort(line)
            raise
        else:
            self._idle.append(line)
            return replies
        finally:
            self._lent.discard(line)

    def close(self) -> None:
        """Close every connection, those in use too."""
        for line in [*self._idle, *self._lent]:
            _abort(line)
        self._idle.clear()

    def _new(self) -> AbstractConnection:
        options: dict[str, Any] = self._options
        return self._kind(**options)


async def _is_usable(line: AbstractConnection) -> bool:
    """Tell whether the line is open with nothing waiting in it: no end, no answer that nobody has asked for."""
    if not line.is_connected:
        return False
    try:
        return not await line.can_read()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is not worse
        return False


async def _reply(line: AbstractConnection) -> object:
    try:
        return await line.read_response(disable_decoding=True)
    except ResponseError as answer:
        return answer


def _abort(line: AbstractConnection) -> None:
    """Close at once. A plain close first waits until what is unsent has gone, with a stopped Redis for ever."""
    writer = line._writer  # noqa: SLF001 - redis-py offers no other way to its transport
    if writer is not None:
        writer.transport.abort()
    line._close()  # type: ignore[no-untyped-call]  # noqa: SLF001 - as above; disconnect() would be one more thing to wait for
