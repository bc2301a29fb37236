"""The BentoML service: joins the API, the runners and the metrics, nothing else.

``bentoml serve`` runs it from a bento, with the model that the bento was built
with, or from this folder, with the newest model of each served name.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bentoml
import msgspec
import numpy as np
from bentoml.exceptions import NotFound

from api.access.callers import Callers
from api.access.guard import Guard as CallersGuard
from api.access.rates import Rates
from api.access.scopes import Scope
from api.access.shares import Shares
from api.application import Application, create_application
from api.caching import COUNTERS, Cache, EntryCodec, Epoch, MemoryLayer, RedisLayer, Tallies, load_secret
from api.counters import Counters
from api.errors import Code
from api.exchange import Receive, Send
from api.prediction_body import PredictionBody
from api.settings import ApiSettings
from configs.settings import Settings, load_settings
from features.batch import Array
from monitoring.cache_numbers import CacheNumbers
from monitoring.json_log import set_up_logging
from monitoring.live_quality import LiveQuality
from monitoring.metrics import CONTENT_TYPE, SHARED_FOLDER, Metrics, forget_process
from monitoring.prediction_log import PredictionLog
from monitoring.recorder import Recorder
from monitoring.worker_starts import takes_a_place
from runners.embedded import EmbeddedBackend
from runners.loading import LoadedModel
from runners.memory import keep_out_of_collections, out_of_collections
from runners.remote import score_rows
from runners.runner import Runner
from runners.saved import bento_store
from runners.shelf import Shelf
from runners.world import World
from trust.guard import Guard, ServedBento
from trust.keyring import Keyring
from trust.policy import Policy

log = logging.getLogger("football.service")

SWITCH_INTERVAL_S: Final = 0.00005
"""How long a thread that loads a model or reads the store may keep the event loop waiting; Python's own is 5 ms.

