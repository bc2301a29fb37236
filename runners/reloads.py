"""Serving another version of a model without a restart, in every worker of a server.

The worker that is asked loads the version beside the others, has it proved and
warmed, writes into the ledger that it is wanted, and pins it in one step. The
others notice within half a second and do the same. What was pinned stays loaded.
One of the workers looks for newer versions while the server watches for them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from runners.errors import ModelUnavailable, ModelVersionNotFound, PredictionFailure, ReloadIsOff
from runners.further import Further
from runners.ledger import Agreed, Attempt, Ledger, Settled
from runners.loading import LoadedModel
from runners.newest import Candidate, Lookout
from runners.queries import Reloaded
from runners.roll_call import RollCall
from runners.shelf import Shelf

log = logging.getLogger("football.loading")

R = TypeVar("R")

LOOK_S: Final = 0.5
RETRY_S: Final = 60.0
WAIT_S: Final = 10.0
_STEP_S: Final = 0.05


class Reloads:
    """Change which version of each model is pinned; on the event loop of one worker.

    Args:
        shelf, further: The models of this worker, and what loads more of them.
        ledger, roll: What the workers of this server agree on, and who of them has done it.
        is_ready: Tells whether the matches are read, without which no version can be loaded.
        is_allowed: False where versions never change.
        most: Models that may be loaded at once.
        on_reload: Told ``successful`` or ``failed`` of each reload that this worker decided.
        lookout: Finds newer versions.

    Attributes:
        prepare: Called with name and version of a model that is loaded and not yet pinned.
    """

    def __init__(
        self,
        shelf: Shelf,
        further: Further,
        *,
        ledger: Ledger,
        roll: RollCall,
        is_ready: Callable[[], bool],
        is_allowed: bool,
        most: int,
        on_reload: Callable[[str], None] = lambda _result: None,
        lookout: Lookout | None = None,
    ) -> None:
        self._shelf, self._further, self._ledger, self._roll = shelf, further, ledger, roll
        self._is_ready, self._is_allowed, self._most, self._on_reload = is_ready, is_allowed, most, on_reload
        self._lookout = lookout or Lookout()
        self._agreed = Agreed()
        self._held: set[str] = set()  # tags of versions that are about to be pinned
        self._alone = asyncio.Lock()
        self._retry_at = float("inf")
        self._looking: asyncio.Task[None] | None = None
        # A thread of its own: a look at the store must not queue behind replays of old matches, which fill the loop's.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reloads")
        self.prepare: Callable[[str, str], Awaitable[object]] = _nothing

    @property
    def is_watching(self) -> bool:
        """Return whether newer versions are taken as they come."""
        return self._agreed.watched_since is not None

    def holds(self, tag: str) -> bool:
        """Return whether a further version is about to be pinned, so that it must not be let go."""
        return tag in self._held

    async def start(self, *, is_watching: bool) -> None:
        """Begin with what the other workers serve, and follow them from then on.

        Args:
            is_watching: Whether to watch for newer versions, for the first worker of the server; later ones are told.
        """
        if not self._is_allowed:
            return
        since = dt.datetime.now(dt.UTC) if is_watching else None
        try:
            await self._in_thread(self._ledger.change, lambda agreed: agreed.begun(watched_since=since))
            await self._catch_up()
        except Exception:
            log.exception("what other workers serve is not known; it is looked for again")
        self._looking = asyncio.get_running_loop().create_task(self._look_on())

    def stop(self) -> None:
        """Follow no longer."""
        if self._looking is not None and not (loop := self._looking.get_loop()).is_closed():
            loop.call_soon_threadsafe(self._looking.cancel)
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._roll.close()

    async def reload(self, name: str, version: str | None) -> Reloaded:
        """Serve a version of a model in every worker, the newest saved one if none is named.

        Returns once all workers serve it, or after ten seconds. Whatever goes wrong before the change leaves all as it was.

        Raises:
            ReloadIsOff: If versions never change here.
            ModelNotFound, ModelVersionNotFound: If there is no such model or version.
            ModelUnavailable: If the version was refused, or there is no room for it.
            Overloaded: If too many wait for other versions.
        """
        self._require_allowed()
        name = self._shelf.find(name).name
        if not self._is_ready():
            raise ModelUnavailable("The matches are not read yet. Ask again in a moment.")
        if not self._has_room:
            raise ModelUnavailable("There is no room for one more model: raise service.models_loaded, and start again.")
        async with self._alone:
            before = self._shelf.find(name)
            found = await self._in_thread(self._found, before, version)
            if found is not None:
                await self._decide(before, found)
            turn, pinned = self._agreed.turn, self._shelf.find(name)
        workers, done = await self._everybody(turn)
        return Reloaded(
            model_name=name,
            model_version=pinned.version,
            previous_version=None if found is None else before.version,
            at=dt.datetime.now(dt.UTC),
            workers=workers,
            workers_serving=done,
        )

    async def watch(self, *, is_on: bool) -> bool:
        """Begin or cease to take newer versions as they come, in every worker; return whether that is a change.

        Raises:
            ReloadIsOff: If versions never change here.
        """
        self._require_allowed()
        since = dt.datetime.now(dt.UTC) if is_on else None
        was_on = (await self.agreed()).watched_since is not None
        agreed = await self._in_thread(self._ledger.change, lambda agreed: agreed.watched(since))
        self._agreed = replace(self._agreed, watched_since=agreed.watched_since)
        return was_on != is_on

    async def agreed(self) -> Agreed:
        """Return what the workers agree on, and what became of reloads."""
        return await self._in_thread(self._ledger.peek)

    @property
    def _has_room(self) -> bool:
        return len(self._shelf.loaded) < self._most

    def _require_allowed(self) -> None:
        if not self._is_allowed:
            raise ReloadIsOff

    def _found(self, pinned: LoadedModel, version: str | None) -> Candidate | None:
        """Return the version to serve; None if it is the pinned one. Raises ModelVersionNotFound."""
        if version is None:
            newest = self._lookout.newest(pinned.name)
            return None if newest is None or newest.created_at <= pinned.created_at else newest
        if version == pinned.version:
            return None
        loaded = self._shelf.further.get((pinned.name, version))
        if loaded is not None:
            return Candidate(loaded.name, version, loaded.created_at, "")
        found = self._lookout.find(pinned.name, version)
        if found is None:
            raise ModelVersionNotFound(pinned.name, version, [pinned.version])
        return found

    async def _decide(self, before: LoadedModel, found: Candidate) -> None:
        """Serve a version here, and tell the other workers to; a failure is noted and changes nothing."""
        began = time.perf_counter()
        name, version = found.name, found.version

        def attempt(error: str | None = None) -> Attempt:
            took_s, now = time.perf_counter() - began, dt.datetime.now(dt.UTC)
            return Attempt(at=now, model_name=name, model_version=version, seconds=took_s, error=error)

        with self._holding(f"{name}:{version}"):
            try:
                await self._make_ready(name, version)
            except ModelUnavailable as failure:
                tried = Settled(version=version, created_at=found.created_at, refused_mark=found.mark)
                await self._note_failure(attempt(failure.message), tried)
                raise _kept(before, found) from failure
            except PredictionFailure as failure:
                await self._note_failure(attempt(failure.message), None)
                raise
            made, is_rollback = attempt(), found.created_at < before.created_at
            last = max((found.created_at, version), (before.created_at, before.version))
            newest = Settled(version=last[1], created_at=last[0])
            agreed = await self._in_thread(
                self._ledger.change, lambda agreed: agreed.moved(made, newest, is_rollback=is_rollback)
            )
            self._on_reload("successful")
            await self._follow(agreed)

    async def _note_failure(self, lost: Attempt, tried: Settled | None) -> None:
        agreed = await self._in_thread(self._ledger.change, lambda agreed: agreed.refused(lost, tried))
        self._agreed = replace(self._agreed, settled=agreed.settled)  # all else is news, and to be followed
        self._on_reload("failed")

    async def _make_ready(self, name: str, version: str) -> None:
        """Have a version loaded, proved and warmed."""
        self._further.pardon(f"{name}:{version}")
        await self._further.have(name, version)
        try:
            await self.prepare(name, version)
        except Exception:
            log.exception("a model could not be warmed", extra={"model": f"{name}:{version}"})

    async def _catch_up(self) -> None:
        async with self._alone:
            await self._follow(await self._in_thread(self._ledger.read))

    async def _follow(self, agreed: Agreed) -> None:
        """Serve what is agreed on, and say how far this worker has come; what fails is tried again in a minute."""
        self._agreed = agreed
        is_done = True
        for name, version in agreed.wanted.items():
            is_done = await self._pinned(name, version) and is_done
        self._retry_at = float("inf") if is_done else time.monotonic() + RETRY_S
        await self._in_thread(lambda: self._roll.say(agreed.turn, is_done=is_done))

    async def _pinned(self, name: str, version: str) -> bool:
        """Pin a version; return whether it could be."""
        pinned = self._shelf.loaded.get(name)
        if pinned is None or pinned.version == version:
            return pinned is not None
        tag = f"{name}:{version}"
        if self.holds(tag):
            self._pin(name, version)
            return True
        with self._holding(tag):
            try:
                await self._make_ready(name, version)
            except PredictionFailure as failure:
                told = {"model": tag, "reason": failure.message}
                log.error("a model that other workers serve cannot be served here", extra=told)  # noqa: TRY400 - a refusal is no crash
                return False
            self._pin(name, version)
        return True

    def _pin(self, name: str, version: str) -> None:
        before = self._shelf.promote(self._shelf.find(name, version))
        log.info("model reloaded", extra={"model": f"{name}:{version}", "before": before.tag})

    @contextmanager
    def _holding(self, tag: str) -> Iterator[None]:
        self._held.add(tag)
        try:
            yield
        finally:
            self._held.discard(tag)

    async def _everybody(self, turn: int) -> tuple[int, int]:
        """Wait for all workers to come to a turn; return how many there are, and how many serve what is agreed."""
        end = time.monotonic() + WAIT_S
        while True:
            said = await self._in_thread(self._roll.heard)
            if all(one.turn >= turn for one in said) or time.monotonic() > end:
                return len(said), sum(one.turn >= turn and one.is_done for one in said)
            await asyncio.sleep(_STEP_S)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if self._ledger.is_news() or time.monotonic() > self._retry_at:
                    await self._catch_up()
                if self.is_watching and self._has_room and self._is_ready() and await self._in_thread(self._roll.leads):
                    await self._take_newer()
            except Exception:
                log.exception("models could not be looked at; they are again")

    async def _take_newer(self) -> None:
        """Serve what is newer than all that was served or tried, once its files have come to rest."""
        for name in list(self._shelf.loaded):
            found = await self._in_thread(self._lookout.rested, name)
            if found is None:
                continue
            async with self._alone:
                if self._is_newer(found):
                    try:
                        await self._decide(self._shelf.loaded[name], found)
                    except PredictionFailure as failure:
                        told = {"model": f"{name}:{found.version}", "reason": failure.message}
                        log.warning("a newer model is not taken", extra=told)

    def _is_newer(self, found: Candidate) -> bool:
        """Return whether a version is yet to be tried: made later than all others that were, or changed since it was refused."""
        pinned, last = self._shelf.loaded[found.name], self._agreed.settled.get(found.name)
        if found.created_at <= pinned.created_at:
            return False
        if last is not None and last.version == found.version:
            return last.refused_mark not in {None, found.mark}
        return last is None or found.created_at > last.created_at

    async def _in_thread(self, work: Callable[..., R], *arguments: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _kept(before: LoadedModel, refused: Candidate) -> ModelUnavailable:
    return ModelUnavailable(
        f"Version {refused.version!r} of model {refused.name!r} was refused, so {before.version!r} goes on serving; the log"
        " says why. Train it again, or name another version.",
        path="$.model_version",
    )


async def _nothing(_name: str, _version: str) -> None:
    """Prepare nothing."""
