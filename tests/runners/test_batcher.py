"""The batcher answers everybody with what is his, drops who has left, and sheds what it cannot do in time."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.batcher import Batcher, answer_together
from runners.errors import DeadlinePassed, Overloaded
from runners.shedding import PATIENCE_S, Shedding


class Poisoned(Exception):
    """What a poisoned job raises."""


class Squares:
    """Answers numbers by their squares; refuses the poisoned ones, and with them whatever came along."""

    def __init__(self, poison=()) -> None:
        self.poison, self.batches = set(poison), []

    def __call__(self, jobs):
        self.batches.append(list(jobs))
        if bad := self.poison.intersection(jobs):
            raise Poisoned(str(bad))
        return [job * job for job in jobs]


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


groups = st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=12), min_size=1, max_size=20)


@settings(max_examples=200, deadline=None)
@given(asked=groups, poison=st.sets(st.integers(0, 50), max_size=3), most_rows=st.integers(1, 9))
def test_everybody_gets_his_own_answers_in_order(asked, poison, most_rows):
    """
    However jobs fall into batches, each is answered in its place, and a poisoned one fails alone.
    """
    work = Squares(poison)

    async def ask_all():
        batcher = Batcher(work, most_rows=most_rows)
        return await asyncio.gather(*(batcher.ask(jobs) for jobs in asked))

    answered = asyncio.run(ask_all())

    for jobs, answers in zip(asked, answered, strict=True):
        for job, answer in zip(jobs, answers, strict=True):
            assert isinstance(answer, Poisoned) if job in poison else answer == job * job
    assert max(len(batch) for batch in work.batches) <= most_rows


@settings(max_examples=100, deadline=None)
@given(asked=groups, leaving=st.sets(st.integers(0, 19)))
def test_nothing_is_computed_for_who_has_left(asked, leaving):
    """
    Jobs of callers who were cancelled before their turn are dropped, and those of the others are not.
    """
    work = Squares()

    async def ask_all():
        batcher = Batcher(work, most_rows=5)
        tasks = [asyncio.ensure_future(batcher.ask(jobs)) for jobs in asked]
        await asyncio.sleep(0)
        for place in leaving & set(range(len(tasks))):
            tasks[place].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answered = asyncio.run(ask_all())

    staying = [jobs for place, jobs in enumerate(asked) if place not in leaving]
    assert sorted(job for batch in work.batches for job in batch) == sorted(job for jobs in staying for job in jobs)
    for place, answers in enumerate(answered):
        assert isinstance(answers, asyncio.CancelledError) == (place in leaving)


async def test_what_gathered_in_one_turn_is_one_batch():
    """
    Callers of the same turn of the event loop share a batch; a lone one has one to himself at once.
    """
    work = Squares()
    batcher = Batcher(work)
    await asyncio.gather(*(batcher.ask([job]) for job in range(16)))
    await batcher.ask([99])

    assert work.batches == [list(range(16)), [99]]


async def test_a_busy_worker_gathers_while_jobs_keep_coming():
    """
    Jobs that come one a turn, while the worker is busy, are answered together once none came in a turn.
    """
    work = Squares()
    batcher = Batcher(work)
    await asyncio.gather(batcher.ask([1]), batcher.ask([2]))

    callers = []
    for number in range(5):
        callers.append(asyncio.create_task(batcher.ask([number])))
        await asyncio.sleep(0)
    await asyncio.gather(*callers)

    assert work.batches[1:] == [[0, 1, 2, 3, 4]]


async def test_a_stream_without_end_holds_no_batch_back():
    """
    However long jobs keep coming, a batch begins after a few turns.
    """
    work = Squares()
    batcher = Batcher(work, most_rows=64)
    await asyncio.gather(batcher.ask([1]), batcher.ask([2]))

    callers = []
    for number in range(40):
        callers.append(asyncio.create_task(batcher.ask([number])))
        await asyncio.sleep(0)
    begun = len(work.batches)
    await asyncio.gather(*callers)

    assert begun > 2
    assert max(len(batch) for batch in work.batches) <= 12


async def test_an_idle_worker_makes_nobody_wait_for_company():
    """
    A lone job is answered in the turn after it was asked, if the last one was alone too.
    """
    work = Squares()
    batcher = Batcher(work)
    await batcher.ask([1])

    caller = asyncio.create_task(batcher.ask([2]))
    await asyncio.sleep(0)  # it asks
    await asyncio.sleep(0)  # it is answered

    assert work.batches == [[1], [2]]
    assert await caller == [4]


async def test_jobs_past_their_deadline_are_not_begun():
    """
    Who has waited too long is told so, and costs nothing more.
    """
    clock, work = Clock(), Squares()
    batcher = Batcher(work, clock=clock)
    waiting = asyncio.ensure_future(batcher.ask([1, 2], deadline=1.0))
    patient = asyncio.ensure_future(batcher.ask([3]))
    await asyncio.sleep(0)
    clock.now = 1.5

    late, answered = await waiting, await patient

    assert [type(answer) for answer in late] == [DeadlinePassed] * 2
    assert (answered, work.batches) == ([9], [[3]])


async def test_no_more_wait_than_may():
    """
    A queue that is full refuses with the seconds after which to ask again, and takes others once it is empty.
    """
    batcher = Batcher(Squares(), most_waiting=10)
    first = asyncio.ensure_future(batcher.ask(list(range(10))))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refused:
        await batcher.ask([1])
    await first

    assert refused.value.retry_after_s >= 1
    assert await batcher.ask([4]) == [16]
    assert batcher.waiting == 0


@pytest.mark.parametrize("times", [2, 5, 10])
async def test_overload_is_shed_and_goodput_stays(times):
    """
    Offered several times what it can do, the batcher does nine tenths of what it can, all of it in time.
    """
    clock, job_s, limit_s = Clock(), 0.001, 0.05

    def work(jobs):
        clock.now += job_s * len(jobs)
        return jobs

    batcher = Batcher(work, most_rows=20, clock=clock)
    good, late, shed = 0, 0, 0

    async def one():
        nonlocal good, late, shed
        arrived = clock.now
        try:
            (answer,) = await batcher.ask([1], deadline=arrived + limit_s)
        except Overloaded:
            shed += 1
        else:
            is_good = answer == 1 and clock.now <= arrived + limit_s + 20 * job_s
            good, late = good + is_good, late + (not is_good)

    tasks, offered = [], 0.0
    while clock.now < 5.0:
        before = clock.now
        await asyncio.sleep(0)
        clock.now = max(clock.now, before + job_s)
        offered += (clock.now - before) * times / job_s
        while len(tasks) < offered:
            tasks.append(asyncio.ensure_future(one()))
    await asyncio.gather(*tasks)

    assert good >= 0.9 * 5.0 / job_s
    assert late <= 0.01 * good
    assert shed >= 0.8 * (times - 1) / times * len(tasks)


async def test_a_process_that_stood_still_turns_nobody_away_when_it_goes_on():
    """
    One batch of a job takes half a minute, between batches of a millisecond: the thirty callers after it can be answered
    well within a second, and are.
    """
    clock, takes_s = Clock(), [0.001, 0.001, 30.0]

    def work(jobs):
        clock.now += takes_s.pop(0) if takes_s else 0.001
        return jobs

    batcher = Batcher(work, clock=clock)
    for job in range(3):
        await batcher.ask([job])

    answers = await asyncio.gather(*(batcher.ask([job], deadline=clock.now + 1.0) for job in range(30)))

    assert answers == [[job] for job in range(30)]


async def test_a_worker_that_has_become_slow_learns_it_soon():
    """
    A thousandfold longer from one batch to the next: after some thirty batches the wait expected is the true one.
    """
    clock, takes_s = Clock(), [0.001] + [1.0] * 60

    def work(jobs):
        clock.now += takes_s.pop(0)
        return jobs

    batcher = Batcher(work, clock=clock)
    for job in range(61):
        await batcher.ask([job])
    waiting = [asyncio.ensure_future(batcher.ask([job])) for job in range(2)]
    await asyncio.sleep(0)
    expected_s = batcher.expected_wait_s
    takes_s += [1.0] * 2
    await asyncio.gather(*waiting)

    assert expected_s == pytest.approx(2.0, rel=0.1)


def test_an_answer_too_few_is_no_answer():
    """
    Work that answers too little is done again one by one, and what is then wrong is an exception.
    """
    answers = answer_together(lambda jobs: jobs[1:], [1, 2])

    assert [type(answer) for answer in answers] == [RuntimeError] * 2


async def test_batches_are_told_of():
    """
    Sizes and waits of batches go to whoever counts them.
    """
    told, clock = [], Clock()
    batcher = Batcher(
        Squares(), most_rows=4, clock=clock, on_batch=lambda rows, waited_s: told.append((rows, waited_s))
    )
    waiting = asyncio.ensure_future(batcher.ask(list(range(6)), deadline=math.inf))
    await asyncio.sleep(0)
    clock.now = 0.25
    await waiting

    assert told == [(4, 0.25), (2, 0.25)]


async def test_who_is_told_of_batches_cannot_stop_them():
    """
    Where counting a batch fails, the jobs after it are answered all the same.
    """

    def fail(rows, waited_s):
        raise OSError("no room for a count")

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    batcher = Batcher(Squares(), on_batch=fail)

    assert await batcher.ask([3]) == [9]
    assert await batcher.ask([4]) == [16]


@given(st.lists(st.tuples(st.floats(0.0, 0.2), st.floats(0.0, 1.0)), min_size=1, max_size=80))
def test_a_short_jam_is_let_through_and_a_lasting_one_is_not(steps):
    """
    Nothing that waits no longer than it may is ever refused, and the first that is came after half a second of nothing but
    jam.
    """
    shedding, now, jam_since = Shedding(0.1), 50.0, None
    for pause, wait_s in steps:
        now += pause
        is_long = wait_s > 0.1
        jam_since = (now if jam_since is None else jam_since) if is_long else None
        if shedding.refuses(wait_s, now):
            assert is_long
            assert now - jam_since > PATIENCE_S
            return
    assert jam_since is None or now - jam_since <= PATIENCE_S + 0.2


def test_a_lasting_jam_is_shed_until_it_is_over():
    """
    Under twice the load that can be had, half is let in; once the load is gone, everything is.
    """
    shedding, waiting_s, let_in = Shedding(0.1), 0.0, []
    for step in range(4_000):  # every millisecond a request that takes two
        refused = shedding.refuses(waiting_s, step / 1e3)
        let_in.append(not refused)
        waiting_s = max(0.0, waiting_s + (0.0 if refused else 0.002) - 0.001)

    assert all(let_in[:500])
    assert 0.45 < sum(let_in[1_500:]) / len(let_in[1_500:]) < 0.55
    assert waiting_s < 0.11
    assert not any(shedding.refuses(0.0, 4.0 + step / 1e3) for step in range(2_000))
    assert not shedding.refuses(0.3, 6.1)
