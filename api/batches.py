"""The batch routes: many predictions, computed together, each answered or refused on its own."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from api import catalogue
from api.bodies import decode, decode_item, plain_json, read_body, require_at_most
from api.context import Context
from api.errors import Code, Refusal, refusal_of
from api.exchange import Answer, Call
from api.path_parameters import model_name_in
from api.prediction_template import bodies_of
from api.questions import query_of
from api.requests import BatchPredictionRequest, PredictionRequest
from api.responses import BatchError, BatchPrediction
from api.router import Route
from api.violations import shortened
from runners.errors import PredictionFailure
from runners.queries import Forecast, PredictionQuery

Question: TypeAlias = tuple[PredictionRequest, PredictionQuery]
Reply: TypeAlias = tuple[PredictionRequest, Forecast]

_item = msgspec.json.Decoder(PredictionRequest)
_batch = msgspec.json.Decoder(BatchPredictionRequest)
_encoder = msgspec.json.Encoder()


class BatchDesk:
    """Answer the batch routes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def predict(self, call: Call) -> Answer:
        """Predict many matches, each with the model that it names."""
        return await self._predict(call, None)

    async def predict_with(self, call: Call) -> Answer:
        """Predict many matches with the model that the URL names."""
        return await self._predict(call, model_name_in(call))

    async def _predict(self, call: Call, model_name: str | None) -> Answer:
        batch = await self._read(call)
        call.predictions = len(batch.requests)
        questions = [_question(item, index, model_name) for index, item in enumerate(batch.requests)]
        replies, milliseconds = await self._replies(questions)
        sent = iter(_sent(replies, call.request_id, milliseconds))
        entries = [
            _error_entry(reply, index, batch.requests[index]) if isinstance(reply, Refusal) else next(sent)
            for index, reply in enumerate(replies)
        ]
        return Answer(200, _encoder.encode(_summary(batch.batch_id, entries, call.started)))

    async def _read(self, call: Call) -> BatchPredictionRequest:
        settings = self._context.settings
        body = await read_body(call, limit_bytes=settings.max_body_bytes)
        batch = decode(body, _batch)
        plain_json(body)
        require_at_most(settings.max_batch_size, len(batch.requests), "requests")
        return batch

    async def _replies(self, questions: Sequence[Question | Refusal]) -> tuple[list[Reply | Refusal], float]:
        """Ask the backend once for all questions that could be read, and put its answers in their places."""
        asked = [question[1] for question in questions if not isinstance(question, Refusal)]
        answers, milliseconds = await self._context.forecasts(asked) if asked else ([], 0.0)
        waiting = iter(answers)
        replies: list[Reply | Refusal] = []
        for index, question in enumerate(questions):
            if isinstance(question, Refusal):
                replies.append(question)
                continue
            answer = next(waiting)
            if isinstance(answer, PredictionFailure):
                replies.append(self._refused(answer, index))
            else:
                replies.append((question[0], answer))
        return replies, milliseconds

    def _refused(self, failure: PredictionFailure, index: int) -> Refusal:
        refusal = refusal_of(failure, prefix=f"$.requests[{index}]")
        if refusal.code is Code.INTERNAL_ERROR:
            self._context.counters.internal_errors += 1
        return refusal


def batch_routes(context: Context) -> tuple[Route, ...]:
    """Return the batch routes."""
    desk = BatchDesk(context)
    return (
        Route("POST", "/v1/predictions/predict/batch", desk.predict, catalogue.PREDICT_BATCH),
        Route("POST", "/v1/predictions/batch/{model_name}", desk.predict_with, catalogue.PREDICT_BATCH_WITH),
    )


def _question(item: msgspec.Raw, index: int, model_name: str | None) -> Question | Refusal:
    root = f"$.requests[{index}]"
    try:
        request = decode_item(item, _item, root=root)
        return request, query_of(request, root=root, model_name=model_name)
    except Refusal as refusal:
        return refusal


def _sent(replies: Sequence[Reply | Refusal], request_id: str, milliseconds: float) -> list[msgspec.Raw]:
    """Return the encoded predictions among the replies."""
    answered = [reply for reply in replies if not isinstance(reply, Refusal)]
    requests, forecasts = [request for request, _ in answered], [forecast for _, forecast in answered]
    bodies = bodies_of(forecasts, requests, dt.datetime.now(dt.UTC))
    identity = request_id.encode()
    return [msgspec.Raw(body.sent(identity, milliseconds=milliseconds, cached=False)) for body in bodies]


def _error_entry(refusal: Refusal, index: int, item: msgspec.Raw) -> BatchError:
    content = plain_json(item)
    match_id = content.get("match_id") if isinstance(content, dict) else None
    return BatchError(
        request_index=index,
        match_id=shortened(match_id) if isinstance(match_id, str) else None,
        error=refusal.code,
        message=refusal.message,
        details=refusal.details,
    )


def _summary(batch_id: str | None, entries: Sequence[msgspec.Raw | BatchError], started: float) -> BatchPrediction:
    errors = [entry for entry in entries if isinstance(entry, BatchError)]
    return BatchPrediction(
        batch_id=batch_id or uuid.uuid4().hex,
        total_requests=len(entries),
        successful_predictions=len(entries) - len(errors),
        failed_predictions=len(errors),
        predictions=list(entries),
        errors=errors,
        batch_time_ms=(time.perf_counter() - started) * 1e3,
        cached_count=0,
    )
