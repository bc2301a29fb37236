"""What one worker of the service holds: joins the API, the runners, the store and the metrics, nothing else."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import bentoml
import msgspec
from bentoml.exceptions import NotFound

from api.access.callers import Callers
from api.access.guard import Guard as CallersGuard
from api.access.rates import Rates
from api.access.shares import Shares
from api.application import Application, create_application
from api.caching import COUNTERS, Cache, EntryCodec, Epoch, MemoryLayer, Tallies, load_secret
from api.counters import Counters
from api.errors import Code
from api.prediction_body import PredictionBody
from api.settings import ApiSettings
from configs.settings import Settings, load_settings
from features.batch import Array
from monitoring.cache_numbers import CacheNumbers
from monitoring.json_log import set_up_logging
from monitoring.live_quality import LiveQuality
from monitoring.metrics import SHARED_FOLDER, Metrics, forget_process
from monitoring.prediction_log import PredictionLog
from monitoring.recorder import Recorder
from monitoring.worker_starts import takes_a_place
from runners.embedded import EmbeddedBackend
from runners.loading import LoadedModel
from runners.memory import keep_out_of_collections, out_of_collections
from runners.remote import Send, score_rows
from runners.runner import Runner
from runners.saved import bento_store
from runners.shelf import Shelf
from runners.world import World
from trust.guard import Guard, ServedBento
from trust.keyring import Keyring
from trust.policy import Policy

if TYPE_CHECKING:
    from api.access.shared_rates import SharedRates
    from monitoring.traces import Traces

log = logging.getLogger("football.service")

SWITCH_INTERVAL_S: Final = 0.00005
"""How long a thread that loads a model or reads the store may keep the event loop waiting; Python's own is 5 ms.

