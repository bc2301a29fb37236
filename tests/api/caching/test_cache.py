"""Both layers as one: nothing is computed twice, nothing is kept too long, nobody is harmed by another's bad luck."""

from __future__ import annotations

import asyncio
import datetime as dt

import msgspec
import pytest

from api.caching import COUNTERS, Cache, Epoch, MemoryLayer, Tallies, key_of

KEYS = [key_of("m", str(n), "v", b"") for n in range(8)]


class Clock:
    """Unix seconds that a test moves."""

    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock):
    return Cache(msgspec.msgpack.Decoder(str), clock=clock)


class Computation:
    """Gives ``answer N`` for position N, when the gate is open, and notes what it was asked for."""

    def __init__(self):
        self.asked = []
        self.gate = asyncio.Event()
        self.started = asyncio.Event()

    async def __call__(self, positions):
        self.asked.append(list(positions))
        self.started.set()
        await self.gate.wait()
        return [f"answer {position}" for position in positions]


def opened():
    computation = Computation()
    computation.gate.set()
    return computation


async def one_of_many(cache, compute):
    """Ask for one key in the way of a batch."""
    return (await cache.obtain(KEYS[:1], compute, ttl_s=60))[0]


async def one_alone(cache, compute):
    """Ask for one key in the short way."""

    async def alone():
        return (await compute([0]))[0]

    return await cache.obtain_one(KEYS[0], alone, ttl_s=60)


either_way = pytest.mark.parametrize("ask", [one_of_many, one_alone])


def origins(obtained):
    return [one.origin for one in obtained]


async def test_a_second_call_is_answered_from_memory(cache):
    """
    The first computes, the second does not, and both get the same.
    """
    compute = opened()

    first = await cache.obtain(KEYS[:2], compute, ttl_s=60)
    second = await cache.obtain(KEYS[:2], compute, ttl_s=60)

    assert [one.payload for one in first] == [one.payload for one in second] == ["answer 0", "answer 1"]
    assert (origins(first), origins(second)) == (["computed"] * 2, ["memory"] * 2)
    assert [one.is_cached for one in first + second] == [False, False, True, True]
    assert compute.asked == [[0, 1]]
    assert (cache.peek(KEYS[0]), cache.peek(KEYS[5])) == ("answer 0", None)


async def test_only_what_is_missing_is_computed_and_each_once(cache):
    """
    Of six keys with one known and one asked for twice, four are computed in one call, in order.
    """
    cache.put(KEYS[1], "known", 60)
    compute = opened()

    obtained = await cache.obtain([KEYS[i] for i in (0, 1, 0, 2, 3, 4)], compute, ttl_s=60)

    assert [one.payload for one in obtained] == ["answer 0", "known", "answer 0", "answer 3", "answer 4", "answer 5"]
    assert compute.asked == [[0, 3, 4, 5]]


@either_way
async def test_a_thousand_equal_misses_compute_once(cache, ask):
    """
    A thousand callers that come together get one computation's payload.
    """
    compute = Computation()
    callers = [asyncio.create_task(ask(cache, compute)) for _ in range(1000)]
    await compute.started.wait()
    compute.gate.set()

    obtained = await asyncio.gather(*callers)

    assert {one.payload for one in obtained} == {"answer 0"}
    assert sorted(origins(obtained)) == ["computed"] + ["shared"] * 999
    assert len(compute.asked) == 1
    assert (cache.stats().misses, cache.stats().shared) == (1000, 999)


