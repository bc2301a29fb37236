"""Encoded predictions, from the cache or computed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from api.caching import Cache, Obtained, key_of
from api.context import Context
from api.observer import ForecastLog
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


class Named(NamedTuple):
    """Hold what a query comes to: the version that is to answer, all that is behind its answer, and its key."""

    version: str
    token: str
    key: str


class Answers:
    """Answer requests.

    Args:
        context: What every handler works with.
        cache: None to compute every answer.
        ttl_s: Seconds for which an answer may be sent again.
        logs: Told of what was computed.
    """

    def __init__(
        self, context: Context, cache: Cache[PredictionBody] | None, *, ttl_s: float, logs: Sequence[ForecastLog] = ()
    ) -> None:
        self._context, self._cache, self._ttl_s, self._logs = context, cache, ttl_s, logs
        # How a request without a version was spelled -> the model it names, the version behind its answer, and its key.
        self._spelled: dict[Hashable, tuple[str, str, str]] = {}

    async def of(self, asked: Sequence[Asked]) -> list[Given]:
        """Return the encoded prediction, or the failure, of each request, in order.

        Args:
            asked: Requests and what they mean.
        """
        if any(query.model_version is not None for _, query in asked):
            return await self._context.deadlines.within(self._once_loaded(asked))  # one for loading and answering
        return await self._given(asked, {})

    async def _once_loaded(self, asked: Sequence[Asked]) -> list[Given]:
        lacking = await self._context.lacking([query for _, query in asked])
        return await self._given(asked, {place: Obtained(failure, "computed") for place, failure in lacking.items()})

    async def _given(self, asked: Sequence[Asked], given: dict[int, Given]) -> list[Given]:
        """Answer all requests but those to which an answer is given already, by place."""
        if self._cache is None:
            places = [place for place in range(len(asked)) if place not in given]
            computed = await self._computed([asked[place] for place in places])
            given |= zip(places, (Obtained(one, "computed") for one in computed), strict=True)
            return [given[place] for place in range(len(asked))]
        named: dict[int, Named] = {}
        for place, (_, query) in enumerate(asked):
            if place in given:
                continue
            try:
                named[place] = self._named(query)
            except PredictionFailure as failure:
                given[place] = Obtained(failure, "computed")
        for force in (False, True):
            places = [place for place in named if asked[place][0].force_recalculate == force]
            if places:
                obtained = await self._obtained([asked[i] for i in places], [named[i] for i in places], force=force)
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
            named = self._named(query)
        except PredictionFailure as failure:
            return Obtained(failure, "computed")
        if spelled is not None and not request.force_recalculate:
            self._remember(spelled, query, named)

        async def compute() -> PredictionBody | Exception:
            return (await self._context.written((_by(query, named),), self._bodies))[0]

        return await self._cache.obtain_one(
            named.key, compute, ttl_s=self._ttl_s, until=_until, force=request.force_recalculate
        )

    def again(self, spelled: Hashable) -> PredictionBody | None:
        """Return the answer to a request that was spelled the same before, if it is in memory and still true."""
        known = self._spelled.get(spelled)
        if known is None or self._cache is None:
            return None
        name, token, key = known
        try:
            if self._context.backend.version_of(name, None)[2] != token:
                return None
        except PredictionFailure:
            return None
        return self._cache.peek(key)

    async def warm(self, most: int, *, model_name: str = "default", model_version: str | None = None) -> int:
        """Answer the plain question for up to so many coming fixtures; return how many answers are at hand.

        The answers of a version are found without its being named as soon as it is the one that serves.

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
            queries = (
                PredictionQuery(match_id=one, model_name=model_name, model_version=model_version)
                for one in ids[first : first + WARMED_TOGETHER]
            )
            given += await self.of([(PredictionRequest(), query) for query in queries])
        return sum(not isinstance(one.payload, Exception) for one in given)

    def _named(self, query: PredictionQuery) -> Named:
        """Return what a query comes to now. Raises PredictionFailure."""
        try:
            name, version, token = self._context.backend.version_of(query.model_name, query.model_version)
        except ModelVersionNotFound:  # it was had, so it was let go since
            raise Overloaded(retry_after_s=1) from None
        return Named(version, token, key_of(name, query.match_id, token, canonical_of(query)))

    async def _obtained(self, asked: Sequence[Asked], named: Sequence[Named], *, force: bool) -> list[Given]:
        assert self._cache is not None

        async def compute(positions: Sequence[int]) -> Sequence[PredictionBody | Exception]:
            return await self._computed([(asked[i][0], _by(asked[i][1], named[i])) for i in positions])

        keys = [one.key for one in named]
        return await self._cache.obtain(keys, compute, ttl_s=self._ttl_s, until=_until, force=force)

    async def _computed(self, asked: Sequence[Asked]) -> list[PredictionBody | PredictionFailure]:
        return await self._context.written([query for _, query in asked], self._bodies)

    def _bodies(self, forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery]) -> list[PredictionBody]:
        for log in self._logs:
            log.note(forecasts, queries)
        return bodies_of(forecasts, queries, dt.datetime.now(dt.UTC))

    def _remember(self, spelled: Hashable, query: PredictionQuery, named: Named) -> None:
        if len(self._spelled) >= MOST_SPELLINGS:
            self._spelled.clear()
        self._spelled[spelled] = (query.model_name, named.token, named.key)


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


def _by(query: PredictionQuery, named: Named) -> PredictionQuery:
    """Return a query to the version that its key names: another may serve before it is computed."""
    return query if query.model_version is not None else replace(query, model_version=named.version)


def _until(body: PredictionBody) -> float:
    return body.usable_until
