"""The routes that predict one match, named in the body or in the URL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from api import catalogue
from api.bodies import decode, read_body
from api.context import Context
from api.errors import refusal_of
from api.exchange import Answer, Call
from api.path_parameters import IN_URL, match_id_in, model_name_in
from api.prediction_template import bodies_of
from api.questions import query_of
from api.requests import PredictionRequest
from api.router import Route
from runners.errors import PredictionFailure
from runners.queries import PredictionQuery

_request = msgspec.json.Decoder(PredictionRequest)


class PredictionDesk:
    """Answer the prediction routes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def predict(self, call: Call) -> Answer:
        """Predict the match that the body names."""
        request = decode(await self._body(call), _request)
        return await self._one(call, request, query_of(request), {})

    async def predict_known(self, call: Call) -> Answer:
        """Predict the match that the URL names; the body may be empty."""
        model_name, match_id = model_name_in(call), match_id_in(call)
        request = decode(await self._body(call) or b"{}", _request)
        return await self._one(call, request, query_of(request, model_name=model_name, match_id=match_id), IN_URL)

    async def _body(self, call: Call) -> bytes:
        return await read_body(call, limit_bytes=self._context.settings.max_body_bytes)

    async def _one(
        self, call: Call, request: PredictionRequest, query: PredictionQuery, places: Mapping[str, str]
    ) -> Answer:
        call.predictions = 1
        (forecast,), milliseconds = await self._context.forecasts([query])
        if isinstance(forecast, PredictionFailure):
            raise refusal_of(forecast, places=places)
        (body,) = bodies_of([forecast], [request], dt.datetime.now(dt.UTC))
        return Answer(200, body.sent(call.request_id.encode(), milliseconds=milliseconds, cached=False))


def prediction_routes(context: Context) -> tuple[Route, ...]:
    """Return the prediction routes."""
    desk = PredictionDesk(context)
    return (
        Route("POST", "/v1/predictions/{model_name}/{match_id}", desk.predict_known, catalogue.PREDICT_KNOWN),
        Route("POST", "/v1/predictions/predict", desk.predict, catalogue.PREDICT),
    )
