"""Follows the match store in a thread of its own, so that a request never waits for it.

What it reads becomes the next world, which replaces the last one at once.
When the store cannot be read, the last world goes on serving.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from runners.loading import LoadedModel
from runners.memory import give_back
from runners.world import World, follow_world, read_world
from store.database import open_store
from store.errors import StoreUnavailable
from store.reads import standing

log = logging.getLogger("football.store")

UNREACHABLE_AFTER_S: Final = 30.0
LONGEST_PAUSE_S: Final = 5.0


class Follower:
    """Keep the world of one worker up to date.

    Args:
        past_folder: Where replays of old matches are kept for other processes; None for nowhere.

    Attributes:
        world: The latest one; None until the store has been read once.
        failures: How often the store could not be read.
        recalled: Set once old matches were replayed, or could not be. Stays so when they must be again: what all
            workers must do at the same time is no reason to call none of them ready.
    """

    def __init__(
        self,
        database_url: str,
        models: Sequence[LoadedModel],
        *,
        poll_s: float,
        on_failure: Callable[[], None] = lambda: None,
        on_world: Callable[[World], None] = lambda _: None,
        past_folder: Path | None = None,
    ) -> None:
        self.world: World | None = None
        self.failures = 0
        self.recalled = threading.Event()
        self._url, self._models, self._poll_s = database_url, list(models), poll_s
        self._file = sqlite_file(database_url)
        self._past_folder = past_folder
        self._on_failure, self._on_world = on_failure, on_world
        self._engine: sa.Engine | None = None
        self._failing_since: float | None = None
        self._recaller: threading.Thread | None = None
        self._making = threading.Lock()  # held while the next world is made from the last one
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._follow, name="store-follower", daemon=True)

    def start(self) -> None:
        """Read the store once, then follow it in the background; a store that cannot be read is tried again."""
        self.look(is_first=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the store."""
        self._stop.set()
        self._wake.set()
        self.recalled.set()  # nobody should wait for it any longer
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)
        self._close()

    def wake(self) -> None:
        """Have the store looked at now rather than after the rest of the pause."""
        self._wake.set()

    def add(self, model: LoadedModel) -> None:
        """Have the world know one more model; its timelines are begun in this thread, from what the world knows.

        Results that come meanwhile are known to them too.

        Raises:
            StoreUnavailable: If the store has not been read yet.
        """
        world = self.world
        if world is None:
            raise StoreUnavailable("The match store has not been read yet, so no model can be added. Try again later.")
        begun = world.having(model).timelines[model.tag]
        with self._making:
            assert self.world is not None, "a world is never taken back"
            self._models.append(model)
            self._publish(self.world.having(model, begun))

    def remove(self, tag: str) -> None:
        """Have the world know a model no more."""
        with self._making:
            self._models = [model for model in self._models if model.tag != tag]
            if self.world is not None and tag in self.world.timelines:
                self._publish(self.world.lacking(tag))

    def look(self, *, is_first: bool = False) -> None:
        """Read what is new; a failure is logged and counted, and changes nothing.

        The first look leaves for the next what is not needed to be ready.
        """
        try:
            with self._making:
                self._read()
                if not is_first:
                    self._complete()
        except Exception as error:
            self.failures += 1
            if self._failing_since is None:
                self._failing_since = time.monotonic()
                log.exception("the match store cannot be read; serving goes on with what is known")
            else:
                log.warning("the match store still cannot be read", extra={"reason": type(error).__name__})
            self._close()
            self._on_failure()
        else:
            self._failing_since = None

    @property
    def is_unreachable(self) -> bool:
        """Return whether the store has not been readable for a while."""
        since = self._failing_since
        return since is not None and time.monotonic() - since > UNREACHABLE_AFTER_S

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(self._pause_s())
            self._wake.clear()
            if not self._stop.is_set():
                self.look()

    def _pause_s(self) -> float:
        """Return the pause before the next look, longer the longer the store has not been readable."""
        since = self._failing_since
        failing_s = 0.0 if since is None else time.monotonic() - since
        return min(self._poll_s + failing_s, max(self._poll_s, LONGEST_PAUSE_S))

    def _read(self) -> None:
        engine = self._open()
        before = self.world
        if before is not None and standing(engine) == before.standing:
            self._let_go(engine)
            return
        started = time.perf_counter()
        world = read_world(engine, self._models) if before is None else follow_world(engine, before, self._models)
        self._let_go(engine)
        self._publish(world)
        told = {"revision": world.snapshot.revision, "matches": len(world.snapshot), "results": len(world.table)}
        log.info("store read", extra={**told, "duration_ms": round((time.perf_counter() - started) * 1e3)})

    def _complete(self) -> None:
        """Add what was left for later: competitions that a model was not trained on."""
        world = self.world
        if world is None:
            return
        completed = world.completed()
        if any(completed.timelines[tag] is not lines for tag, lines in world.timelines.items()):
            self._publish(completed)

    def _publish(self, world: World) -> None:
        self.world = world
        self._on_world(world)
        if world.is_past_recalled:
            self.recalled.set()
        elif self._recaller is None:
            # In a thread of its own, so that new results need not wait for old matches.
            self._recaller = threading.Thread(target=self._recall, name="past-recaller", daemon=True)
            self._recaller.start()

    def _recall(self) -> None:
        """Replay old matches until the latest world needs no more of it."""
        try:
            while (world := self._unrecalled()) is not None:
                world.recall_past(self._past_folder)
        except Exception:
            log.exception("old matches cannot be replayed; they are again when the next result comes")
            self.recalled.set()
            with self._making:
                self._recaller = None
            return
        given_back = give_back()
        log.info("old matches replayed; memory given back", extra={"bytes": given_back})

    def _unrecalled(self) -> World | None:
        """Return the latest world if it needs a replay; else the recaller ends, and the next world starts another."""
        with self._making:
            world = self.world
            if world is None or world.is_past_recalled or self._stop.is_set():
                self._recaller = None
                if world is not None and world.is_past_recalled:
                    self.recalled.set()
                return None
            return world

    def _open(self) -> sa.Engine:
        """Open the store; once it was read, a file that is gone is not made anew and empty."""
        if self.world is not None and self._file is not None and not self._file.exists():
            raise StoreUnavailable("The file of the match store is gone. Put it back, or ingest again.")
        if self._engine is None:
            self._engine = open_store(self._url)
        return self._engine

    def _let_go(self, engine: sa.Engine) -> None:
        """Have the next look open the file of an SQLite store anew, so that one put in its place is noticed."""
        if self._file is not None:
            engine.dispose()

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite URL, None for another database.

    >>> sqlite_file("postgresql://server/football"), sqlite_file("sqlite:////tmp/matches.sqlite").name
    (None, 'matches.sqlite')
    """
    address = sa.make_url(url)
    return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None
