"""Encoded predictions, from the cache or computed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Sequence
from typing import Final, TypeAlias

import msgspec

from api.caching import Cache, Obtained, key_of
from api.context import Context
from api.prediction_body import PredictionBody
from api.prediction_template import bodies_of
from api.requests import PredictionRequest
from runners.errors import ModelVersionNotFound, Overloaded, PredictionFailure
from runners.queries import Forecast, PredictionQuery

Asked: TypeAlias = tuple[PredictionRequest, PredictionQuery]
Given: TypeAlias = Obtained[PredictionBody]

MOST_SPELLINGS: Final = 8_192
LONGEST_SPELLING: Final = 512
WARMED_TOGETHER: Final = 100

_pack = msgspec.msgpack.Encoder().encode


class Answers:
    """Answer requests.

    Args:
        context: What every handler works with.
        cache: None to compute every answer.
        ttl_s: Seconds for which an answer may be sent again.
    """

    def __init__(self, context: Context, cache: Cache[PredictionBody] | None, *, ttl_s: float) -> None:
        self._context, self._cache, self._ttl_s = context, cache, ttl_s
        # How a request was spelled -> the model it names, the version of everything behind the answer, and its key.
        self._spelled: dict[Hashable, tuple[str, str | None, str, str]] = {}

    async def of(self, asked: Sequence[Asked]) -> list[Given]:
        """Return the encoded prediction, or the failure, of each request, in order.

        Args:
            asked: Requests and what they mean.
        """
        if any(query.model_version is not None for _, query in asked):  # one deadline for loading and answering
            return await self._context.deadlines.within(self._of(asked))
        return await self._of(asked)

    async def _of(self, asked: Sequence[Asked]) -> list[Given]:
        if self._cache is None:
            return [Obtained(answer, "computed") for answer in await self._computed(asked)]
        keys: dict[int, str] = {}
        lacking = await self._context.lacking([query for _, query in asked])
        given: dict[int, Given] = {place: Obtained(failure, "computed") for place, failure in lacking.items()}
        for place, (_, query) in enumerate(asked):
            if place in given:
                continue
            try:
                name, token = self._context.backend.version_of(query.model_name, query.model_version)
            except ModelVersionNotFound:  # let go since
                given[place] = Obtained(Overloaded(retry_after_s=1), "computed")
                continue
            except PredictionFailure as failure:
                given[place] = Obtained(failure, "computed")
                continue
            keys[place] = key_of(name, query.match_id, token, canonical_of(query))
        for force in (False, True):
            places = [place for place in keys if asked[place][0].force_recalculate == force]
            if places:
                obtained = await self._obtained([asked[i] for i in places], [keys[i] for i in places], force=force)
                given |= zip(places, obtained, strict=True)
        return [given[place] for place in range(len(asked))]

    async def to(self, request: PredictionRequest, query: PredictionQuery, *, spelled: Hashable = None) -> Given:
        """Return the encoded prediction, or the failure, of one request, as ``of`` does for many.

        Args:
            spelled: How the request was written, to be found by ``again``; None not to be.
        """
        if self._cache is None or query.model_version is not None:
            return (await self.of([(request, query)]))[0]
        try:
            name, token = self._context.backend.version_of(query.model_name, query.model_version)
        except PredictionFailure as failure:
            return Obtained(failure, "computed")
        key = key_of(name, query.match_id, token, canonical_of(query))
        if spelled is not None and not request.force_recalculate:
            self._remember(spelled, query, token, key)

        async def compute() -> PredictionBody | Exception:
            return (await self._context.written((query,), _bodies))[0]

        return await self._cache.obtain_one(
            key, compute, ttl_s=self._ttl_s, until=_until, force=request.force_recalculate
        )

    def again(self, spelled: Hashable) -> PredictionBody | None:
        """Return the answer to a request that was spelled the same before, if it is in memory and still true."""
        known = self._spelled.get(spelled)
        if known is None or self._cache is None:
            return None
        name, version, token, key = known
        try:
            if self._context.backend.version_of(name, version)[1] != token:
                return None
        except PredictionFailure:
            return None
        return self._cache.peek(key)

    async def warm(self, most: int) -> int:
        """Answer the plain question for up to so many coming fixtures; return how many answers are at hand.

        A failure is no reason not to serve: it is met again, and told, when somebody asks.
        """
        if self._cache is None or most == 0 or not self._context.backend.condition().newest_result_at:
            return 0
        page = self._context.backend.fixtures(
            competition=None,
            earliest=dt.datetime.now(dt.UTC),
            latest=None,
            team=None,
            status=None,
            offset=0,
            limit=most,
        )
        ids = [match.match_id for match in page.matches if match.match_id is not None]
        given: list[Given] = []
        for first in range(0, len(ids), WARMED_TOGETHER):
            asked = [
                (PredictionRequest(), PredictionQuery(match_id=one)) for one in ids[first : first + WARMED_TOGETHER]
            ]
            given += await self.of(asked)
        return sum(not isinstance(one.payload, Exception) for one in given)

    async def _obtained(self, asked: Sequence[Asked], keys: Sequence[str], *, force: bool) -> list[Given]:
        assert self._cache is not None

        async def compute(positions: Sequence[int]) -> Sequence[PredictionBody | Exception]:
            return await self._computed([asked[position] for position in positions])

        return await self._cache.obtain(keys, compute, ttl_s=self._ttl_s, until=_until, force=force)

    async def _computed(self, asked: Sequence[Asked]) -> list[PredictionBody | PredictionFailure]:
        return await self._context.written([query for _, query in asked], _bodies)

    def _remember(self, spelled: Hashable, query: PredictionQuery, token: str, key: str) -> None:
        if len(self._spelled) >= MOST_SPELLINGS:
            self._spelled.clear()
        self._spelled[spelled] = (query.model_name, query.model_version, token, key)


def canonical_of(query: PredictionQuery) -> bytes:
    """Return what an answer depends on beside the model and the match id, in one spelling.

    >>> canonical_of(PredictionQuery(match_id="m"))
    b'winner'
    """
    described = query.described
    if described is None and query.as_of is None and not (query.overrides or query.explain):
        return query.prediction_type.encode()
    parts = (
        None if described is None else (described.home_team, described.away_team, described.competition),
        None if described is None else (described.kickoff, described.is_neutral_venue),
        None if query.as_of is None else query.as_of.astimezone(dt.UTC),
        sorted(query.overrides.items()),
        query.explain,
    )
    return query.prediction_type.encode() + _pack(parts)


def _bodies(forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery]) -> list[PredictionBody]:
    return bodies_of(forecasts, queries, dt.datetime.now(dt.UTC))


def _until(body: PredictionBody) -> float:
    return body.usable_until
