"""Keeps the forecasts of matches to come, so that they can be compared with the results when these are in.

Whoever answers requests pays for one list that is put into a queue for each batch. A thread makes the rows out and
writes them to the match store twice a second. It never raises and nobody waits for it: where the store cannot be written
it tries again, and what does not fit the queue meanwhile is lost and counted.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from runners.queries import Forecast, PredictionQuery
from store.database import reopen_store
from store.forecasts import SECONDS_PER_DAY, KeptForecast, ensure_forecasts, forget_forecasts, keep_forecasts

log = logging.getLogger("football.prediction_log")

WRITTEN_EVERY_S: Final = 0.5
MOST_BATCHES: Final = 4_096
MOST_ROWS: Final = 2_000
RESULTS: Final = ("written", "known", "lost")
_FORGOTTEN_EVERY_S: Final = 6 * 3_600.0
_TOTAL: Final = 2.5

_Noted = tuple[float, Sequence[Forecast], Sequence[PredictionQuery]]


class PredictionLog:
    """Log the forecasts of one worker.

    Args:
        database_url: Of the match store.
        keep_days: After so many days a forecast is forgotten.
        on_rows: Told how many rows were ``written``, were ``known`` already, or were ``lost``.
        now: In seconds since 1970-01-01.
    """

    def __init__(
        self,
        database_url: str,
        *,
        keep_days: int,
        on_rows: Callable[[str, int], None] = lambda _result, _rows: None,
        now: Callable[[], float] = lambda: dt.datetime.now(dt.UTC).timestamp(),
    ) -> None:
        self._url, self._keep_days, self._on_rows, self._now = database_url, keep_days, on_rows, now
        self._queue: deque[_Noted] = deque()
        self._left: list[KeptForecast] = []  # made out, and not written yet
        self._seen: set[tuple[str, str, str, str, int]] = (
            set()
        )  # written since the worker started, or known to be there
        self._forget_at = 0.0
        self._is_failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def note(self, forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery]) -> None:
        """Take note of a batch of forecasts that was computed."""
        if len(self._queue) < MOST_BATCHES:
            self._queue.append((self._now(), forecasts, queries))
        else:
            self._on_rows("lost", len(forecasts))

    def _work(self) -> None:
        while not self._stop.wait(WRITTEN_EVERY_S):
            self._turn()
        self._turn()

    def _turn(self) -> None:
        try:
            self._make_out()
            self._write()
        except Exception as error:  # noqa: BLE001 - whatever befalls the log, the service goes on
            if not self._is_failing:
                log.warning("forecasts cannot be logged; tried again", extra={"reason": str(error)})
            self._is_failing = True

    def _make_out(self) -> None:
        while self._queue and len(self._left) < MOST_ROWS:
            at_s, forecasts, queries = self._queue.popleft()
            self._left += self._rows(at_s, forecasts, queries)

    def _rows(
        self, at_s: float, forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery]
    ) -> Iterator[KeptForecast]:
        day = int(at_s) // SECONDS_PER_DAY
        for forecast, query in zip(forecasts, queries, strict=True):
            if not is_of_a_match_to_come(forecast, query, at_s):
                continue
            match_id = str(forecast.match.match_id)
            key = (match_id, forecast.model_name, forecast.model_version, forecast.feature_state_version, day)
            if key not in self._seen:
                self._seen.add(key)
                yield self._row(forecast, key, at_s)

    def _row(self, forecast: Forecast, key: tuple[str, str, str, str, int], at_s: float) -> KeptForecast:
        kickoff = forecast.match.kickoff
        return KeptForecast(
            *key,
            computed_at=int(at_s),
            kickoff=None if kickoff is None else int(kickoff.timestamp()),
            home=forecast.proba[0],
            draw=forecast.proba[1],
            away=forecast.proba[2],
            over_2_5=forecast.markets.over(_TOTAL),
            both_score=forecast.markets.both_teams_to_score[0],
            is_degraded=bool(forecast.degraded),
        )

    def _write(self) -> None:
        is_time_to_forget = self._now() >= self._forget_at
        if not self._left and not is_time_to_forget:
            return
        # Opened anew each time: a file that was put in the place of the store is noticed, and one that is gone is not made.
        engine = reopen_store(self._url)
        try:
            ensure_forecasts(engine)
            added = keep_forecasts(engine, self._left)
            self._on_rows("written", added)
            self._on_rows("known", len(self._left) - added)
            self._left = []
            if is_time_to_forget:
                forget_forecasts(engine, before_day=int(self._now()) // SECONDS_PER_DAY - self._keep_days)
                self._forget_at = self._now() + _FORGOTTEN_EVERY_S
                self._seen.clear()
        finally:
            engine.dispose()
        self._is_failing = False


def is_of_a_match_to_come(forecast: Forecast, query: PredictionQuery, at_s: float) -> bool:
    """Return whether a forecast says what the service thinks, just now, of a known match that is still to be played.

    One for an earlier instant, with features of the caller's own, of a described match or of one that has begun is none.
    """
    match = forecast.match
    is_open = match.status == "scheduled" and (match.kickoff is None or match.kickoff.timestamp() > at_s)
    is_plain = query.match_id is not None and query.as_of is None and not query.overrides
    return bool(match.match_id) and is_open and is_plain
