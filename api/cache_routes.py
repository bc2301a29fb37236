"""The cache routes: what it holds and does, how Redis is, and purging it."""

from __future__ import annotations

import datetime as dt

import msgspec

from api import catalogue
from api.cache_responses import CacheHealth, CachePurge
from api.caching import Cache
from api.context import Context
from api.errors import refusal_of
from api.exchange import Answer, Call
from api.path_parameters import IN_URL, model_name_in
from api.prediction_body import PredictionBody
from api.query_strings import decode_query
from api.requests import CacheQuery
from api.router import Route
from api.status import cache_status_of
from runners.errors import PredictionFailure, QueryInvalid

_encoder = msgspec.json.Encoder()


class CacheDesk:
    """Answer the cache routes."""

    def __init__(self, context: Context, cache: Cache[PredictionBody] | None) -> None:
        self._backend = context.backend
        self._is_off = cache is None
        # Where caching is switched off an empty one is reported on.
        self._cache = cache or Cache(msgspec.msgpack.Decoder(PredictionBody))

    async def stats(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Say what the cache holds and what all workers have counted."""
        return Answer(200, _encoder.encode(self._cache.stats()))

    async def health(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Ask Redis how it is; a cache that is not well is no reason for another status than 200."""
        redis = await self._cache.health()
        health = CacheHealth(
            status=cache_status_of(None if self._is_off else self._cache),
            response_time_ms=None if redis is None else redis.response_time_ms,
            redis_info=None if redis is None else redis.redis_info,
            error=None if redis is None else redis.error,
            cache_stats=self._cache.stats(),
            last_check=dt.datetime.now(dt.UTC),
        )
        return Answer(200, _encoder.encode(health))

    async def purge(self, call: Call) -> Answer:
        """Delete the answers that a pattern covers."""
        return await self._purge(decode_query(call.query, CacheQuery).pattern)

    async def purge_model(self, call: Call) -> Answer:
        """Delete the answers of one model."""
        try:
            name = self._backend.model(model_name_in(call)).name
        except PredictionFailure as failure:
            raise refusal_of(failure, places=IN_URL) from failure
        return await self._purge(f"{name}:*")

    async def _purge(self, pattern: str) -> Answer:
        try:
            purged = await self._cache.delete(pattern)
        except QueryInvalid as failure:
            raise refusal_of(failure, places={"$.pattern": "$.query.pattern"}) from failure
        receipt = CachePurge(
            status="success" if purged.is_complete else "partial",
            message="Answers of before are not sent again."
            if purged.is_complete
            else "Redis failed before all its keys were looked at; those that it still holds may be sent. Try again.",
            pattern=pattern,
            deleted_count=purged.deleted,
        )
        return Answer(200, _encoder.encode(receipt))


def cache_routes(context: Context, cache: Cache[PredictionBody] | None) -> tuple[Route, ...]:
    """Return the cache routes."""
    desk = CacheDesk(context, cache)
    return (
        Route("GET", "/v1/predictions/cache/stats", desk.stats, catalogue.CACHE_STATS),
        Route("GET", "/v1/predictions/cache/health", desk.health, catalogue.CACHE_HEALTH),
        Route("DELETE", "/v1/predictions/cache", desk.purge, catalogue.PURGE_CACHE),
        Route("DELETE", "/v1/predictions/models/{model_name}/cache", desk.purge_model, catalogue.PURGE_MODEL_CACHE),
    )
