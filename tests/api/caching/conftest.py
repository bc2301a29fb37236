"""A real Redis for the session, emptied and healed before each test, and layers over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from fault_proxy import FaultProxy
from redis_process import BINARY, RedisProcess

from api.caching import COUNTERS, EntryCodec, Tallies
from api.caching.breaker import Breaker
from api.caching.redis_layer import RedisLayer

SECRET = b"a secret of the tests, 32 bytes."


@pytest.fixture(scope="session")
def redis_of_session(tmp_path_factory) -> Iterator[RedisProcess]:
    if BINARY is None:
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    server = RedisProcess(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis(redis_of_session) -> RedisProcess:
    redis_of_session.say("CONFIG", "SET", "maxmemory", "0")
    redis_of_session.say("CONFIG", "SET", "min-replicas-to-write", "0")
    redis_of_session.say("FLUSHALL")
    return redis_of_session


@pytest.fixture
def tallies() -> Tallies:
    return Tallies(COUNTERS)


@pytest.fixture
def codec() -> EntryCodec:
    return EntryCodec([SECRET])


@pytest_asyncio.fixture
async def layers(codec, tallies) -> AsyncIterator:
    """Make layers that are patient where a test is about something else, and close them."""
    made: list[RedisLayer] = []

    def make(url: str, **options) -> RedisLayer:
        patient = {"connect_timeout_s": 1.0, "read_timeout_s": 1.0, "write_timeout_s": 1.0, "admin_timeout_s": 2.0}
        made.append(RedisLayer(url, options.pop("codec", codec), tallies, **{**patient, **options}))
        return made[-1]

    yield make
    for layer in made:
        await layer.close()


@pytest_asyncio.fixture
async def proxy(redis) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(redis.port) as proxy:
        yield proxy


@pytest.fixture
def never_open() -> Breaker:
    """A breaker that lets everything through."""
    return Breaker(threshold=10**9)
