"""How good the forecasts that were served have been, worked out again every few minutes for the metrics."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from monitoring.calibration_watch import Watched, watch
from monitoring.settlement import Score, score, settle
from store.database import reopen_store
from store.forecasts import met_forecasts

log = logging.getLogger("football.live_quality")

FIRST_AFTER_S: Final = 20.0
NEWEST: Final = 2_000


class Quality(NamedTuple):
    """Hold what became of the newest forecasts of a model, all versions together."""

    score: Score
    watched: Watched


def quality_of(database_url: str, model_name: str) -> Quality:
    """Return how good the newest forecasts of a model were. Raises StoreError."""
    engine = reopen_store(database_url)
    try:
        settled = settle(met_forecasts(engine, model_name=model_name))
    finally:
        engine.dispose()
    newest = settled.where(slice(-NEWEST, None))
    return Quality(score(newest), watch(newest.proba, newest.outcome))


class LiveQuality:
    """Tell again and again how good a model's forecasts have been; a store that cannot be read is tried again.

    Args:
        tell: Told from a thread of its own.
    """

    def __init__(self, database_url: str, model_name: str, *, every_s: float, tell: Callable[[Quality], None]) -> None:
        self._url, self._model_name, self._every_s, self._tell = database_url, model_name, every_s, tell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="live-quality", daemon=True)

    def start(self) -> None:
        """Begin, some seconds from now."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()

    def _work(self) -> None:
        wait_s = FIRST_AFTER_S
        while not self._stop.wait(min(wait_s, self._every_s)):
            wait_s = self._every_s
            try:
                self._tell(quality_of(self._url, self._model_name))
            except Exception as error:  # noqa: BLE001 - whatever befalls it, the service goes on
                log.warning("forecasts cannot be compared with results", extra={"reason": str(error)})
