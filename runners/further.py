"""Further versions of the served models: loaded when somebody asks for one, let go when others are asked for.

Loading happens in a thread of its own, one version at a time, so that nobody
else waits for it. All else here happens on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from runners.errors import ModelUnavailable, ModelVersionNotFound, Overloaded, PredictionFailure
from runners.loading import LoadedModel, ModelMissing, ModelRefused
from runners.loading import load as load_model
from runners.memory import out_of_collections
from runners.saved import is_saved
from runners.shelf import Shelf
from trust.guard import Guard

log = logging.getLogger("football.loading")

MOST_WAITING: Final = 16  # callers; a load takes a third of a second
REMEMBERED_S: Final = 60.0
RETRY_S: Final = 1


class _Load:
    """Hold one load: who waits for it, and the task that ends with it."""

    def __init__(self) -> None:
        self.callers = 0
        self.task: asyncio.Task[PredictionFailure | None] | None = None


class Further:
    """Load further versions, and keep no more models than there is room for.

    Args:
        shelf: Where versions are put to be found.
        most: Models that may be loaded at once, the pinned ones among them.
        add: Makes ready what else a model needs to answer; may take long, and is called in the loading thread.
        remove: Undoes that, given the tag; called in the loading thread.
        is_asked: Tells whether questions wait for a model, given its tag; such a model is not let go.
        forget: Told the tag of each model that is let go.
        on_model: Told ``loaded``, ``refused``, ``not_found`` or ``evicted``, and the model where there is one.
        guard: Vouches for each version before it is read; None believes all.
        clock: In seconds, never going back.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        most: int,
        add: Callable[[LoadedModel], None],
        remove: Callable[[str], None],
        is_asked: Callable[[str], bool] = lambda _tag: False,
        forget: Callable[[str], None] = lambda _tag: None,
        on_model: Callable[[str, LoadedModel | None], None] = lambda _result, _model: None,
        guard: Guard | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shelf, self._most, self._add, self._remove = shelf, most, add, remove
        self._guard = guard
        self._is_asked, self._forget, self._on_model, self._clock = is_asked, forget, on_model, clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model-loader")
        self._loads: dict[str, _Load] = {}
        self._refused: dict[str, float] = {}  # until when, by tag
        self._waiting = 0

    def close(self) -> None:
        """End the loading thread; a load under way is left to end by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def pardon(self, tag: str) -> None:
        """Forget that a version was refused, so that it is tried again when somebody asks."""
        self._refused.pop(tag, None)

    async def have(self, name: str, version: str) -> None:
        """See to it that a version of a served model is found on the shelf; at once where it is.

        Whoever asks for a version that is being loaded waits for that load. A
        caller who leaves harms no other; a load that nobody waits for any more
        is not begun.

        Raises:
            ModelNotFound: If no served or refused model has that name.
            ModelVersionNotFound: If the model store does not hold that version, or there is no room beside the pinned ones.
            ModelUnavailable: If the version was refused; it is tried again after a minute at the earliest.
            Overloaded: If too many wait for loads already, or all models are being asked.
        """
        try:
            self._shelf.find(name, version)
        except ModelVersionNotFound:
            model_name = self._shelf.find(name).name
            if not is_saved(model_name, version) or len(self._shelf.loaded) >= self._most:
                self._on_model("not_found", None)
                raise
        else:
            return
        await self._wait_for(f"{model_name}:{version}")
        try:
            self._shelf.find(name, version)
        except ModelVersionNotFound:
            if is_saved(model_name, version):  # let go again before this caller's turn came
                raise Overloaded(retry_after_s=RETRY_S) from None
            raise

    async def _wait_for(self, tag: str) -> None:
        if self._clock() < self._refused.get(tag, 0.0):
            raise _unavailable(tag)
        if self._waiting >= MOST_WAITING:
            raise Overloaded(retry_after_s=RETRY_S)
        load = self._loads.get(tag)
        if load is None:
            load = self._loads[tag] = _Load()
            load.task = asyncio.get_running_loop().create_task(self._run(tag, load))
        assert load.task is not None
        load.callers += 1
        self._waiting += 1
        try:
            failure = await asyncio.shield(load.task)
        finally:
            load.callers -= 1
            self._waiting -= 1
        if failure is not None:
            raise failure

    async def _run(self, tag: str, load: _Load) -> PredictionFailure | None:
        """Load a version and put it on the shelf; return what all who wait are to be told, None if it is there."""
        try:
            model = None
            while model is None and load.callers:
                model = await asyncio.get_running_loop().run_in_executor(self._thread, self._made, tag, load)
            return None if model is None else self._put(model)
        except ModelMissing:
            self._on_model("not_found", None)
            return None
        except ModelRefused as refusal:
            log.error("model refused", extra={"model": tag, "reasons": refusal.reasons})  # noqa: TRY400 - a refusal is no crash
            return self._remember(tag)
        except Exception:
            log.exception("a model could not be loaded", extra={"model": tag})
            self._thread.submit(self._remove, tag)  # where it failed after the world knew it
            return self._remember(tag)
        finally:
            del self._loads[tag]

    def _made(self, tag: str, load: _Load) -> LoadedModel | None:
        """Return a version that can answer, None if nobody waits for it any more."""
        if not load.callers:
            return None
        with out_of_collections():
            model = load_model(tag, self._guard)
            self._add(model)
        return model

    def _put(self, model: LoadedModel) -> PredictionFailure | None:
        """Put a loaded version on the shelf, in the place of those that were asked least recently."""
        while len(self._shelf.loaded) + len(self._shelf.further) >= self._most:
            idle = self._idle()
            if idle is None:
                self._thread.submit(self._remove, model.tag)
                return Overloaded(retry_after_s=RETRY_S)
            self._let_go(idle)
        self._shelf.put(model)
        self._on_model("loaded", model)
        return None

    def _idle(self) -> LoadedModel | None:
        """Return the version to let go next: one to return to only where there is no other."""
        idle = [one for one in self._shelf.further.values() if not self._is_asked(one.tag)]
        kept = {one.tag for one in self._shelf.previous.values()}
        return next((one for one in idle if one.tag not in kept), idle[0] if idle else None)

    def _let_go(self, model: LoadedModel) -> None:
        # Off the shelf first: whoever finds a model there must find its timelines in the world.
        self._shelf.take_off(model)
        self._forget(model.tag)
        self._thread.submit(self._remove, model.tag)
        log.info("model let go", extra={"model": model.tag})
        self._on_model("evicted", model)

    def _remember(self, tag: str) -> PredictionFailure:
        now = self._clock()
        self._refused = {other: until for other, until in self._refused.items() if until > now}
        self._refused[tag] = now + REMEMBERED_S
        self._on_model("refused", None)
        return _unavailable(tag)


def _unavailable(tag: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"Model {tag!r} cannot answer now. Ask again in a minute, or ask another version.", path="$.model_version"
    )
