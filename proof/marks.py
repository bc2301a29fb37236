"""Marks around every change and fault, and the phase of a request between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

Kind = Literal["release", "rollback", "kill-worker", "kill-slot", "kill-supervisor", "kill-proxy", "stop-worker"]
STEADY: Final = "steady"


class Change(msgspec.Struct, frozen=True):
    """Hold what was done to the service, and when, by ``time.monotonic``.

    Attributes:
        began: Just before it was ordered, or the signal was sent.
        ended: When the command had returned, or all that the fault took was back.
        version: Of the model that should answer afterwards; empty for a fault.
        is_done: Whether it did what it should: a release may be refused.
        said: The end of what the command said; what was hit, for a fault.
        back_s: Of a fault, seconds until all was back from when that could begin; 0 for a release.
    """

    kind: Kind
    began: float
    ended: float
    version: str = ""
    is_done: bool = True
    said: str = ""
    back_s: float = 0.0

    @property
    def took_s(self) -> float:
        """Return how long it took."""
        return self.ended - self.began


class Phases:
    """Tell in which phase a request was.

    Args:
        changes: One after the other.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._ends = [change.ended for change in changes]

    def of(self, due: float, done: float) -> tuple[str, Change | None]:
        """Return the name of a request's phase, and the change that it lies in or after.

        A request that was under way at any instant of a change lies in it: also one that was due just before.

        >>> release = Change("release", began=10.0, ended=20.0)
        >>> phases = Phases([release])
        >>> [phases.of(due, due + 1.0)[0] for due in (5.0, 9.5, 19.0, 20.5)]
        ['steady', 'release', 'release', 'after release']
        """
        place = bisect_left(self._ends, due)
        if place < len(self._changes) and done >= self._changes[place].began:
            return self._changes[place].kind, self._changes[place]
        before = self._changes[place - 1] if place else None
        return (STEADY if before is None else f"after {before.kind}"), before
