"""One timer ends what takes too long, and nothing else."""

from __future__ import annotations

import asyncio
import gc

import pytest

from api.deadlines import Deadlines
from api.errors import Refusal


async def test_work_in_time_is_answered_and_leaves_nothing_behind():
    """What is done in time gives its result, and no timer or task is kept for it."""
    deadlines = Deadlines(60.0)

    async def work(number):
        await asyncio.sleep(0)
        return number

    answers = await asyncio.gather(*(deadlines.within(work(number)) for number in range(500)))
    gc.collect()

    assert answers == list(range(500))
    assert not deadlines._waits
    assert len([handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]) <= 1


async def test_each_work_has_its_own_deadline():
    """Work that began later goes on when earlier work is cut off."""
    deadlines = Deadlines(0.2)
    first = asyncio.ensure_future(deadlines.within(asyncio.sleep(30)))
    await asyncio.sleep(0.15)
    second = asyncio.ensure_future(deadlines.within(asyncio.sleep(0.1, "in time")))

    with pytest.raises(Refusal) as refused:
        await first
    assert refused.value.details == {"deadline_s": 0.2}
    assert await second == "in time"


async def test_the_timer_goes_on_after_a_pause():
    """Work that comes when nothing has waited for a while is cut off as well."""
    deadlines = Deadlines(0.05)
    await deadlines.within(asyncio.sleep(0))
    await asyncio.sleep(0.1)

    with pytest.raises(Refusal):
        await deadlines.within(asyncio.sleep(30))


async def test_a_cancelled_caller_stays_cancelled():
    """A server that ends its tasks is not told of a deadline."""
    deadlines = Deadlines(60.0)
    task = asyncio.ensure_future(deadlines.within(asyncio.sleep(30)))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert not deadlines._waits


async def test_a_failure_of_the_work_is_its_own():
    """An exception passes unchanged, a timeout of the work among them."""
    deadlines = Deadlines(60.0)

    async def fail():
        raise TimeoutError("of the work")

    with pytest.raises(TimeoutError, match="of the work"):
        await deadlines.within(fail())
