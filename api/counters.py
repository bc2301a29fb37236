"""What the server counts since it started, over all its workers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from api.caching import Tallies

_NAMES = ("succeeded", "failed", "internal_errors", "microseconds")


class Counters:
    """Count forecasts and internal errors.

    Args:
        folder: Where the workers of one server keep what they count; None counts in this process alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._tallies = Tallies(_NAMES, folder)
        self._succeeded, self._failed, _, self._microseconds = (self._tallies.slot_of[name] for name in _NAMES)
        self.started_at = dt.datetime.now(dt.UTC)

    def count(self, *, succeeded: int, failed: int, milliseconds: float) -> None:
        """Add one call; each forecast in it is counted with the time of the whole."""
        cells = self._tallies.cells
        cells[self._succeeded] += succeeded
        cells[self._failed] += failed
        cells[self._microseconds] += int(milliseconds * 1e3) * succeeded

    def count_internal_error(self) -> None:
        """Add one answer with INTERNAL_ERROR."""
        self._tallies.add("internal_errors")

    def totals(self) -> Totals:
        """Return what all workers have counted."""
        return Totals(self._tallies.totals())


class Totals:
    """Hold counts as they were at one instant."""

    def __init__(self, sums: dict[str, int]) -> None:
        self.succeeded, self.failed = sums["succeeded"], sums["failed"]
        self.internal_errors = sums["internal_errors"]
        self._microseconds = sums["microseconds"]

    @property
    def success_rate(self) -> float | None:
        """Return the share of forecasts that succeeded, 0-1; None before the first."""
        total = self.succeeded + self.failed
        return self.succeeded / total if total else None

    @property
    def mean_milliseconds(self) -> float | None:
        """Return the mean time of a forecast; None before the first."""
        return self._microseconds / 1e3 / self.succeeded if self.succeeded else None
