"""Whatever Redis does, a read ends in time with what is there or with nothing, and never with somebody else's value."""

from __future__ import annotations

import asyncio
import socket
import struct
import time

import msgspec
import pytest
from ports import free_port
from redis_process import RedisProcess

from api.caching import Cache, KeyPattern, key_of
from api.caching.breaker import Breaker
from api.caching.entry import Stored
from api.caching.lines import LineFailure, Lines, command

KEYS = [key_of("m", str(n), "v", b"") for n in range(40)]
LONGEST_S = 2.0
"""No read may take this long: two hundred times its own limit, for a machine that is busy with other things."""

HASTY = {"connect_timeout_s": 0.1, "read_timeout_s": 0.05, "write_timeout_s": 0.1, "admin_timeout_s": 0.1}


async def bounded(work):
    return await asyncio.wait_for(work, LONGEST_S)


@pytest.fixture
def filled(redis, codec):
    """Forty values in Redis, written past the layer."""
    for n, key in enumerate(KEYS):
        redis.plant(key, codec.encode(key, Stored(time.time(), time.time() + 600, b"%d" % n)))
    return redis


def right(found, n):
    """Tell whether what was found under a key is nothing, or its own value."""
    return KEYS[n] not in found or found[KEYS[n]].payload == b"%d" % n


def quick():
    """A breaker that probes soon."""
    return Breaker(first_pause_s=0.05, longest_pause_s=0.1)


async def until_found(layer, n=0):
    """Read until the value is there again."""
    for _ in range(400):
        found = await bounded(layer.read([KEYS[n]]))
        if KEYS[n] in found:
            assert right(found, n)
            return
        await asyncio.sleep(0.01)
    pytest.fail("no value within 4 s of the repair")


async def test_nobody_listening_opens_the_breaker_at_once(layers, tallies):
    """
    With nothing at the port the first read is a miss, and later ones, writes too, do not even try.
    """
    layer = layers(f"redis://127.0.0.1:{free_port()}/0")

    assert await bounded(layer.read(KEYS[:1])) == {}
    assert layer.breaker_state == "open"
    assert await bounded(layer.read(KEYS[:1])) == {}
    layer.write(KEYS[0], b"x", expires_at=time.time() + 60)
    assert (tallies.totals()["errors"], tallies.totals()["dropped_writes"]) == (1, 1)


@pytest.mark.parametrize("host", ["does-not-exist.invalid", "a" * 300, "..", "256.256.256.256"])
async def test_a_name_that_does_not_resolve_is_a_miss(layers, host):
    """
    Names that nobody knows, or that are none.
    """
    assert await bounded(layers(f"redis://{host}:6379/0", **HASTY).read(KEYS[:1])) == {}


async def test_a_stopped_redis_costs_one_read_and_comes_back(filled, layers):
    """
    Frozen by SIGSTOP it accepts and says nothing: misses in time; after SIGCONT its values are found.
    """
    layer = layers(filled.url, breaker=quick(), **HASTY)
    await until_found(layer)
    filled.stop()
    try:
        for _ in range(20):
            assert await bounded(layer.read(KEYS[:3])) == {}
        assert layer.breaker_state != "closed"
        layer.write(KEYS[0], bytes(500_000), expires_at=time.time() + 60)
        await bounded(layer.flush())
        assert (await bounded(layer.health())).error is not None
        assert not (await bounded(layer.purge(KeyPattern("*")))).is_complete
    finally:
        filled.resume()

    await until_found(layer)


