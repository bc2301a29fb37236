"""One timer for the deadlines of all requests, rather than one each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from api.errors import Code, Refusal

T = TypeVar("T")


def too_late(seconds: float) -> Refusal:
    """Return the refusal (504) of work that took too long."""
    return Refusal(
        Code.DEADLINE_EXCEEDED,
        f"No answer within {seconds:g} s, the longest that is allowed. Try again, or send fewer items at a time.",
        details={"deadline_s": seconds},
    )


class _Wait:
    """Hold one request that waits: until when, and the task to cancel then."""

    __slots__ = ("deadline", "is_over", "task")

    def __init__(self, deadline: float, task: asyncio.Task[object] | None) -> None:
        self.deadline, self.task, self.is_over = deadline, task, False


class Deadlines:
    """Cut off work that takes longer than a limit.

    All work has the same limit, so the oldest is always the next to end: the
    timer runs for that one, and what is done in time costs two dictionary
    operations and leaves nothing behind.

    Args:
        seconds: The limit.
        refusal: Makes of the limit what the caller is told when it has passed.
    """

    def __init__(self, seconds: float, refusal: Callable[[float], Refusal] = too_late) -> None:
        self.seconds, self._refusal = seconds, refusal
        self._waits: dict[_Wait, None] = {}  # oldest first
        self._timer: asyncio.TimerHandle | None = None

    async def within(self, work: Awaitable[T]) -> T:
        """Await work, but no longer than the limit. Raises Refusal, by default with 504, when it has passed."""
        loop = asyncio.get_running_loop()
        wait = _Wait(loop.time() + self.seconds, asyncio.current_task())
        self._waits[wait] = None
        if self._timer is None:
            self._timer = loop.call_at(wait.deadline, self._end_oldest)
        try:
            return await work
        except asyncio.CancelledError:
            if not wait.is_over:  # somebody else has cancelled, such as a server that shuts down
                raise
            assert wait.task is not None
            wait.task.uncancel()
            raise self._refusal(self.seconds) from None
        finally:
            self._waits.pop(wait, None)

    def _end_oldest(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        for wait in list(self._waits):
            if wait.deadline > now:
                self._timer = loop.call_at(wait.deadline, self._end_oldest)
                return
            del self._waits[wait]
            wait.is_over = True
            if wait.task is not None:
                wait.task.cancel()
