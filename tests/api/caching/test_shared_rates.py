"""What a caller has of one worker counts with the others, through a real Redis; without it each decides alone."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access.rates import Rates
from api.access.shared_rates import SharedRates
from api.caching.lines import LineFailure

PER_S, BURST = 10.0, 10.0


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def had(rates: Rates, caller: str, most: int = 100) -> int:
    """How many units a caller gets at once."""
    count = 0
    while count < most and rates.take(caller) == 0.0:
        count += 1
    return count


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workers(redis, clock):
    """Two workers' rates, shared."""
    both = [Rates(PER_S, BURST, clock=clock) for _ in range(2)]
    return both, [SharedRates(one, redis.url) for one in both]


async def exchanged(shared) -> None:
    for one in (*shared, *shared):
        await one.exchange()


async def test_two_workers_give_no_more_than_one(workers, clock):
    """
    Once both know of a caller, whoever spends his rate on one finds it spent on the other; a second later he has it again.
    Another caller has his own.
    """
    (first, second), shared = workers
    assert first.take("a") == second.take("a") == 0.0
    await exchanged(shared)
    clock.now_s += 60.0

    total = 0
    for _ in range(100):
        clock.now_s += 0.1
        total += had(first, "a") + had(second, "a")
        await exchanged(shared)

    alone = BURST + PER_S * 10.0
    assert alone - 1 <= total <= alone + 2 * BURST  # a burst of each before they told each other
    assert had(second, "b") == BURST
    clock.now_s += 3.0
    await exchanged(shared)
    assert first.take("a") == 0.0
    for one in shared:
        await one.close()


async def test_what_was_had_before_a_worker_knew_of_a_caller_is_over(workers, clock):
    """
    A worker that starts later does not hold against a caller what he had of others in the minute before.
    """
    (first, second), shared = workers
    for _ in range(5):
        had(first, "a")
        clock.now_s += 1.0
        await shared[0].exchange()
    second.take("a")
    await shared[1].exchange()

    assert had(second, "a") == BURST - 1
    for one in shared:
        await one.close()


async def test_a_number_that_redis_has_lost_or_that_is_nonsense_locks_nobody_out(workers, redis, clock):
    """
    Redis forgets all, holds a word, or a number of somebody else's making: a caller waits for a burst at most.
    """
    (first, _), shared = workers
    first.take("a")
    await exchanged(shared)
    redis.say("FLUSHALL")
    first.take("a")
    await exchanged(shared)
    assert first.take("a") == 0.0

    name = redis.say("KEYS", "fp:rate:*").split()[-1]
    assert name.startswith(b"fp:rate:")
    redis.say("SET", name, "much")
    first.take("a")
    await exchanged(shared)
    redis.say("SET", name, "1000000000000")
    first.take("a")
    await exchanged(shared)
    wait_s = first.take("a")
    assert 0.0 < wait_s <= (BURST + 1) / PER_S + 1e-6
    for one in shared:
        await one.close()


async def test_without_redis_each_worker_decides_alone(redis, clock, caplog):
    """
    It is said once, and tried again; nobody waits, and the rate holds in each.
    """
    rates = Rates(PER_S, BURST, clock=clock)
    shared = SharedRates(rates, "redis://127.0.0.1:1/0")
    assert had(rates, "a") == BURST
    shared.start()
    await asyncio.sleep(0.3)

    assert had(rates, "b") == BURST
    with pytest.raises(LineFailure):
        await shared.exchange()
    assert [record.message for record in caplog.records].count(
        "rates are not shared; each worker bounds callers alone"
    ) == 1
    await shared.close()


async def test_it_runs_by_itself_and_forgets_who_has_gone(redis, clock, monkeypatch):
    """
    Without anybody's doing the other worker learns; a caller who had nothing for some rounds is no longer asked about.
    """
    monkeypatch.setattr("api.access.shared_rates.TOLD_EVERY_S", 0.01)
    both = [Rates(PER_S, BURST, clock=clock) for _ in range(2)]
    shared = [SharedRates(one, redis.url) for one in both]
    for rates, one in zip(both, shared, strict=True):
        rates.take("a")
        one.start()
    await asyncio.sleep(0.2)
    clock.now_s += 5.0
    had(both[0], "a")
    for _ in range(200):
        await asyncio.sleep(0.02)
        if both[1].take("a") > 0.0:
            break
    else:
        raise AssertionError("the other worker has never learned")
    for _ in range(200):
        await asyncio.sleep(0.02)
        if not shared[0]._known:
            break
    assert not shared[0]._known
    for one in shared:
        await one.close()


@given(st.lists(st.integers(0, 100), max_size=20))
def test_nobody_owes_more_than_a_burst_for_elsewhere(charges):
    """
    Whatever other workers are said to have given.
    """
    clock = Clock()
    rates = Rates(PER_S, BURST, clock=clock)
    for units in charges:
        rates.charge_from_elsewhere("a", units)

    clock.now_s += BURST / PER_S + 1e-6
    assert rates.take("a") <= 1.0 / PER_S + 1e-6
