"""The batch routes: many predictions, computed together, each answered or refused on its own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from api import catalogue
from api.answers import Answers, Asked, Given
from api.bodies import decode, decode_item, plain_json, require_at_most
from api.context import Context
from api.errors import Code, Refusal, refusal_of
from api.exchange import Answer, Call
from api.path_parameters import model_name_in
from api.prediction_body import PredictionBody
from api.questions import query_of
from api.requests import BatchPredictionRequest, PredictionRequest
from api.responses import BatchError, BatchPrediction
from api.router import Route
from api.violations import shortened
from runners.errors import PredictionFailure

Reply: TypeAlias = tuple[PredictionBody, bool]  # and whether it was computed for an earlier request

_item = msgspec.json.Decoder(PredictionRequest)
_batch = msgspec.json.Decoder(BatchPredictionRequest)
_encoder = msgspec.json.Encoder()


class BatchDesk:
    """Answer the batch routes."""

    def __init__(self, context: Context, answers: Answers) -> None:
        self._context, self._answers = context, answers

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
        with self._context.counting(sum(not isinstance(question, Refusal) for question in questions)) as count:
            replies = await self._replies(questions)
            _refuse_if_overloaded(replies)
            count.succeeded = sum(not isinstance(reply, Refusal) for reply in replies)
        milliseconds = (time.perf_counter() - call.started) * 1e3
        identity = call.request_id.encode()
        entries = [
            _error_entry(reply, index, batch.requests[index])
            if isinstance(reply, Refusal)
            else msgspec.Raw(reply[0].sent(identity, milliseconds=milliseconds, cached=reply[1]))
            for index, reply in enumerate(replies)
        ]
        cached = sum(reply[1] for reply in replies if not isinstance(reply, Refusal))
        return Answer(200, _encoder.encode(_summary(batch.batch_id, entries, call.started, cached)))

    async def _read(self, call: Call) -> BatchPredictionRequest:
        settings = self._context.settings
        body = await self._context.body(call)
        batch = decode(body, _batch)
        plain_json(body)
        require_at_most(settings.max_batch_size, len(batch.requests), "requests")
        return batch

    async def _replies(self, questions: Sequence[Asked | Refusal]) -> list[Reply | Refusal]:
        """Answer all questions that could be read at once, and put the answers in their places."""
        asked = {place: question for place, question in enumerate(questions) if not isinstance(question, Refusal)}
        given = dict(zip(asked, await self._answers.of(list(asked.values())), strict=True)) if asked else {}
        return [
            question if isinstance(question, Refusal) else self._reply(given[place], place)
            for place, question in enumerate(questions)
        ]

    def _reply(self, given: Given, index: int) -> Reply | Refusal:
        if isinstance(given.payload, PredictionFailure):
            return self._refused(given.payload, index)
        if isinstance(given.payload, Exception):
            raise given.payload
        return given.payload, given.is_cached

    def _refused(self, failure: PredictionFailure, index: int) -> Refusal:
        refusal = refusal_of(failure, prefix=f"$.requests[{index}]")
        if refusal.code is Code.INTERNAL_ERROR:
            self._context.counters.count_internal_error()
        return refusal


def batch_routes(context: Context, answers: Answers) -> tuple[Route, ...]:
    """Return the batch routes."""
    desk = BatchDesk(context, answers)
    return (
        Route("POST", "/v1/predictions/predict/batch", desk.predict, catalogue.PREDICT_BATCH),
        Route("POST", "/v1/predictions/batch/{model_name}", desk.predict_with, catalogue.PREDICT_BATCH_WITH),
    )


def _question(item: msgspec.Raw, index: int, model_name: str | None) -> Asked | Refusal:
    root = f"$.requests[{index}]"
    try:
        request = decode_item(item, _item, root=root)
        return request, query_of(request, root=root, model_name=model_name)
    except Refusal as refusal:
        return refusal


def _refuse_if_overloaded(replies: Sequence[Reply | Refusal]) -> None:
    """Raise the refusal (503) if no item at all was answered for want of time: the batch as a whole is to come again."""
    if replies and all(isinstance(reply, Refusal) and reply.code is Code.OVERLOADED for reply in replies):
        assert isinstance(replies[0], Refusal)
        raise replies[0]


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


def _summary(
    batch_id: str | None, entries: Sequence[msgspec.Raw | BatchError], started: float, cached: int
) -> BatchPrediction:
    errors = [entry for entry in entries if isinstance(entry, BatchError)]
    return BatchPrediction(
        batch_id=batch_id or uuid.uuid4().hex,
        total_requests=len(entries),
        successful_predictions=len(entries) - len(errors),
        failed_predictions=len(errors),
        predictions=list(entries),
        errors=errors,
        batch_time_ms=(time.perf_counter() - started) * 1e3,
        cached_count=cached,
    )