async def test_a_killed_redis_is_used_again_when_it_is_back(tmp_path, layers):
    """
    Killed with -9 while in use and started again on its port: misses between, values after.
    """
    redis = RedisProcess(tmp_path)
    redis.start()
    try:
        layer = layers(redis.url, breaker=quick())
        layer.write(KEYS[0], b"0", expires_at=time.time() + 60)
        await layer.flush()
        await until_found(layer)
        redis.kill()
        assert await bounded(layer.read(KEYS[:1])) == {}
        redis.start()
        for _ in range(100):
            await bounded(layer.read(KEYS[:1]))
            if layer.breaker_state == "closed":
                break
            await asyncio.sleep(0.02)
        layer.write(KEYS[0], b"0", expires_at=time.time() + 60)

        await until_found(layer)
    finally:
        redis.kill()


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("black hole", {}),
        ("slow", {"delay_s": 5.0}),
        ("drip", {"delay_s": 0.02}),
        ("cut", {"cut_after": 0}),
        ("cut", {"cut_after": 40}),
        ("refuse", {}),
        ("garbage", {"garbage": b"HTTP/1.1 400 Bad Request\r\n\r\n"}),
        ("garbage", {"garbage": b"*2147483647\r\n"}),
        ("garbage", {"garbage": b"*1\r\n" * 1000}),
        ("garbage", {"garbage": b"$2147483647\r\nx"}),
        ("garbage", {"garbage": b">3\r\n+message\r\n+a\r\n+b\r\n"}),
        ("garbage", {"garbage": b"%1\r\n+a\r\n+b\r\n"}),
        ("garbage", {"garbage": b":7\r\n"}),
        ("garbage", {"garbage": b"_\r\n"}),
        ("garbage", {"garbage": b"*0\r\n"}),
        ("garbage", {"garbage": b"*1\r\n:7\r\n"}),
        ("garbage", {"garbage": b"*1\r\n*1\r\n$1\r\na\r\n"}),
        ("garbage", {"garbage": b"+OK\r\n+OK\r\n+OK\r\n"}),
        ("garbage", {"garbage": b"-LOADING Redis is loading the dataset in memory\r\n"}),
        ("garbage", {"garbage": b"-NOPERM no\r\n"}),
        ("garbage", {"garbage": b"-MOVED 1 10.0.0.1:6379\r\n"}),
        ("garbage", {"garbage": b"*1\r\n-ERR inside\r\n"}),
        ("garbage", {"garbage": b"\0\xff" * 50_000}),
        ("garbage", {"garbage": b""}),
        ("garbage", {"garbage": b"+" + b"x" * 200_000}),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:40],
)
async def test_a_fault_between_us_and_redis_is_a_miss_and_heals(filled, proxy, layers, fault, options):
    """
    For connections that are open and for new ones: misses in time, no error; when it is over, values again.
    """
    layer = layers(proxy.url, breaker=quick(), **HASTY)
    await until_found(layer)
    await proxy.set(fault, **options)
    started = time.monotonic()
    for turn in range(30):
        found = await bounded(asyncio.gather(*(layer.read([KEYS[n]]) for n in range(5))))
        assert all(right(one, n) for n, one in enumerate(found)), turn
        layer.write(key_of("other", None, "v", b""), b"x", expires_at=time.time() + 60)
        await asyncio.sleep(0.002)
    await bounded(layer.health())
    await bounded(layer.flush())
    assert time.monotonic() - started < 4  # a tenth of it is needed; a list of 2^31 places alone takes six seconds

    await proxy.set("none")

    await until_found(layer, 3)


async def test_a_cut_at_any_byte_of_an_answer_is_a_miss_or_the_value(filled, proxy, layers, never_open):
    """
    The connection is reset after each number of bytes of an answer in turn; nothing wrong is ever read.
    """
    layer = layers(proxy.url, breaker=never_open)
    for cut_after in range(0, 120, 3):
        await proxy.set("cut", cut_after=cut_after)

        assert right(await bounded(layer.read(KEYS[:1])), 0)


async def test_a_late_answer_is_never_given_to_the_next_question(filled, proxy, layers, codec, tallies):
    """
    With answers that come after the deadline, and others in time, each question gets its own or nothing.
    """
    lines = Lines(proxy.url, most=4, connect_timeout_s=1)
    loop = asyncio.get_running_loop()
    await lines.ask([command(b"ECHO", b"first")], loop.time() + 2)
    n_late = 0
    for n in range(60):
        await proxy.set("slow" if n % 3 == 0 else "none", delay_s=0.02)
        try:
            answer = await lines.ask([command(b"ECHO", b"%d" % n)], loop.time() + (0.01 if n % 3 == 0 else 1))
        except LineFailure:
            n_late += 1
        else:
            assert answer == [b"%d" % n]
    lines.close()

    assert n_late == 20


