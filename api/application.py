"""The HTTP API as a plain ASGI application: one request in, one answer out, whatever happens in between."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

import msgspec

from api.access.guard import Guard
from api.access.scopes import Scope
from api.access.shares import Shares
from api.answers import Answers
from api.batches import batch_routes
from api.bodies import CallerLeft
from api.cache_routes import cache_routes
from api.caching import Cache
from api.context import Context
from api.counters import Counters
from api.documents import DocumentDesk
from api.errors import Code, Refusal, body_of, internal_error, refusal_of
from api.exchange import Answer, Call, Receive, Send
from api.headers import RequestIds
from api.legacy import legacy_routes
from api.matches import match_routes
from api.models import model_routes
from api.observer import ForecastLog, Observer, Recorder, Tracer, unobserved
from api.prediction_body import PredictionBody
from api.predictions import prediction_routes
from api.query_strings import decode_query
from api.reloads import reload_routes
from api.requests import NoQuery
from api.results import results_routes
from api.router import Route, Router
from api.settings import ApiSettings
from api.status import status_routes
from runners.backend import Backend
from runners.errors import PredictionFailure

ANSWERED: Final = 200
FIRST_FAILURE: Final = 400
CALLER_LEFT: Final = 499  # as nginx writes it; never sent, only counted

access_log = logging.getLogger("football.access")
error_log = logging.getLogger("football.api")


class _Told(TypedDict):
    """Hold what an observer is told."""

    route: str
    method: str
    status: int
    seconds: float
    predictions: int
    refused_as: str


# Details come from the runners too; what JSON cannot write is written as text rather than lost.
_encoder = msgspec.json.Encoder(enc_hook=str)


def create_application(
    backend: Backend,
    *,
    settings: ApiSettings,
    observer: Observer = unobserved,
    cache: Cache[PredictionBody] | None = None,
    counters: Counters | None = None,
    recorder: Recorder | None = None,
    guard: Guard | None = None,
    logs: Sequence[ForecastLog] = (),
    tracer: Tracer | None = None,
) -> Application:
    """Return the ASGI application that answers from the backend.

    Args:
        backend: Answers every question; the only way to the rest of the service.
        settings: Limits and dates.
        observer: Told of each request once it is answered.
        cache: Of encoded answers; None computes every one.
        counters: By default of this process alone.
        recorder: Told of predictions that were asked for and answered; None for nobody.
        guard: Lets requests in; None asks for no key and bounds only how many are at work.
        logs: Told of forecasts that were computed.
        tracer: Told of each request once it is answered; None for nobody.
    """
    context = Context(backend, settings, counters or Counters())
    answers = Answers(context, cache, ttl_s=settings.cache_ttl_s, logs=logs)
    routes = (
        *prediction_routes(context, answers),
        *batch_routes(context, answers),
        *cache_routes(context, cache),
        *match_routes(context),
        *results_routes(context),
        *model_routes(context),
        *reload_routes(context),
        *status_routes(context, cache),
        *legacy_routes(context),
    )
    guard = guard or Guard(None, Shares(settings.most_in_flight))
    found = DocumentDesk(routes, settings).routes
    return Application(found, context, answers, observer, recorder, guard, tracer)


class Application:
    """Route a request, answer it in the one shape, write it to the access log and tell the observer."""

    def __init__(
        self,
        routes: tuple[Route, ...],
        context: Context,
        answers: Answers,
        observer: Observer,
        recorder: Recorder | None,
        guard: Guard,
        tracer: Tracer | None,
    ) -> None:
        self._answers = answers
        self._router = Router(routes)
        self._context = context
        self._observer, self._recorder, self._guard, self._tracer = observer, recorder, guard, tracer
        self._request_ids = RequestIds()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one ASGI connection; only HTTP is spoken here."""
        if scope["type"] == "http":
            await self.serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    @property
    def in_flight(self) -> int:
        """Return the number of requests at work."""
        return self._guard.in_flight

    async def warm(self, most: int, *, model_name: str = "default", model_version: str | None = None) -> int:
        """Answer for up to so many coming fixtures, so that the cache has them; return how many it has."""
        return await self._answers.warm(most, model_name=model_name, model_version=model_version)

    async def serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        call = _call_of(scope, receive, self._request_ids.of(scope["headers"]))
        status = CALLER_LEFT
        try:
            answer = await self._answer(call)
            status = answer.status
            await _send(answer, call, send)
            if self._recorder is not None and call.predictions and status == ANSWERED:
                self._recorder.note(call.body, call.parameters, answer.body)
        except CallerLeft:
            pass
        finally:
            self._note(call, status)

    async def _answer(self, call: Call) -> Answer:
        try:
            return await self._let_in(call, self._found(call))
        except Refusal as refusal:
            return self._refused(refusal, call)
        except PredictionFailure as failure:
            return self._refused(refusal_of(failure), call)
        except CallerLeft:
            raise
        except Exception:  # noqa: BLE001 - the last line of defence; text and traceback stay in the log
            error_log.exception("internal error", extra={"request_id": call.request_id, "route": call.template})
            return self._refused(internal_error(), call)

    def _found(self, call: Call) -> Route:
        """Return the route of a request; who has no key is told of that before he learns which there are."""
        try:
            endpoint, call.parameters = self._router.find(call.raw_path)
            call.template, call.route_headers = endpoint.template, endpoint.headers
            return endpoint.route(call.method)
        except Refusal:
            self._guard.require(call, None)
            raise

    async def _let_in(self, call: Call, route: Route) -> Answer:
        caller = self._guard.enter(call, route.operation.scope)
        try:
            if call.query and route.operation.query is NoQuery:
                decode_query(call.query, NoQuery)
            return await route.handle(call)
        finally:
            self._guard.leave(caller, items=call.predictions)

    async def refuses(self, scope: Mapping[str, Any], receive: Receive, send: Send, wanted: Scope) -> bool:
        """Refuse a request that is answered elsewhere, such as one for metrics, if its caller may not have that."""
        call = _call_of(scope, receive, self._request_ids.of(scope["headers"]))
        call.template = scope["path"]
        try:
            self._guard.require(call, wanted)
        except Refusal as refusal:
            answer = self._refused(refusal, call)
            await _send(answer, call, send)
            self._note(call, answer.status)
            return True
        return False

    def _refused(self, refusal: Refusal, call: Call) -> Answer:
        call.refused_as = refusal.code.value
        if refusal.code is Code.INTERNAL_ERROR:
            self._context.counters.count_internal_error()
        headers = list(refusal.headers)
        if refusal.code is Code.MODEL_UNAVAILABLE:
            headers.append((b"retry-after", str(self._context.settings.retry_after_s).encode()))
        error = body_of(refusal, request_id=call.request_id, timestamp=dt.datetime.now(dt.UTC))
        return Answer(refusal.status, _encoder.encode(error), headers=headers)

    def _note(self, call: Call, status: int) -> None:
        seconds = time.perf_counter() - call.started
        is_logged = status >= FIRST_FAILURE or self._context.settings.logs_every_request
        if is_logged and access_log.isEnabledFor(logging.INFO):
            noted = {
                "request_id": call.request_id,
                "method": call.method,
                "route": call.template,
                "status": status,
                "duration_ms": round(seconds * 1e3, 3),
                "predictions": call.predictions,
            }
            access_log.info("request", extra=noted)
        told: _Told = {
            "route": call.template,
            "method": call.method,
            "status": status,
            "seconds": seconds,
            "predictions": call.predictions,
            "refused_as": call.refused_as,
        }
        try:
            self._observer(**told)
            if self._tracer is not None:
                self._tracer.note(call.headers, request_id=call.request_id, **told)
        except Exception:  # noqa: BLE001 - an observer must not break a request
            error_log.exception("observer failed", extra={"request_id": call.request_id})


def _call_of(scope: Mapping[str, Any], receive: Receive, request_id: str) -> Call:
    return Call(
        request_id=request_id,
        method=scope["method"],
        raw_path=scope.get("raw_path") or scope["path"].encode(),
        query=scope.get("query_string", b""),
        headers=scope["headers"],
        receive=receive,
        started=time.perf_counter(),
        address=client[0] if (client := scope.get("client")) else "",
    )


async def _send(answer: Answer, call: Call, send: Send) -> None:
    headers = [
        (b"content-type", answer.media_type),
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", call.request_id.encode()),
        *answer.headers,
        *call.route_headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else answer.body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
