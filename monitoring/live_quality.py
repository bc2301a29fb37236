"""How good the forecasts that were served have been, worked out again every few minutes for the metrics."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

from monitoring.calibration_watch import Watched, watch
from monitoring.drift import Drift, drift
from monitoring.settlement import HORIZONS_S, LAST, Score, Settled, by, score, settle
from runners.experience import Experience
from store.database import reopen_store
from store.forecasts import SECONDS_PER_DAY, Met, met_forecasts

log = logging.getLogger("football.live_quality")

FIRST_AFTER_S: Final = 20.0
NEWEST: Final = 2_000
LATELY_DAYS: Final = 90
Look = Callable[[Collection[str]], Experience | None]
"""Given the ids of matches asked about, returns them beside those that the model has learned from."""


class Quality(NamedTuple):
    """Hold what became of the newest forecasts of a model, all versions together.

    Attributes:
        parts: Scores of the horizons, competitions and versions among them.
        drift: None where too few matches were asked about lately, or what the model learned from is not at hand.
    """

    score: Score
    watched: Watched
    parts: Mapping[str, Mapping[str, Score]]
    drift: Drift | None


def quality_of(database_url: str, model_name: str, look: Look = lambda _: None) -> Quality:
    """Return how good the newest forecasts of a model were. Raises StoreError."""
    engine = reopen_store(database_url)
    try:
        met = met_forecasts(engine, model_name=model_name)
    finally:
        engine.dispose()
    newest = settle(met).where(slice(-NEWEST, None))
    parts = parts_of(met, newest, most=NEWEST)
    whole = parts["horizon"][LAST]
    return Quality(whole, watch(newest.proba, newest.outcome), parts, drift_of(met, look))


def parts_of(met: Sequence[Met], last: Settled, *, most: int | None = None) -> dict[str, dict[str, Score]]:
    """Return the scores of horizons, and of the competitions and versions among the last forecasts before kick-off.

    Args:
        most: Of each horizon, the newest forecasts that count; None for all.
    """
    newest = slice(None if most is None else -most, None)
    horizons = {name: score(last if name == LAST else settle(met, name).where(newest)) for name in HORIZONS_S}
    return {"horizon": horizons, "competition": by(last, last.competition), "version": by(last, last.model)}


def drift_of(met: Sequence[Met], look: Look) -> Drift | None:
    """Return how far the matches of the last three months with results have moved from those learned from."""
    played = [one for one in met if one.home_goals is not None and one.kickoff is not None]
    if not played:
        return None
    since = max(one.kickoff or 0 for one in played) - LATELY_DAYS * SECONDS_PER_DAY
    lately = [one for one in played if (one.kickoff or 0) >= since]
    known = look({one.forecast.match_id for one in lately})
    if known is None:
        return None
    settled = settle(lately)
    return drift(known, settled.proba, settled.competition)


class LiveQuality:
    """Tell again and again how good a model's forecasts have been; a store that cannot be read is tried again.

    Args:
        tell: Told from a thread of its own.
        look: Returns what the model has learned from.
    """

    def __init__(
        self,
        database_url: str,
        model_name: str,
        *,
        every_s: float,
        tell: Callable[[Quality], None],
        look: Look = lambda _: None,
    ) -> None:
        self._url, self._model_name, self._every_s = database_url, model_name, every_s
        self._tell, self._look = tell, look
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
                self._tell(quality_of(self._url, self._model_name, self._look))
            except Exception as error:  # noqa: BLE001 - whatever befalls it, the service goes on
                log.warning("forecasts cannot be compared with results", extra={"reason": str(error)})
