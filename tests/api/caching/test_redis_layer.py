"""A real Redis behind the cache: values travel, are checked and purged, in few round trips and without waiting."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from api.caching import Cache, EntryCodec, key_of
from api.caching.entry import Oddity, Stored
from api.caching.keys import KeyPattern
from api.caching.redis_layer import RedisLayer

KEYS = [key_of("m", str(n), "v", b"") for n in range(300)]


class Forecast(msgspec.Struct, frozen=True):
    """A payload with something to be sound about."""

    p_home: float
    body: bytes


@pytest.fixture
def cache_over(tallies):
    def make(layer):
        decoder = msgspec.msgpack.Decoder(Forecast)
        return Cache(decoder, is_sound=lambda one: 0 <= one.p_home <= 1, redis=layer, tallies=tallies)

    return make


def info(redis, field):
    return next(line for line in redis.say("INFO", "ALL").split(b"\r\n") if line.startswith(field.encode()))


async def test_another_worker_finds_what_one_has_stored(redis, layers, cache_over):
    """
    The second cache reads from Redis, then from its memory; the payload is bit-equal and lives no longer.
    """
    one, two = cache_over(layers(redis.url)), cache_over(layers(redis.url))
    forecast = Forecast(0.1 + 0.2, b'{"p":0.30000000000000004}')
    one.put(KEYS[0], forecast, 300)
    await one.redis.flush()

    assert await two.get_many([KEYS[0], KEYS[1], KEYS[0]]) == [forecast, None, forecast]
    assert two.peek(KEYS[0]) == forecast
    obtained = await cache_over(layers(redis.url)).obtain(KEYS[:1], None, ttl_s=60)
    assert (obtained[0].origin, obtained[0].is_cached) == ("redis", True)
    stats = one.stats()
    assert (stats.redis_hits, stats.memory_hits, stats.misses, stats.sets) == (2, 1, 1, 1)
    assert 260_000 < int(redis.say("PTTL", KEYS[0])[1:]) <= 330_000


async def test_every_key_expires(redis, layers):
    """
    Of a thousand keys none is without an end, and none outlives its kick-off.
    """
    cache = Cache(msgspec.msgpack.Decoder(str), redis=layers(redis.url))
    for n in range(1000):
        cache.put(key_of("m", str(n), "v", b""), "x", 300, time.time() + 100)
    await cache.redis.flush()

    assert info(redis, "db0:").startswith(b"db0:keys=1000,expires=1000,")
    assert 0 < int(redis.say("PTTL", key_of("m", "7", "v", b""))[1:]) <= 100_000


async def test_reads_of_one_turn_are_one_command(redis, layers, codec):
    """
    Two hundred callers at once cost Redis two MGETs, each caller gets his own.
    """
    layer = layers(redis.url)
    for n in range(200):
        layer.write(KEYS[n], b"%d" % n, expires_at=time.time() + 60)
    await layer.flush()
    redis.say("CONFIG", "RESETSTAT")

    found = await asyncio.gather(*(layer.read([KEYS[n]]) for n in range(200)))

    assert [found[n][KEYS[n]].payload for n in range(200)] == [b"%d" % n for n in range(200)]
    assert info(redis, "cmdstat_mget:").startswith(b"cmdstat_mget:calls=2,")
    assert b"cmdstat_keys" not in redis.say("INFO", "commandstats")


async def test_a_caller_who_gives_up_takes_nothing_from_the_others(redis, layers):
    """
    Of fifty gathered callers every other one is cancelled before the answer comes.
    """
    layer = layers(redis.url)
    for n in range(50):
        layer.write(KEYS[n], b"%d" % n, expires_at=time.time() + 60)
    await layer.flush()
    for _ in range(20):
        readers = [asyncio.create_task(layer.read([KEYS[n]])) for n in range(50)]
        await asyncio.sleep(0)
        for reader in readers[::2]:
            reader.cancel()

        found = await asyncio.gather(*readers, return_exceptions=True)

        assert [found[n][KEYS[n]].payload for n in range(1, 50, 2)] == [b"%d" % n for n in range(1, 50, 2)]


async def test_odd_values_are_misses_counted_and_removed(redis, layers, codec, cache_over):
    """
    Planted values of every kind are not served, and are gone afterwards; the good one among them is served.
    """
    now = time.time()

    def written(key, payload, *, by=codec, expires_at=now + 60):
        return by.encode(key, Stored(now, expires_at, payload))

    good = msgspec.msgpack.encode(Forecast(0.5, b""))
    planted = {
        Oddity.SHORT: b"FP",
        Oddity.MAGIC: b"\x80\x05" + bytes(50),
        Oddity.SCHEMA: written(KEYS[2], good, by=EntryCodec([b"a secret of the tests, 32 bytes."], schema=2)),
        Oddity.MAC: written(KEYS[9], good),
        Oddity.TIMES: written(KEYS[4], good, expires_at=now - 1),
        Oddity.OVERSIZED: bytes(2 << 20),
        Oddity.UNSOUND: written(KEYS[6], msgspec.msgpack.encode(Forecast(1.5, b""))),
    }
    for n, value in enumerate(planted.values()):
        redis.plant(KEYS[n], value)
    redis.plant(KEYS[7], written(KEYS[7], b"no forecast"))
    redis.plant(KEYS[8], written(KEYS[8], good))
    cache = cache_over(layers(redis.url))

    found = await cache.get_many(KEYS[:9])
    await cache.redis.flush()

    assert found == [None] * 8 + [Forecast(0.5, b"")]
    odd = {reason: n for reason, n in cache.stats().odd_values.items() if n}
    assert odd == {**dict.fromkeys(planted, 1), Oddity.UNSOUND: 2}
    assert [redis.has(key) for key in KEYS[:9]] == [False] * 8 + [True]


async def test_a_value_that_should_have_expired_is_left_to_expire(redis, layers, codec, tallies):
    """
    Another machine's clock may be late: an expired value is a miss, and nobody else's loss.
    """
    now = time.time()
    redis.plant(KEYS[0], codec.encode(KEYS[0], Stored(now - 60, now - 1, b"x")))
    layer = layers(redis.url)

    assert await layer.read(KEYS[:1]) == {}
    await layer.flush()
    assert redis.has(KEYS[0])
    assert tallies.totals()["odd_expired"] == 1


async def test_a_key_of_another_type_is_a_miss(redis, layers):
    """
    A list where a value should be is no error.
    """
    redis.say("RPUSH", KEYS[0], "x")

    assert await layers(redis.url).read(KEYS[:2]) == {}


async def test_a_purge_takes_thousands_of_keys_and_uses_no_blocking_command(redis, layers, cache_over):
    """
    Three thousand keys of two models: those of one go, by SCAN and UNLINK, also what was still queued.
    """
    cache = cache_over(layers(redis.url))
    keys = {model: [key_of(model, str(n), "v", b"") for n in range(1500)] for model in "ab"}
    for key in keys["a"] + keys["b"]:
        cache.put(key, Forecast(0.5, b""), 60)
    await cache.redis.flush()
    redis.say("CONFIG", "RESETSTAT")
    late = key_of("a", "late", "v", b"")
    cache.put(late, Forecast(0.5, b""), 60)

    purge = await cache.delete(KeyPattern.of_model("a"))
    await cache.redis.flush()

    assert (purge.deleted, purge.is_complete) == (1501, True)
    assert info(redis, "db0:").startswith(b"db0:keys=1500,")
    assert not redis.has(late)
    commands = redis.say("INFO", "commandstats")
    assert all(name not in commands for name in (b"cmdstat_keys", b"cmdstat_del", b"cmdstat_flush"))


async def test_health_tells_how_redis_is(redis, layers, cache_over):
    """
    The time of a round trip and five numbers of Redis's own.
    """
    health = await cache_over(layers(redis.url)).health()

    assert (health.is_healthy, health.error) == (True, None)
    assert health.response_time_ms > 0
    assert set(health.redis_info) == {
        "used_memory",
        "connected_clients",
        "total_commands_processed",
        "keyspace_hits",
        "keyspace_misses",
    }


@pytest.mark.parametrize("url", ["http://x", "redis://h:port", "redis://h?unknown=1", "redis://h?db=x", "nothing"])
def test_a_url_that_is_none_is_refused_without_being_repeated(url, codec, tallies):
    """
    The message says what a URL looks like; it does not show the password that the wrong one may hold.
    """
    with pytest.raises(ValueError, match="redis://127") as refusal:
        RedisLayer(url.replace("//", "//user:hunter2@"), codec, tallies)
    assert "hunter2" not in str(refusal.value)


async def test_a_password_is_used(redis, layers):
    """
    With a password set, the right one reads and the wrong one has misses.
    """
    redis.say("CONFIG", "SET", "requirepass", "hunter2")
    try:
        right, wrong = (layers(f"redis://:{word}@127.0.0.1:{redis.port}/0") for word in ("hunter2", "guess"))
        right.write(KEYS[0], b"x", expires_at=time.time() + 60)
        await right.flush()

        assert [len(await layer.read(KEYS[:1])) for layer in (right, wrong)] == [1, 0]
        assert (right.breaker_state, wrong.breaker_state) == ("closed", "open")
    finally:
        await right._ask(b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$0\r\n\r\n")