@either_way
async def test_who_waits_for_a_failing_computation_computes_himself(cache, ask):
    """
    The first caller's exception is his alone; the others get their payloads, and the exception is not kept.
    """
    gate = asyncio.Event()

    async def fail(positions):
        await gate.wait()
        raise TimeoutError("the deadline of the first caller")

    first = asyncio.create_task(ask(cache, fail))
    await asyncio.sleep(0)
    compute = opened()
    others = [asyncio.create_task(cache.obtain(KEYS[:2], compute, ttl_s=60)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()

    with pytest.raises(TimeoutError, match="first caller"):
        await first
    for other in others:
        assert [one.payload for one in await other] == ["answer 0", "answer 1"]


async def test_an_exception_of_one_key_is_handed_out_and_not_kept(cache):
    """
    A computation may fail for one of its keys: that one is asked for again next time.
    """

    async def fail_second(positions):
        return ["good", LookupError("no such match")]

    first = await cache.obtain(KEYS[:2], fail_second, ttl_s=60)
    second = await cache.obtain(KEYS[:2], opened(), ttl_s=60)

    assert isinstance(first[1].payload, LookupError)
    assert [(one.payload, one.origin) for one in second] == [("good", "memory"), ("answer 1", "computed")]


@either_way
async def test_who_waits_for_a_cancelled_computation_computes_himself(cache, ask):
    """
    The client of the first caller hangs up; nobody else notices.
    """
    first_compute, compute = Computation(), opened()
    first = asyncio.create_task(ask(cache, first_compute))
    await first_compute.started.wait()
    others = [asyncio.create_task(ask(cache, compute)) for _ in range(3)]
    await asyncio.sleep(0)

    first.cancel()

    assert [(await other).payload for other in others] == ["answer 0"] * 3


@either_way
async def test_a_cancelled_waiter_takes_nothing_from_the_others(cache, ask):
    """
    Of two who wait one gives up; the computation goes on, and the other gets its payload.
    """
    compute = Computation()
    leader, leaver, stayer = (asyncio.create_task(ask(cache, compute)) for _ in range(3))
    await compute.started.wait()
    await asyncio.sleep(0)

    leaver.cancel()
    await asyncio.sleep(0)
    compute.gate.set()

    assert [(await task).payload for task in (leader, stayer)] == ["answer 0"] * 2
    assert leaver.cancelled()
    assert len(compute.asked) == 1


async def test_calls_that_want_each_others_keys_do_not_wait_for_ever(cache):
    """
    Two batches that overlap in both directions end, with each key computed once.
    """
    compute = Computation()
    calls = [
        asyncio.create_task(cache.obtain(keys, compute, ttl_s=60)) for keys in (KEYS[:4], KEYS[3:0:-1] + KEYS[4:6])
    ]
    await compute.started.wait()
    compute.gate.set()

    first, second = await asyncio.wait_for(asyncio.gather(*calls), 10)

    assert len(first) == 4
    assert origins(second) == ["shared"] * 3 + ["computed"] * 2


async def test_force_computes_anew_and_keeps_that(cache):
    """
    A forced call reads nothing and waits for nobody; the next one finds what it computed.
    """
    cache.put(KEYS[0], "old", 60)
    slow = Computation()
    slow_call = asyncio.create_task(cache.obtain(KEYS[1:2], slow, ttl_s=60))
    await slow.started.wait()

    forced = await cache.obtain(KEYS[:2], opened(), ttl_s=60, force=True)

    assert [(one.payload, one.origin) for one in forced] == [("answer 0", "computed"), ("answer 1", "computed")]
    assert cache.peek(KEYS[0]) == "answer 0"
    slow.gate.set()
    assert (await slow_call)[0].payload == "answer 0"


async def test_a_computation_that_loses_count_is_refused(cache):
    """
    One payload for two keys is an error that says so, and leaves nothing waiting.
    """

    async def one_short(positions):
        return ["only one"]

    with pytest.raises(ValueError, match="asked for 2 payloads and gave 1"):
        await cache.obtain(KEYS[:2], one_short, ttl_s=60)
    assert (await cache.obtain(KEYS[:1], opened(), ttl_s=60))[0].payload == "answer 0"


def lifetime_of(cache, clock, key):
    start, n = clock.now, 0
    while cache.peek(key) is not None:
        n += 1
        clock.now = start + n
    clock.now = start
    return n


def test_lifetimes_scatter_by_a_tenth(cache, clock):
    """
    Of two hundred entries of 300 s none lives outside of 270-330 s, and they do not expire together.
    """
    keys = [key_of("m", str(n), "v", b"") for n in range(200)]
    for key in keys:
        cache.put(key, "x", 300)

    lifetimes = [lifetime_of(cache, clock, key) for key in keys]

    assert 270 <= min(lifetimes) < 290
    assert 310 < max(lifetimes) <= 330


@pytest.mark.parametrize(
    "as_time", [lambda s: s, lambda s: dt.datetime.fromtimestamp(s, dt.timezone(dt.timedelta(hours=9)))]
)
def test_nothing_lives_past_its_kick_off(cache, clock, as_time):
    """
    An entry of 300 s ends at a kick-off in 100 s, given as seconds or in any zone; after it nothing is kept.
    """
    cache.put(KEYS[0], "x", 300, as_time(clock.now + 100))
    cache.put(KEYS[1], "x", 300, as_time(clock.now - 1))
    cache.put(KEYS[2], "x", 0)

    assert lifetime_of(cache, clock, KEYS[0]) == 100
    assert cache.peek(KEYS[1]) is None
    assert cache.peek(KEYS[2]) is None


async def test_the_kick_off_of_a_computed_payload_bounds_it(cache, clock):
    """
    obtain asks each payload for its own end.
    """
    await cache.obtain(KEYS[:2], opened(), ttl_s=300, until=lambda text: clock.now + (5 if text == "answer 0" else 9))

    assert [lifetime_of(cache, clock, key) for key in KEYS[:2]] == [5, 9]


@either_way
async def test_what_was_computed_before_a_purge_is_not_kept_after(cache, ask):
    """
    A purge during a computation: its caller gets the payload, later callers compute anew.
    """
    compute = Computation()
    call = asyncio.create_task(ask(cache, compute))
    await compute.started.wait()

    await cache.delete("*")
    later = await ask(cache, opened())
    cache.put(KEYS[0], "new", 60)
    compute.gate.set()

    assert ((await call).payload, later.origin) == ("answer 0", "computed")
    assert cache.peek(KEYS[0]) == "new"


async def test_a_lone_failure_is_handed_out_and_not_kept(cache):
    """
    One key whose computation fails is asked for again next time.
    """

    async def fail(positions):
        return [LookupError("no such match")]

    first = await one_alone(cache, fail)
    second = [await one_alone(cache, opened()) for _ in range(2)]

    assert isinstance(first.payload, LookupError)
    assert origins(second) == ["computed", "memory"]


async def test_a_purge_reaches_the_memory_of_every_worker(tmp_path, clock):
    """
    Two workers of a server: what one purges the other does not serve; the counts are of both.
    """
    decoder = msgspec.msgpack.Decoder(str)
    one, two = (
        Cache(decoder, tallies=Tallies(COUNTERS, tmp_path), epoch=Epoch(tmp_path), clock=clock) for _ in range(2)
    )
    one.put(KEYS[0], "x", 60)
    two.put(KEYS[0], "x", 60)
    two.put(KEYS[1], "y", 60)

    purge = await one.delete("m:0")

    assert (purge.deleted, purge.is_complete) == (1, True)
    assert (one.peek(KEYS[0]), two.peek(KEYS[0])) == (None, None)
    two.put(KEYS[1], "again", 60)
    assert two.peek(KEYS[1]) == "again"
    await two.delete("*")
    one.put(KEYS[2], "z", 60)
    assert (await one.delete("*")).deleted == 1
    assert one.stats().sets == two.stats().sets == 5
    for cache in (one, two):
        await cache.close()


async def test_statistics_tell_what_happened(cache, clock):
    """
    Hits, misses, sets and deletes are counted; rates are 0-1; before anything happened there is no rate.
    """
    assert (cache.stats().hit_rate, cache.stats().last_operation) == (None, None)
    await cache.obtain(KEYS[:2], opened(), ttl_s=60)
    clock.now += 1
    assert await cache.get_many(KEYS[:3]) == ["answer 0", "answer 1", None]
    assert await cache.get_many(KEYS[:2]) == ["answer 0", "answer 1"]

    stats = cache.stats()

    assert (stats.hits, stats.memory_hits, stats.misses, stats.sets, stats.deletes) == (4, 4, 3, 2, 0)
    assert (stats.hit_rate, stats.total_operations) == (4 / 7, 9)
    assert (stats.is_healthy, stats.breaker, await cache.health()) == (True, None, None)
    assert (stats.last_operation.operation, stats.last_operation.cache_key) == ("get", KEYS[1])
    assert stats.last_operation.timestamp.timestamp() == clock.now
    assert (stats.memory_entries, stats.memory_bytes > 0) == (2, True)
    await cache.delete("m:0")
    assert (cache.stats().deletes, cache.stats().last_operation.operation) == (1, "delete")
    assert set(stats.odd_values.values()) == {0}


async def test_no_memory_is_bounded_by_what_payloads_keep_alive(clock):
    """
    With a size of its own a payload needs no encoding, and the oldest leaves when the bytes are used up.
    """
    memory = MemoryLayer(most_bytes=2000)
    cache = Cache(msgspec.msgpack.Decoder(object), size_of=lambda _: 500, memory=memory, clock=clock)
    for key in KEYS[:3]:
        cache.put(key, object(), 60)

    assert [cache.peek(key) is None for key in KEYS[:3]] == [True, False, False]