A batch of forecasts leaves the interpreter some thirty times, whenever numpy computes, and waits as often to have it back.
"""

TRACES_GO_TO: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

IN_CONTAINER: Final = "BENTOML_CONTAINERIZED"
"""Environment variable that is ``true`` in an image that BentoML has built."""


class Worker:
    """Hold what one worker serves with.

    Args:
        bento: What it serves; None where there is none, as in a checkout.
        place: Its number among the workers of a server.
        send: Has rows scored by the runner service; None to score them here.
    """

    def __init__(self, bento: bentoml.Bento | None, place: int | None, send: Send | None = None) -> None:
        set_up_logging()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        given = load_settings()
        given.require_located()
        self._bento, self._send = bento, send
        self.metrics = Metrics(code.value for code in Code)
        tags = served_tags(bento, given.service.models)
        # Collections while a hundred thousand things are made that stay would take a third of the time to be ready.
        shared = shared_folder()
        with out_of_collections():
            self.backend = self._backend(given, tags, shared)
            self.backend.start()
        self._recorder = recorder_of(given)
        self._log, self._quality = self._log_of(given)
        self._traces = traces_of()
        self._behind_proxy = given.behind_proxy
        self._warm_fixtures = given.service.cache.warm_fixtures
        cache = cache_of(given, shared) if given.service.cache.enabled else None
        service = given.service
        rates = Rates(service.rate_per_s, service.rate_burst) if service.rate_per_s else None
        self._shared_rates = shared_rates_of(given, rates)
        self.application: Application = create_application(
            self.backend,
            settings=api_settings(given),
            observer=self.metrics,
            cache=cache,
            counters=Counters(shared),
            recorder=self._recorder,
            guard=callers_guard_of(given, rates),
            logs=[self.metrics] if self._log is None else [self.metrics, self._log],
            tracer=self._traces,
        )
        self.metrics.in_flight = lambda: self.application.in_flight
        self.metrics.others = [] if cache is None else [CacheNumbers(cache.stats)]
        self._is_watching = given.service.hot_reload
        self.backend.reloads.prepare = self._warm_version
        self._note_models()
        if takes_a_place(shared, place):
            self.metrics.worker_restarts.inc()
        if not given.callers.is_file():
            log.info("no API keys are configured: this service is for callers on this machine only")
        log.info("serving", extra={"models": list(tags.values()), "ready": self.backend.is_ready})

    @property
    def is_ready(self) -> bool:
        """Return whether a model is loaded and the matches are read."""
        return self.backend.is_ready

    async def warm(self) -> None:
        """Answer for the coming fixtures before anybody asks, and leave what is there now out of all collections.

        No connection is accepted before. Behind a proxy that is not before old matches are at hand, too: workers share
        the socket that they listen on, and one that takes the place of a dead one would else refuse its share of the
        questions about old matches, whatever the readiness of the others. It begins with the versions that they serve.
        """
        if self._behind_proxy:
            await asyncio.to_thread(self.backend.settle)
        if self._shared_rates is not None:
            self._shared_rates.start()
        await self.backend.reloads.start(is_watching=self._is_watching)
        warmed = await self.application.warm(self._warm_fixtures)
        log.info("ready", extra={"answers_at_hand": warmed})
        keep_out_of_collections()

    def close(self) -> None:
        """Cease to follow the store and to record requests."""
        self.backend.stop()
        for part in (self._recorder, self._log, self._quality):
            if part is not None:
                part.stop()
        if self._traces is not None:
            self._traces.close()
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
            send=self._send,
            guard=guard_of(given, self._bento, tags),
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
        quality = LiveQuality(
            given.database_url, model, every_s=every_s, tell=self.metrics.quality.note, look=self.backend.experience
        )
        kept.start()
        quality.start()
        return kept, quality

    def _note_models(self) -> None:
        numbers = self.metrics.models
        for view in self.backend.models():
            numbers.note(
                name=view.name, version=view.version, model_type=view.model_type, trained_until=view.trained_until
            )
        numbers.note_refused(len(self.backend.shelf.refused))
        if self._bento is not None:
            numbers.note_bento(str(self._bento.tag))

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


def scoring_of(bento: bentoml.Bento | None) -> Callable[[Array], Array]:
    """Return what scores rows, as ``runners.remote`` lays them out, with the models of a bento."""
    set_up_logging()
    given = load_settings()
    given.require_located()
    tags = served_tags(bento, given.service.models)
    shelf = Shelf.load(tags, guard_of(given, bento, tags))
    return partial(score_rows, [Runner(model) for model in shelf.loaded.values()])


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


def callers_guard_of(given: Settings, rates: Rates | None) -> CallersGuard:
    """Return who lets requests in."""
    callers = Callers(given.callers, deployer=given.operator_token.get_secret_value())
    return CallersGuard(callers, Shares(given.service.most_in_flight), rates)


def shared_rates_of(given: Settings, rates: Rates | None) -> SharedRates | None:
    """Return what has all workers know what callers had, where rates are bounded and there is a Redis to share them by."""
    if rates is None or not given.redis:
        return None
    from api.access.shared_rates import SharedRates  # noqa: PLC0415 - as in ``cache_of``

    return SharedRates(rates, given.redis)


def may_reload(given: Settings) -> bool:
    """Return whether the served versions may change: not in a container, whose image says what it serves."""
    return given.service.reload and os.environ.get(IN_CONTAINER) != "true"


def shared_folder() -> Path | None:
    """Return the folder that the workers of this server share and that ends with it; None for a lone process."""
    shared = os.environ.get(SHARED_FOLDER)
    return None if not shared else Path(shared) / "football"


def traces_of() -> Traces | None:
    """Return what sends traces, where OpenTelemetry's environment variables name a collector."""
    if not any(os.environ.get(name) for name in TRACES_GO_TO):
        return None
    from monitoring.traces import Traces  # noqa: PLC0415 - its libraries are for those who have a collector

    return Traces()


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
        from api.caching.redis_layer import RedisLayer  # noqa: PLC0415 - its library takes a tenth of a start to import

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