A batch of forecasts leaves the interpreter some thirty times, whenever numpy computes, and waits as often to have it back.
"""

IN_CONTAINER: Final = "BENTOML_CONTAINERIZED"
"""Environment variable that is ``true`` in an image that BentoML has built."""

PROBES = frozenset({"/livez", "/readyz", "/healthz"})


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
        self._football: FootballService | None = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._around(scope, receive, send)
        elif scope["path"] == "/metrics":
            football = self._instance()
            if not await football.application.refuses(scope, receive, send, Scope.METRICS):
                await _send(send, football.metrics.exposition(), CONTENT_TYPE)
        elif scope["path"] in PROBES:
            await self._around(scope, receive, send)
        else:
            # BentoML's own pages describe none of our routes and load scripts from elsewhere; all else is ours to refuse.
            await self._instance().application.serve(scope, receive, send)

    def _instance(self) -> FootballService:
        if self._football is None:  # made by BentoML when the worker starts, before its first request
            football: FootballService = bentoml.get_current_service()
            self._football = football
        return self._football


class ForecastRunner:
    """Score described matches for the workers of the API, in batches that BentoML gathers."""

    def __init__(self) -> None:
        set_up_logging()
        given = load_settings()
        given.require_located()
        tags = served_tags(Football.bento, given.service.models)
        shelf = Shelf.load(tags, guard_of(given, Football.bento, tags))
        self._runners = [Runner(model) for model in shelf.loaded.values()]

    @bentoml.api(  # type: ignore[untyped-decorator]  # BentoML declares no types for it
        batchable=True, max_batch_size=_settings.runner.max_batch_size, max_latency_ms=_settings.runner.max_latency_ms
    )
    def score(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of rows, as ``runners.remote`` lays them out."""
        return score_rows(self._runners, rows)


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
    """Hold what one worker serves with."""

    if _settings.runner.mode == "service":
        scorer = bentoml.depends(Runners)

    def __init__(self) -> None:
        set_up_logging()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        given = load_settings()
        given.require_located()
        self.metrics = Metrics(code.value for code in Code)
        tags = served_tags(Football.bento, given.service.models)
        # Collections while a hundred thousand things are made that stay would take a third of the time to be ready.
        shared = shared_folder()
        with out_of_collections():
            self.backend = self._backend(given, tags, shared)
            self.backend.start()
        self._recorder = recorder_of(given)
        self._log, self._quality = self._log_of(given)
        self._behind_proxy = given.behind_proxy
        self._warm_fixtures = given.service.cache.warm_fixtures
        cache = cache_of(given, shared) if given.service.cache.enabled else None
        self.application: Application = create_application(
            self.backend,
            settings=api_settings(given),
            observer=self.metrics,
            cache=cache,
            counters=Counters(shared),
            recorder=self._recorder,
            guard=callers_guard_of(given),
            logs=[self.metrics] if self._log is None else [self.metrics, self._log],
        )
        self.metrics.in_flight = lambda: self.application.in_flight
        self.metrics.others = [] if cache is None else [CacheNumbers(cache.stats)]
        self._is_watching = given.service.hot_reload
        self.backend.reloads.prepare = self._warm_version
        self._note_models()
        if takes_a_place(shared, bentoml.server_context.worker_index):
            self.metrics.worker_restarts.inc()
        if not given.callers.is_file():
            log.info("no API keys are configured: this service is for callers on this machine only")
        log.info("serving", extra={"models": list(tags.values()), "ready": self.backend.is_ready})

    def __is_ready__(self) -> bool:
        """Return whether a model is loaded and the matches are read."""
        return self.backend.is_ready

    @bentoml.on_startup  # type: ignore[untyped-decorator]  # BentoML declares no types for it
    async def warm(self) -> None:
        """Answer for the coming fixtures before anybody asks, and leave what is there now out of all collections.

        No connection is accepted before. Behind a proxy that is not before old matches are at hand, too: workers share
        the socket that they listen on, and one that takes the place of a dead one would else refuse its share of the
        questions about old matches, whatever the readiness of the others. It begins with the versions that they serve.
        """
        if self._behind_proxy:
            await asyncio.to_thread(self.backend.settle)
        await self.backend.reloads.start(is_watching=self._is_watching)
        warmed = await self.application.warm(self._warm_fixtures)
        log.info("ready", extra={"answers_at_hand": warmed})
        keep_out_of_collections()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]  # BentoML declares no types for it
    def close(self) -> None:
        """Cease to follow the store and to record requests."""
        self.backend.stop()
        for part in (self._recorder, self._log, self._quality):
            if part is not None:
                part.stop()
        forget_process()

    async def _warm_version(self, name: str, version: str) -> None:
        await self.application.warm(self._warm_fixtures, model_name=name, model_version=version)

    def _backend(self, given: Settings, tags: Mapping[str, str], shared: Path | None) -> EmbeddedBackend:
        return EmbeddedBackend(
            given.database_url,
            tags,
            poll_s=given.service.store_poll_s,
            on_store_failure=self.metrics.store_failures.inc,
            on_world=self._note_world,
            on_batch=self.metrics.note_batch,
            most_models=given.service.models_loaded,
            on_model=self._note_further,
            send=self._send if given.runner.mode == "service" else None,
            guard=guard_of(given, Football.bento, tags),
            shared=shared,
            may_reload=may_reload(given),
            on_reload=self.metrics.models.note_reload,
            most_wait_s=given.service.most_wait_ms / 1e3,
            past_folder=Path(given.past_folder) if given.past_folder else None,
        )

    def _log_of(self, given: Settings) -> tuple[PredictionLog | None, LiveQuality | None]:
        """Return what logs forecasts and what compares them with results, at work; none where that is off."""
        wanted = given.prediction_log
        if not wanted.enabled:
            return None, None
        kept = PredictionLog(given.database_url, keep_days=wanted.keep_days, on_rows=self.metrics.note_logged)
        model, every_s = given.service.models[0], wanted.compared_every_s
        quality = LiveQuality(given.database_url, model, every_s=every_s, tell=self.metrics.quality.note)
        kept.start()
        quality.start()
        return kept, quality

    async def _send(self, rows: Array) -> Array:
        scores: Array = await self.scorer.to_async.score(rows)
        return scores

    def _note_models(self) -> None:
        numbers = self.metrics.models
        for view in self.backend.models():
            numbers.note(
                name=view.name, version=view.version, model_type=view.model_type, trained_until=view.trained_until
            )
        numbers.note_refused(len(self.backend.shelf.refused))
        if Football.bento is not None:
            numbers.note_bento(str(Football.bento.tag))

    def _note_further(self, result: str, model: LoadedModel | None) -> None:
        self.metrics.models.note_load(result)
        if model is not None:
            note = self.metrics.models.note if result == "loaded" else self.metrics.models.forget
            note(
                name=model.name,
                version=model.version,
                model_type=model.artifact.model_type,
                trained_until=model.artifact.trained_until,
            )

    def _note_world(self, world: World) -> None:
        default = self.backend.shelf.default
        if default is not None:
            timelines = world.timelines[default.tag]
            newest = timelines.own.newest_kickoff(timelines.own.current)
            if newest is not None:
                self.metrics.models.note_newest_result(newest)