async def test_a_question_that_is_given_up_leaves_no_answer_behind(filled, proxy):
    """
    Cancelled in mid-air, a hundred times at different moments: the next question on the line gets its own answer.
    """
    lines = Lines(proxy.url, most=4, connect_timeout_s=1)
    loop = asyncio.get_running_loop()
    for n in range(100):
        given_up = asyncio.create_task(lines.ask([command(b"ECHO", b"given up")], loop.time() + 1))
        await asyncio.sleep(n * 0.00002)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)

        assert await lines.ask([command(b"ECHO", b"%d" % n)], loop.time() + 2) == [b"%d" % n]
    lines.close()


async def test_an_answer_that_nobody_asked_for_ends_the_connection(filled, proxy):
    """
    A server that says more than it was asked loses the connection; what it said is given to nobody.
    """
    lines = Lines(proxy.url, most=1, connect_timeout_s=1)
    loop = asyncio.get_running_loop()
    await lines.ask([command(b"PING")], loop.time() + 2)
    await proxy.set("garbage", garbage=b"+PONG\r\n+intruder\r\n")
    await lines.ask([command(b"PING")], loop.time() + 2)
    await proxy.set("none")
    await asyncio.sleep(0.01)

    assert await lines.ask([command(b"ECHO", b"mine")], loop.time() + 2) == [b"mine"]
    assert proxy.n_connections == 2
    lines.close()


