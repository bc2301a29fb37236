"""The BentoML service: what BentoML knows of a worker, and which requests go to it.

``bentoml serve`` runs it from a bento, with the model that the bento was built
with, or from this folder, with the newest model of each served name.

The process that watches over the workers reads this file, too, and needs
nothing of what they work with; so ``worker`` is imported where one starts, which
takes a second less until it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import bentoml
import numpy as np

from api.access.scopes import Scope
from api.exchange import Receive, Send
from configs.settings import load_settings

if TYPE_CHECKING:
    from worker import Worker

PROBES: Final = frozenset({"/livez", "/readyz", "/healthz"})

_settings = load_settings()


class LeanService(bentoml.Service[Any]):  # type: ignore[misc]  # BentoML shows its classes to mypy as Any
    """Answer the paths of the API at once, and leave all others to BentoML.

    BentoML's own request path costs more than the forecast (docs/decisions);
    its probes and its life cycle stay.
    """

    __slots__ = ()

    def to_asgi(self, is_main: bool = True) -> Front:
        """Return the application of one worker."""
        return Front(super().to_asgi(is_main))


class Front:
    """Send a request to the metrics, to BentoML's probes, or to the API."""

    def __init__(self, around: Any) -> None:
        self._around = around
        self._worker: Worker | None = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._around(scope, receive, send)
        elif scope["path"] == "/metrics":
            worker = self._at_work()
            if not await worker.application.refuses(scope, receive, send, Scope.METRICS):
                await _send(send, worker.metrics.exposition(), worker.metrics.media_type)
        elif scope["path"] in PROBES:
            await self._around(scope, receive, send)
        else:
            # BentoML's own pages describe none of our routes and load scripts from elsewhere; all else is ours to refuse.
            await self._at_work().application.serve(scope, receive, send)

    def _at_work(self) -> Worker:
        if self._worker is None:  # made by BentoML when the worker starts, before its first request
            football: FootballService = bentoml.get_current_service()
            self._worker = football.worker
        return self._worker


class ForecastRunner:
    """Score described matches for the workers of the API, in batches that BentoML gathers."""

    def __init__(self) -> None:
        from worker import scoring_of  # noqa: PLC0415 - see the head of this file

        self._score = scoring_of(Football.bento)

    @bentoml.api(  # type: ignore[untyped-decorator]  # BentoML declares no types for it
        batchable=True, max_batch_size=_settings.runner.max_batch_size, max_latency_ms=_settings.runner.max_latency_ms
    )
    def score(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of rows, as ``runners.remote`` lays them out."""
        return self._score(rows)


# Only the runner is reached through this connection, which BentoML else renews under the requests that use it.
Runners = bentoml.service(
    name="football_runner",
    workers=_settings.runner.workers,
    traffic={"timeout": 30},
    runner_connection={"max_requests": 1_000_000_000, "max_age": 1_000_000_000.0},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)(ForecastRunner)


class FootballService:
    """Have BentoML start and end what one worker serves with."""

    if _settings.runner.mode == "service":
        scorer = bentoml.depends(Runners)

    def __init__(self) -> None:
        from worker import Worker  # noqa: PLC0415 - see the head of this file

        send = self._send if _settings.runner.mode == "service" else None
        self.worker = Worker(Football.bento, bentoml.server_context.worker_index, send)

    def __is_ready__(self) -> bool:
        """Return whether a model is loaded and the matches are read."""
        return self.worker.is_ready

    @bentoml.on_startup  # type: ignore[untyped-decorator]  # BentoML declares no types for it
    async def warm(self) -> None:
        """Prepare for the first request; no connection is accepted before."""
        await self.worker.warm()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]  # BentoML declares no types for it
    def close(self) -> None:
        """Cease to work."""
        self.worker.close()

    async def _send(self, rows: np.ndarray) -> np.ndarray:
        scores: np.ndarray = await self.scorer.to_async.score(rows)
        return scores


async def _send(send: Send, body: bytes, media_type: str) -> None:
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


# The timeout, the access log, the metrics and the traces of BentoML are replaced by ours: see docs/decisions.
Football = bentoml.service(
    name="football",
    workers=_settings.service.workers,
    traffic={"timeout": 30},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
    http={"host": _settings.service.host, "port": _settings.service.port},
    service_class=LeanService,
)(FootballService)