def served_tags(bento: bentoml.Bento | None, names: Sequence[str]) -> dict[str, str]:
    """Return the full tag of each served model: as pinned in the bento, or the newest where there is none.

    A tag such as ``football:latest`` would be looked up again at every start,
    and a rollback to an older bento would serve the newest model all the same.

    Raises:
        NotFound: If the bento was built without one of the models, or the store has none of that name.
    """
    if bento is None:
        return {name: str(bentoml.models.get(name).tag) for name in names}
    pinned = {model.tag.name: str(model.tag) for model in bento.info.all_models}
    if missing := [name for name in names if name not in pinned]:
        raise NotFound(
            f"Bento {bento.tag} was built without the models {missing}, it has {sorted(pinned)}. "
            "Build it again, or take the names out of service.models."
        )
    return {name: pinned[name] for name in names}


def guard_of(given: Settings, bento: bentoml.Bento | None, tags: Mapping[str, str]) -> Guard:
    """Return who vouches for the models of this process: the bento that is served, and for other versions any signed one."""
    policy = Policy(Keyring(given.keys), is_required=given.trust.required, floor=given.trust.floor)
    served = None if bento is None else ServedBento(str(bento.tag), Path(bento.path), frozenset(tags.values()))
    return Guard(policy, bentos=bento_store(), served=served)


def callers_guard_of(given: Settings) -> CallersGuard:
    """Return who lets requests in."""
    service = given.service
    callers = Callers(given.callers, deployer=given.operator_token.get_secret_value())
    rates = Rates(service.rate_per_s, service.rate_burst) if service.rate_per_s else None
    return CallersGuard(callers, Shares(service.most_in_flight), rates)


def may_reload(given: Settings) -> bool:
    """Return whether the served versions may change: not in a container, whose image says what it serves."""
    return given.service.reload and os.environ.get(IN_CONTAINER) != "true"


def shared_folder() -> Path | None:
    """Return the folder that the workers of this server share and that ends with it; None for a lone process."""
    shared = os.environ.get(SHARED_FOLDER)
    return None if not shared else Path(shared) / "football"


def recorder_of(given: Settings) -> Recorder | None:
    """Return what records requests, at work; None where none are to be recorded."""
    recording = given.recording
    if not recording.folder or recording.per_minute == 0:
        return None
    recorder = Recorder(
        Path(recording.folder),
        per_minute=recording.per_minute,
        per_file=recording.per_file,
        most_files=recording.files,
    )
    recorder.start()
    return recorder


def cache_of(given: Settings, shared: Path | None) -> Cache[PredictionBody]:
    """Return the cache of answers: in memory, and over Redis where one is configured."""
    cache = given.service.cache
    tallies = Tallies(COUNTERS, shared)
    redis = None
    if given.redis:
        secret = given.cache_secret.get_secret_value().encode() or load_secret(given.home / "cache.key")
        redis = RedisLayer(given.redis, EntryCodec([secret]), tallies)
    return Cache(
        msgspec.msgpack.Decoder(PredictionBody),
        is_sound=PredictionBody.is_sound,
        size_of=len,
        memory=MemoryLayer(most_entries=cache.memory_entries, most_bytes=cache.memory_bytes),
        redis=redis,
        tallies=tallies,
        epoch=Epoch(shared),
    )


def api_settings(given: Settings) -> ApiSettings:
    """Return what the API needs of the settings."""
    service = given.service
    return ApiSettings(
        old_api_deprecated_at=service.old_api_deprecated_at,
        old_api_ends_at=service.old_api_ends_at,
        max_batch_size=service.max_batch_size,
        max_body_bytes=service.max_body_bytes,
        deadline_s=service.deadline_s,
        body_timeout_s=service.body_timeout_s,
        cache_ttl_s=service.cache.ttl_s,
        logs_every_request=service.access_log == "all",
        most_in_flight=service.most_in_flight,
    )


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
