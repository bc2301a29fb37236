"""The one backend of the API: models, matches and predictor, all within the worker."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa

from runners.backend import Condition
from runners.errors import ModelUnavailable, PredictionFailure
from runners.experience import Experience, experience
from runners.follower import Follower
from runners.further import Further
from runners.ledger import Agreed, Ledger
from runners.loading import LoadedModel
from runners.memory import resident_bytes
from runners.predictor import Predictor
from runners.queries import (
    Competition,
    Forecast,
    MatchView,
    ModelView,
    Page,
    PredictionQuery,
    ReceivedOutcome,
    ReceivedResult,
    Reloaded,
    Writer,
)
from runners.receiving import receive
from runners.reloads import Reloads
from runners.remote import RemoteScorer, Send
from runners.roll_call import RollCall
from runners.shelf import Shelf
from runners.snapshot import Snapshot, view_of
from runners.world import World
from store.database import open_store
from trust.guard import Guard

W = TypeVar("W")

MOST_MODELS: Final = 10


class EmbeddedBackend:
    """Answer what the API asks, from the models and the matches of this process.

    Args:
        database_url: Of the match store.
        tags: Full tag of each served model by name, the default one first.
        poll_s: Pause between looks at the store.
        on_store_failure, on_world: Told when the store cannot be read, and of each new world.
        on_batch: Told of each batch of forecasts: its size, and the seconds that its oldest question waited.
        most_models: Models that may be loaded at once: the served ones and further versions of them.
        on_model: Told what became of each further version: ``loaded``, ``refused``, ``not_found`` or ``evicted``.
        send: Sends rows to the service that scores them; None scores them in this process.
        guard: Vouches for each model before it is read; None believes all.
        shared: Folder of the server, through which its workers agree on the versions they serve; None for a lone process.
        may_reload: Whether the served versions may change.
        on_reload: Told ``successful`` or ``failed`` of each such change that this worker decided.
        most_wait_s: Who would wait longer to be computed is refused.
        past_folder: Where replays of old matches are kept for other processes; None for nowhere.
    """

    def __init__(
        self,
        database_url: str,
        tags: Mapping[str, str],
        *,
        poll_s: float,
        on_store_failure: Callable[[], None] = lambda: None,
        on_world: Callable[[World], None] = lambda _: None,
        on_batch: Callable[[int, float], None] = lambda _rows, _waited_s: None,
        most_models: int = MOST_MODELS,
        on_model: Callable[[str, LoadedModel | None], None] = lambda _result, _model: None,
        send: Send | None = None,
        guard: Guard | None = None,
        shared: Path | None = None,
        may_reload: bool = True,
        on_reload: Callable[[str], None] = lambda _result: None,
        most_wait_s: float = math.inf,
        past_folder: Path | None = None,
    ) -> None:
        self.started_at = dt.datetime.now(dt.UTC)
        self.shelf = Shelf.load(dict(tags), guard)
        self._database_url = database_url
        self.follower = Follower(
            database_url,
            list(self.shelf.loaded.values()),
            poll_s=poll_s,
            on_failure=on_store_failure,
            on_world=on_world,
            past_folder=past_folder,
        )
        # A thread of its own: results must not queue behind replays of old matches, which fill the loop's own.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="results-writer")
        self._versioned: tuple[World | None, dict[str, str]] = (None, {})  # by model tag
        remote = None if send is None else RemoteScorer(send, list(tags.values()))
        self._predictor = Predictor(
            self.shelf, lambda: self.follower.world, on_batch=on_batch, remote=remote, most_wait_s=most_wait_s
        )
        self._further = Further(
            self.shelf,
            most=most_models,
            add=self.follower.add,
            remove=self.follower.remove,
            is_asked=lambda tag: self._predictor.is_asked(tag) or self.reloads.holds(tag),
            forget=self._predictor.forget,
            on_model=on_model,
            guard=guard,
        )
        folder = None if shared is None else shared / "reloads"
        self.reloads = Reloads(
            self.shelf,
            self._further,
            ledger=Ledger(folder),
            roll=RollCall(folder),
            is_ready=lambda: self.follower.world is not None,
            is_allowed=may_reload,
            most=most_models,
            on_reload=on_reload,
        )

    def start(self) -> None:
        """Read the store and begin to follow it."""
        self.follower.start()

    def stop(self) -> None:
        """Cease to follow the store."""
        self.reloads.stop()
        self.follower.stop()
        self._writer.shutdown(wait=False)
        self._predictor.close()
        self._further.close()

    @property
    def is_ready(self) -> bool:
        """Return whether a model is loaded and the matches are read."""
        return bool(self.shelf.loaded) and self.follower.world is not None

    @property
    def is_prompt(self) -> bool:
        """Return whether it is ready, and has questions about old matches wait for no replay.

        Until then a server that is asked for many of them refuses most: it should not be sent any yet.
        """
        return self.is_ready and self.follower.recalled.is_set()

    def settle(self) -> None:
        """Wait until it is prompt; not at all where the matches could not be read, which may take any time."""
        if self.is_ready:
            self.follower.recalled.wait()

    async def written(
        self, queries: Sequence[PredictionQuery], writer: Writer[W], *, deadline: float = math.inf
    ) -> list[W | PredictionFailure]:
        """Answer queries in order with what a writer makes of the forecasts; one that fails harms no other."""
        return await self._predictor.written(queries, writer, deadline=deadline)

    def predict_now(self, queries: Sequence[PredictionQuery]) -> list[Forecast | PredictionFailure]:
        """Answer queries in this thread, for programs that serve nobody else."""
        return self._predictor.predict_now(queries)

    async def have(self, model_name: str, model_version: str | None) -> None:
        """See to it that a version of a served model can answer: load it from the model store where it is not loaded.

        Raises:
            ModelNotFound, ModelVersionNotFound, ModelUnavailable: If that version cannot answer.
            Overloaded: If too many wait for others already.
        """
        if model_version is not None and self._world:
            await self._further.have(model_name, model_version)

    def version_of(self, model_name: str, model_version: str | None) -> tuple[str, str, str]:
        """Return the full name and version of a model, and a text that changes whenever its answers may.

        Raises:
            ModelNotFound, ModelVersionNotFound, ModelUnavailable: If the model cannot answer.
        """
        model = self.shelf.find(model_name, model_version)
        world = self._world
        if world is not self._versioned[0]:
            self._versioned = (world, {})
        versions = self._versioned[1]
        version = versions.get(model.tag)
        if version is None:
            version = versions[model.tag] = f"{model.digest} {world.version(model.tag)}"
        return model.name, model.version, version

    def fixtures(
        self,
        *,
        competition: str | None,
        earliest: dt.datetime | None,
        latest: dt.datetime | None,
        team: str | None,
        status: str | None,
        offset: int,
        limit: int,
    ) -> Page:
        """List matches by kick-off, undated fixtures last. Raises CompetitionNotFound, TeamNotFound."""
        return self._snapshot.page(
            competition=competition,
            earliest=earliest,
            latest=latest,
            team=team,
            status=status,
            offset=offset,
            limit=limit,
        )

    def match(self, match_id: str) -> MatchView:
        """Return one match. Raises MatchNotFound."""
        return view_of(self._snapshot.row(match_id))

    def competitions(self) -> Sequence[Competition]:
        """List the competitions of the store."""
        return self._snapshot.competitions()

    def teams(self, competition: str | None) -> Sequence[tuple[str, str]]:
        """List (team name, association), of one competition or of all. Raises CompetitionNotFound."""
        return self._snapshot.teams(competition)

    def models(self) -> Sequence[ModelView]:
        """List the served models, the default one first."""
        return self.shelf.views()

    def model(self, name: str) -> ModelView:
        """Return one served model. Raises ModelNotFound, ModelUnavailable."""
        return self.shelf.view(name)

    async def reload(self, model_name: str, model_version: str | None) -> Reloaded:
        """Serve another saved version of a model in all workers, the newest if none is named, while all go on answering.

        Raises:
            ReloadIsOff: If the served versions never change.
            ModelNotFound, ModelVersionNotFound, ModelUnavailable, Overloaded: If that one cannot serve; nothing has changed.
        """
        return await self.reloads.reload(model_name, model_version)

    async def watch_models(self, *, is_on: bool) -> bool:
        """Begin or cease to serve newer versions as they are saved; return whether that is a change.

        Raises:
            ReloadIsOff: If the served versions never change.
        """
        return await self.reloads.watch(is_on=is_on)

    async def reload_record(self) -> Agreed:
        """Return which versions the workers agree to serve, and what became of reloads."""
        return await self.reloads.agreed()

    async def receive(self, rows: Sequence[ReceivedResult]) -> list[ReceivedOutcome]:
        """Save results and fixtures in the store, and have them read at once."""
        outcomes = await asyncio.get_running_loop().run_in_executor(self._writer, self._receive, rows)
        self.follower.wake()
        return outcomes

    def experience(self, match_ids: Iterable[str]) -> Experience | None:
        """Return matches that the default model was asked about, beside those it had learned from; see ``experience``.

        None, too, as long as that would take a replay. For a thread of its own: it takes tenths of a second.
        """
        model, world = self.shelf.default, self.follower.world
        if model is None or world is None or not (timeline := world.timelines[model.tag].own).past.is_recalled:
            return None
        return experience(model, timeline, match_ids)

    def condition(self) -> Condition:
        """Return the health of the service."""
        world = self.follower.world
        reasons = [f"model_refused: {name} is not served" for name in self.shelf.refused]
        if self.follower.is_unreachable:
            reasons.append("store_unreachable: new results are not seen; forecasts rest on what is known")
        model = self.shelf.default
        timelines = None if world is None or model is None else world.timelines[model.tag]
        if timelines is None:
            reasons.append("not_ready: no model is loaded, or the matches are not read yet")
        else:
            reasons += timelines.own.degraded
        newest = None if timelines is None else timelines.own.newest_kickoff(timelines.own.current)
        return Condition(
            status="unhealthy" if timelines is None else "degraded" if reasons else "healthy",
            reasons=reasons,
            started_at=self.started_at,
            last_prediction_at=self._predictor.last_prediction_at,
            memory_bytes=resident_bytes(),
            feature_state_version="" if timelines is None else timelines.own.current.digest,
            newest_result_at=None if newest is None else dt.datetime.fromtimestamp(newest, tz=dt.UTC),
            is_watching_models=self.reloads.is_watching,
        )

    @property
    def _world(self) -> World:
        if self.follower.world is None:
            raise ModelUnavailable("The matches are not read yet. Ask again in a moment.")
        return self.follower.world

    @property
    def _snapshot(self) -> Snapshot:
        return self._world.snapshot

    def _receive(self, rows: Sequence[ReceivedResult]) -> list[ReceivedOutcome]:
        engine: sa.Engine = open_store(self._database_url)
        try:
            return receive(engine, self._snapshot, rows)
        finally:
            engine.dispose()