async def test_more_questions_than_connections_fail_at_once(filled, proxy):
    """
    Who finds no free connection does not wait for one.
    """
    await proxy.set("black hole")
    lines = Lines(proxy.url, most=2, connect_timeout_s=1)
    loop = asyncio.get_running_loop()
    waiting = [asyncio.create_task(lines.ask([command(b"PING")], loop.time() + 0.2)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(LineFailure, match="in use"):
        await lines.ask([command(b"PING")], loop.time() + 5)
    assert all(isinstance(one, LineFailure) for one in await asyncio.gather(*waiting, return_exceptions=True))


async def test_a_slow_redis_delays_a_thousand_reads_by_one_timeout(filled, proxy, layers):
    """
    A bulk of a thousand keys and many callers wait once, together, not one after the other.
    """
    layer = layers(proxy.url, **HASTY)
    await until_found(layer)
    await proxy.set("black hole")
    keys = [key_of("m", str(n), "w", b"") for n in range(1000)]
    started = time.monotonic()

    found = await bounded(asyncio.gather(layer.read(keys), *(layer.read([key]) for key in keys)))

    assert not any(found)
    assert time.monotonic() - started < 1.0


async def test_more_reads_than_may_be_under_way_gather_and_end_in_time(filled, proxy, layers, never_open):
    """
    With every connection waiting, later reads wait no longer than their own limit.
    """
    layer = layers(proxy.url, breaker=never_open, **HASTY)
    await until_found(layer)
    await proxy.set("slow", delay_s=0.02)
    reads = []
    for n in range(40):
        reads.append(asyncio.create_task(layer.read([KEYS[n]])))
        await asyncio.sleep(0.001)

    found = await bounded(asyncio.gather(*reads))

    assert all(right(one, n) for n, one in enumerate(found))


async def test_a_flapping_redis_is_not_stormed(filled, proxy, layers):
    """
    Up and down every 50 ms with a reader at work: values or misses, few connections, found again at the end.
    """
    layer = layers(proxy.url, breaker=Breaker(first_pause_s=0.2), **HASTY)
    for turn in range(16):
        await proxy.set("refuse" if turn % 2 else "none")
        ends = time.monotonic() + 0.05
        while time.monotonic() < ends:
            assert right(await bounded(layer.read([KEYS[turn]])), turn)
            await asyncio.sleep(0.001)
    n_connections = proxy.n_connections
    await proxy.set("none")

    await until_found(layer)
    assert n_connections <= 10


@pytest.mark.parametrize(
    "setting", [("maxmemory", "1"), ("min-replicas-to-write", "3")], ids=["full", "takes no writes"]
)
async def test_a_redis_that_refuses_writes_is_still_read(filled, layers, tallies, setting):
    """
    Full, or without the replicas it wants: values that are there are found, refused writes are counted.
    """
    layer = layers(filled.url)
    filled.say("CONFIG", "SET", *setting)
    for n in range(10):
        layer.write(key_of("other", str(n), "v", b""), b"x", expires_at=time.time() + 60)
    await layer.flush()

    assert right(found := await layer.read(KEYS[:1]), 0)
    assert found
    assert tallies.totals()["dropped_writes"] == 10
    assert layer.breaker_state == "closed"


async def test_a_replica_is_read_and_not_written(filled, layers, tallies):
    """
    A read-only replica of nobody serves what it has.
    """
    filled.say("REPLICAOF", "127.0.0.1", str(free_port()))
    try:
        layer = layers(filled.url)
        layer.write(key_of("other", None, "v", b""), b"x", expires_at=time.time() + 60)
        await layer.flush()

        assert (await layer.read(KEYS[:1]))[KEYS[0]].payload == b"0"
        assert tallies.totals()["dropped_writes"] == 1
    finally:
        filled.say("REPLICAOF", "NO", "ONE")


async def test_a_redis_that_is_emptied_all_the_time_gives_values_or_misses(redis, layers):
    """
    FLUSHALL between writes and reads: a value is its own or absent.
    """
    layer = layers(redis.url)
    for n in range(40):
        layer.write(KEYS[n], b"%d" % n, expires_at=time.time() + 60)
        if n % 3 == 0:
            await layer.flush()
            redis.say("FLUSHALL")

        assert right(await bounded(layer.read([KEYS[n]])), n)


async def test_a_queue_that_is_full_drops_and_counts(filled, layers, tallies):
    """
    Five thousand writes in one turn: those beyond the queue are dropped, the others arrive.
    """
    layer = layers(filled.url)
    filled.say("FLUSHALL")
    for n in range(5000):
        layer.write(key_of("m", str(n), "q", b""), b"x", expires_at=time.time() + 60)
    await layer.flush()

    dropped = tallies.totals()["dropped_writes"]
    assert dropped == 5000 - 4096
    assert filled.say("DBSIZE") == b":4096\r\n"


async def test_a_purge_that_redis_does_not_end_says_so(filled, proxy, layers, tallies):
    """
    Redis goes while it is looked through: the number so far, marked as incomplete; memory is emptied all the same.
    """
    layer = layers(proxy.url, **HASTY)
    cache = Cache(msgspec.msgpack.Decoder(str), redis=layer, tallies=tallies)
    cache.put(KEYS[0], "x", 60)
    await layer.flush()
    await proxy.set("garbage", garbage=b"*2\r\n$1\r\n0\r\n:3\r\n")

    purge = await bounded(cache.delete("*"))

    assert (purge.deleted, purge.is_complete, cache.peek(KEYS[0])) == (1, False, None)


async def test_keys_that_a_hostile_redis_offers_for_purging_are_not_touched(filled, proxy, layers):
    """
    A scan that names keys of others gets none of them removed.
    """
    layer = layers(proxy.url, **HASTY)
    await until_found(layer)
    names = [b"session:7", b"fp:2:a:b:0", b"\xff\xfe", b"*"]
    listing = b"".join(b"$%d\r\n%b\r\n" % (len(name), name) for name in names)
    await proxy.set("garbage", garbage=b"*2\r\n$1\r\n0\r\n*4\r\n" + listing)
    cache = Cache(msgspec.msgpack.Decoder(str), redis=layer)

    purge = await bounded(cache.delete("*"))

    assert (purge.deleted, purge.is_complete) == (0, True)


async def test_closing_with_reads_and_writes_under_way_gives_misses(filled, proxy, layers):
    """
    Whoever waits when the layer closes has a miss, at once.
    """
    layer = layers(proxy.url)
    await until_found(layer)
    await proxy.set("black hole")
    reads = [asyncio.create_task(layer.read([key])) for key in KEYS[:5]]
    layer.write(KEYS[0], b"x", expires_at=time.time() + 60)
    await asyncio.sleep(0.01)

    await bounded(layer.close())

    assert await bounded(asyncio.gather(*reads)) == [{}] * 5


async def test_a_port_that_resets_every_connection_is_a_miss(layers):
    """
    A listener that hangs up before the greeting.
    """

    async def hang_up(_, writer):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    layer = layers(f"redis://127.0.0.1:{port}/0", **HASTY)

    assert await bounded(layer.read(KEYS[:1])) == {}
    assert layer.breaker_state == "open"
    server.close()
