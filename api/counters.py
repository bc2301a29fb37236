"""What one worker counts since it started. Kept in memory; other workers count for themselves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Count forecasts and internal errors."""

    succeeded: int = 0
    failed: int = 0
    internal_errors: int = 0
    milliseconds: float = 0.0
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def count(self, *, succeeded: int, failed: int, milliseconds: float) -> None:
        """Add one computation; each forecast in it is counted with the time of the whole."""
        self.succeeded += succeeded
        self.failed += failed
        self.milliseconds += milliseconds * succeeded

    @property
    def success_rate(self) -> float | None:
        """Return the share of forecasts that succeeded, 0-1; None before the first."""
        total = self.succeeded + self.failed
        return self.succeeded / total if total else None

    @property
    def mean_milliseconds(self) -> float | None:
        """Return the mean time of a forecast; None before the first."""
        return self.milliseconds / self.succeeded if self.succeeded else None
