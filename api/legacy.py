"""The old API: its shapes and words, answered by the same backend, until the date on which it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from api import catalogue
from api.bodies import decode, require_at_most
from api.context import Context
from api.errors import Code, Refusal, refusal_of
from api.exchange import Answer, Call, Header
from api.headers import http_date, structured_date
from api.model_responses import OldBatch, OldCard, OldEndpoint, OldHealth, OldPrediction
from api.operations import Operation
from api.path_parameters import IN_URL, match_id_in
from api.presentation import match_of
from api.requests import OldBatchRequest, OldPredictRequest
from api.router import Route
from api.status import STATUSES, status_of
from runners.errors import PredictionFailure
from runners.queries import Forecast, PredictionQuery

OldOutcome: TypeAlias = Literal["home", "draw", "away"]

OUTCOMES: Final[tuple[OldOutcome, ...]] = ("home", "draw", "away")
SUCCESSORS: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "/predictions/{match_id}/predict"): "/v1/predictions/predict",
    ("POST", "/predictions/batch"): "/v1/predictions/predict/batch",
    ("GET", "/predictions/"): "/v1/predictions/models",
    ("GET", "/predictions/health"): "/v1/predictions/health",
}
CURRENT: Final = "default"

_request = msgspec.json.Decoder(OldPredictRequest)
_batch_request = msgspec.json.Decoder(OldBatchRequest)
_encoder = msgspec.json.Encoder()


class LegacyDesk:
    """Answer the old routes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.settings

    async def predict(self, call: Call) -> Answer:
        """Predict one match."""
        match_id = match_id_in(call)
        request = decode(await self._body(call) or b"{}", _request)
        call.predictions = 1
        with self._context.counting(1) as count:
            (answer,) = await self._context.forecasts([_query(match_id, request.model_version)])
            if isinstance(answer, PredictionFailure):
                raise refusal_of(answer, places=IN_URL)
            count.succeeded = 1
        return Answer(201, _encoder.encode(_old(answer, match_id, with_details=request.include_details)))

    async def predict_batch(self, call: Call) -> Answer:
        """Predict many matches; the ids that fail are named without their reasons, as ever."""
        request = decode(await self._body(call), _batch_request)
        require_at_most(self._settings.max_batch_size, len(request.match_ids), "match_ids")
        match_ids = [str(match_id) for match_id in request.match_ids]
        call.predictions = len(match_ids)
        with self._context.counting(len(match_ids)) as count:
            answers = await self._context.forecasts([_query(name, request.model_version) for name in match_ids])
            count.succeeded = sum(isinstance(answer, Forecast) for answer in answers)
        return Answer(200, _encoder.encode(_old_batch(match_ids, answers)))

    async def card(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """List the old endpoints and what replaces each."""
        card = OldCard(
            service="predictions",
            endpoints=[OldEndpoint(method=m, path=p, successor=new) for (m, p), new in SUCCESSORS.items()],
            deprecated_at=self._settings.old_api_deprecated_at.astimezone(dt.UTC),
            ends_at=self._settings.old_api_ends_at.astimezone(dt.UTC),
        )
        return Answer(200, _encoder.encode(card))

    async def health(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """Say how the service is."""
        status = self._context.backend.condition().status
        return Answer(status_of(status), _encoder.encode(OldHealth(status=STATUSES[status], service="predictions")))

    def until_the_end(
        self, handle: Callable[[Call], Awaitable[Answer]], successor: str
    ) -> Callable[[Call], Awaitable[Answer]]:
        """Return a handler that answers 410 once the old API has ended."""
        ends_at = self._settings.old_api_ends_at

        async def handle_or_refuse(call: Call) -> Answer:
            if dt.datetime.now(dt.UTC) >= ends_at:
                raise Refusal(
                    Code.GONE,
                    f"This API ended on {ends_at.astimezone(dt.UTC):%Y-%m-%d}. Use {successor}; /docs explains it.",
                    details={"successor": successor, "ended_at": ends_at.astimezone(dt.UTC)},
                )
            return await handle(call)

        return handle_or_refuse

    async def _body(self, call: Call) -> bytes:
        return await self._context.body(call)


def legacy_routes(context: Context) -> tuple[Route, ...]:
    """Return the old routes, each with the headers that tell callers when it ends and what replaces it."""
    desk = LegacyDesk(context)
    handlers: tuple[tuple[Callable[[Call], Awaitable[Answer]], Operation], ...] = (
        (desk.predict, catalogue.OLD_PREDICT),
        (desk.predict_batch, catalogue.OLD_BATCH),
        (desk.card, catalogue.OLD_CARD),
        (desk.health, catalogue.OLD_HEALTH),
    )
    return tuple(
        Route(method, path, desk.until_the_end(handle, successor), operation, _headers(context, successor))
        for ((method, path), successor), (handle, operation) in zip(SUCCESSORS.items(), handlers, strict=True)
    )


def _headers(context: Context, successor: str) -> tuple[Header, ...]:
    settings = context.settings
    return (
        (b"deprecation", structured_date(settings.old_api_deprecated_at).encode()),
        (b"sunset", http_date(settings.old_api_ends_at).encode()),
        (b"link", f'<{successor}>; rel="successor-version"'.encode()),
    )


def _query(match_id: str, model_version: str | None) -> PredictionQuery:
    return PredictionQuery(match_id=match_id, model_version=None if model_version == CURRENT else model_version)


def _old(forecast: Forecast, match_id: str, *, with_details: bool) -> OldPrediction:
    proba = [float(p) for p in forecast.proba]
    likeliest = proba.index(max(proba))
    return OldPrediction(
        match_id=match_id,
        home_win_prob=proba[0],
        draw_prob=proba[1],
        away_win_prob=proba[2],
        predicted_outcome=OUTCOMES[likeliest],
        confidence=proba[likeliest],
        model_version=forecast.model_version,
        predicted_at=dt.datetime.now(dt.UTC),
        details=match_of(forecast.match) if with_details else None,
    )


def _old_batch(match_ids: Sequence[str], answers: Sequence[Forecast | PredictionFailure]) -> OldBatch:
    pairs = list(zip(match_ids, answers, strict=True))
    predictions = [_old(answer, name, with_details=False) for name, answer in pairs if isinstance(answer, Forecast)]
    failed = [name for name, answer in pairs if isinstance(answer, PredictionFailure)]
    return OldBatch(
        predictions=predictions,
        total=len(pairs),
        success_count=len(predictions),
        failed_count=len(failed),
        failed_match_ids=failed,
    )
