"""The adaptive batcher of one worker.

Jobs that arrive in one turn of the event loop are answered together in the
next. While others keep coming in, turn by turn, a few more turns go by, for a
turn costs much less than a batch: an idle worker makes nobody wait, a busy one
gathers many. There is no timer and no thread. Whoever has left or run out of
time is dropped before anything is computed for him, and who would have to wait
longer than he can is told so at once.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from runners.errors import DeadlinePassed, Overloaded
from runners.shedding import Shedding

J = TypeVar("J")
A = TypeVar("A")

log = logging.getLogger("football.batcher")

_MOST_TURNS: Final = 8  # of the event loop that a batch may take to gather
_MOST_TIMES: Final = (
    4.0  # the running mean, that one batch counts for; a lone job takes so much longer than one of many
)
_NEWEST_SHARE: Final = 0.1  # of the newest batch in the running mean of the time a job takes


class _Group(Generic[A]):
    """Hold the jobs of one caller: what is answered, how many are not yet, and who waits for it."""

    __slots__ = ("answers", "arrived", "deadline", "missing", "waiter")

    def __init__(self, size: int, arrived: float, deadline: float, waiter: asyncio.Future[list[A | Exception]]) -> None:
        self.answers: list[A | Exception | None] = [None] * size
        self.missing = size
        self.arrived, self.deadline, self.waiter = arrived, deadline, waiter

    def put(self, place: int, answer: A | Exception) -> None:
        """Take one answer; the last one wakes the caller."""
        self.answers[place] = answer
        self.missing -= 1
        if self.missing == 0 and not self.waiter.done():
            self.waiter.set_result([answer for answer in self.answers if answer is not None])


class Batcher(Generic[J, A]):
    """Answer jobs in batches, in the order in which they came.

    Args:
        answer: Answers a batch, one answer a job, in order; when it raises, each job is tried alone.
        most_rows: Jobs in one batch; the event loop has a turn between two batches.
        most_waiting: Jobs that may wait; more are refused.
        most_wait_s: What would wait longer is refused, whatever its deadline, while more comes in than can be answered:
            those who are let in are answered as quickly as ever, and the others know at once.
        on_batch: Told of each batch: its size, and the seconds that its oldest job waited.
        clock: In seconds, never going back.

    Attributes:
        waiting: Jobs that wait now.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[J]], Sequence[A | Exception]],
        *,
        most_rows: int = 64,
        most_waiting: int = 16_384,
        most_wait_s: float = math.inf,
        on_batch: Callable[[int, float], None] = lambda _rows, _waited_s: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answer, self._on_batch, self._clock = answer, on_batch, clock
        self._most_rows, self._most_waiting, self._shedding = most_rows, most_waiting, Shedding(most_wait_s)
        self._queue: deque[tuple[_Group[A], int, J]] = deque()
        self._is_scheduled = False
        self._seen, self._turns = 1, 0  # jobs that waited at the last turn; turns since the last batch
        self._job_s = 0.0

    @property
    def waiting(self) -> int:
        """Return how many jobs wait, those that were abandoned among them."""
        return len(self._queue)

    @property
    def queued(self) -> list[J]:
        """Return the jobs that wait, those that were abandoned among them."""
        return [job for _, _, job in self._queue]

    @property
    def expected_wait_s(self) -> float:
        """Return how long a job that came now would wait, by the time that recent jobs took."""
        return len(self._queue) * self._job_s

    async def ask(self, jobs: Sequence[J], *, deadline: float = math.inf) -> list[A | Exception]:
        """Return the answers to jobs in order; one that fails yields its exception and harms no other.

        Args:
            jobs: One or more.
            deadline: By the clock; no job is begun after it.

        Raises:
            Overloaded: If the jobs would wait past the deadline, or too many wait already.
        """
        now = self._clock()
        self._admit(len(jobs), now, deadline)
        loop = asyncio.get_running_loop()
        group: _Group[A] = _Group(len(jobs), now, deadline, loop.create_future())
        self._queue.extend((group, place, job) for place, job in enumerate(jobs))
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._take_turn)
        return await group.waiter

    def _admit(self, jobs: int, now: float, deadline: float) -> None:
        wait_s = self.expected_wait_s
        is_too_late = self._shedding.refuses(wait_s, now) or now + wait_s > deadline
        if is_too_late or len(self._queue) + jobs > self._most_waiting:
            raise Overloaded(retry_after_s=max(1, math.ceil(wait_s)))

    def _take_turn(self) -> None:
        if self._is_growing():
            asyncio.get_running_loop().call_soon(self._take_turn)
            return
        batch = self._next_batch()
        self._seen = 0 if len(batch) > 1 else 1  # a lone job waits for company only where there was some just now
        try:
            if batch:
                self._answer_batch(batch)
        finally:  # whatever befalls a batch, or who is told of it, the next one has its turn
            if self._queue:
                asyncio.get_running_loop().call_soon(self._take_turn)
            else:
                self._is_scheduled = False

    def _is_growing(self) -> bool:
        """Return whether jobs have come since the last turn, so that more may be on their way."""
        before, self._seen = self._seen, len(self._queue)
        if before < self._seen < self._most_rows and self._turns < _MOST_TURNS:
            self._turns += 1
            return True
        self._turns = 0
        return False

    def _next_batch(self) -> list[tuple[_Group[A], int, J]]:
        """Take the oldest jobs that somebody still waits for."""
        batch: list[tuple[_Group[A], int, J]] = []
        now = self._clock()
        while self._queue and len(batch) < self._most_rows:
            group, place, job = self._queue.popleft()
            if group.waiter.done():
                continue
            if now > group.deadline:
                group.put(place, DeadlinePassed())
                continue
            batch.append((group, place, job))
        return batch

    def _answer_batch(self, batch: list[tuple[_Group[A], int, J]]) -> None:
        started = self._clock()
        answers = answer_together(self._answer, [job for _, _, job in batch])
        for (group, place, _), answer in zip(batch, answers, strict=True):
            group.put(place, answer)
        self._learn((self._clock() - started) / len(batch))
        self._on_batch(len(batch), started - batch[0][0].arrived)

    def _learn(self, job_s: float) -> None:
        """Take the time of a batch into the running mean; one during which the process stood still tells next to nothing."""
        if self._job_s:
            job_s = min(job_s, _MOST_TIMES * self._job_s)
        self._job_s += _NEWEST_SHARE * (job_s - self._job_s) if self._job_s else job_s


def answer_together(answer: Callable[[Sequence[J]], Sequence[A | Exception]], jobs: Sequence[J]) -> list[A | Exception]:
    """Return the answers to jobs, in order; when they fail together, each is tried alone, and yields what it raises."""
    try:
        answers = answer(jobs)
        if len(answers) != len(jobs):
            raise RuntimeError(f"{len(answers)} answers to {len(jobs)} jobs")  # noqa: TRY301 - treated like any failure
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach the other jobs
        if len(jobs) == 1:
            return [error]
        log.warning("a batch failed; its jobs are tried alone", extra={"jobs": len(jobs), "reason": str(error)})
        return [answer_together(answer, [job])[0] for job in jobs]
    return list(answers)
