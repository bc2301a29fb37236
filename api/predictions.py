"""The routes that predict one match, named in the body or in the URL."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from api import catalogue
from api.answers import LONGEST_SPELLING, Answers
from api.bodies import decode
from api.context import Context
from api.errors import refusal_of
from api.exchange import Answer, Call
from api.path_parameters import IN_URL, match_id_in, model_name_in
from api.questions import query_of
from api.requests import PredictionRequest
from api.router import Route
from runners.errors import PredictionFailure
from runners.queries import PredictionQuery

_request = msgspec.json.Decoder(PredictionRequest)


class PredictionDesk:
    """Answer the prediction routes."""

    def __init__(self, context: Context, answers: Answers) -> None:
        self._context, self._answers = context, answers

    async def predict(self, call: Call) -> Answer:
        """Predict the match that the body names."""
        body = await self._body(call)
        if (known := self._again(call, body)) is not None:
            return known
        request = decode(body, _request)
        return await self._one(call, request, query_of(request), body, {})

    async def predict_known(self, call: Call) -> Answer:
        """Predict the match that the URL names; the body may be empty."""
        body = await self._body(call)
        if (known := self._again(call, body)) is not None:
            return known
        model_name, match_id = model_name_in(call), match_id_in(call)
        request = decode(body or b"{}", _request)
        query = query_of(request, model_name=model_name, match_id=match_id)
        return await self._one(call, request, query, body, IN_URL)

    async def _body(self, call: Call) -> bytes:
        return await self._context.body(call)

    def _again(self, call: Call, body: bytes) -> Answer | None:
        """Return the answer that the same bytes got before, if it still holds."""
        known = self._answers.again((call.raw_path, body))
        if known is None:
            return None
        call.predictions = 1
        milliseconds = (time.perf_counter() - call.started) * 1e3
        self._context.counters.count(succeeded=1, failed=0, milliseconds=milliseconds)
        return Answer(200, known.sent(call.request_id.encode(), milliseconds=milliseconds, cached=True))

    async def _one(
        self, call: Call, request: PredictionRequest, query: PredictionQuery, body: bytes, places: Mapping[str, str]
    ) -> Answer:
        call.predictions = 1
        spelled = (call.raw_path, body) if len(body) <= LONGEST_SPELLING else None
        with self._context.counting(1) as count:
            given = await self._answers.to(request, query, spelled=spelled)
            if isinstance(given.payload, PredictionFailure):
                raise refusal_of(given.payload, places=places)
            if isinstance(given.payload, Exception):
                raise given.payload
            count.succeeded = 1
        milliseconds = (time.perf_counter() - call.started) * 1e3
        sent = given.payload.sent(call.request_id.encode(), milliseconds=milliseconds, cached=given.is_cached)
        return Answer(200, sent)


def prediction_routes(context: Context, answers: Answers) -> tuple[Route, ...]:
    """Return the prediction routes."""
    desk = PredictionDesk(context, answers)
    return (
        Route("POST", "/v1/predictions/{model_name}/{match_id}", desk.predict_known, catalogue.PREDICT_KNOWN),
        Route("POST", "/v1/predictions/predict", desk.predict, catalogue.PREDICT),
    )
