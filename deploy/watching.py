"""Releasing a model as soon as it is trained: the model store is watched, and whatever is new in it goes the whole way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchfiles import watch

from deploy.build import BuildFailed
from deploy.errors import AnotherIsAtIt, DeployFailed
from deploy.place import Place
from deploy.state import history, note

DEBOUNCE_MS: Final = 2_000
_LOOK_MS: Final = 5_000
EVENT: Final = "watched"


class Watcher:
    """Take every new model to the callers, once.

    Args:
        folder: Of the saved versions of one model name; made if it is not there.
        newest: Gives the full tag of the newest complete model, or None.
        served: Gives the full tag of the model that serves, or None.
        take: Builds and releases a model by its tag; returns the bento's tag. Raises BuildFailed, DeployFailed.
        say: Told what is done, in a line each.
    """

    def __init__(
        self,
        place: Place,
        folder: Path,
        *,
        newest: Callable[[], str | None],
        served: Callable[[], str | None],
        take: Callable[[str], str],
        say: Callable[[str], None],
    ) -> None:
        self._place, self._folder = place, folder
        self._newest, self._served, self._take, self._say = newest, served, take, say

    def run(self, stop: threading.Event | None = None) -> None:
        """Watch until told to stop. What was trained while nobody watched is taken first."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._place.make()
        self._say(f"Watching {self._folder}.")
        self.look()
        # Also without a change: what could not be done because another was at it is done then.
        for _ in watch(
            self._folder,
            debounce=DEBOUNCE_MS,
            step=200,
            stop_event=stop,
            raise_interrupt=False,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
        ):
            self.look()

    def look(self) -> None:
        """Release the newest model unless it has served, or was tried and failed: what was rolled back from stays away."""
        tag = self._newest()
        if tag is None or tag == self._served() or tag in self._known():
            return
        began = time.monotonic()
        facts: dict[str, object] = {"model": tag}
        try:
            bento = self._take(tag)
            facts |= {"tag": bento, "result": "released"}
        except AnotherIsAtIt:
            return
        except (BuildFailed, DeployFailed) as error:
            facts |= {"result": "failed", "reason": str(error)}
            self._say(f"{tag} is not released: {error}")
        note(self._place, EVENT, **facts, took_s=round(time.monotonic() - began, 3))

    def _known(self) -> set[str]:
        """Return the models that were tried by a watcher, or served."""
        return {
            str(model) for event in history(self._place) for model in (event.get("model"), *event.get("models", ()))
        }
