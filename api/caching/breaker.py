"""A circuit breaker: after a few failures nobody waits for Redis until one probe has shown that it is back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half_open"]


class Breaker:
    """Open after a run of failures, or at one failure to connect; close when a probe succeeds.

    The first probe may go after ``first_pause_s``, the next after twice that, and so on up to ``longest_pause_s``;
    each pause is drawn up to a quarter longer, so that workers do not come back in step.

    Args:
        clock: Seconds that never go back.
        draw: A number in [0, 1), for the pauses.

    >>> now = 0.0
    >>> breaker = Breaker(threshold=2, clock=lambda: now, draw=lambda: 0.0)
    >>> breaker.record_failure(); breaker.record_failure()
    >>> breaker.state, breaker.claim_probe()
    ('open', False)
    >>> now = 1.0
    >>> breaker.claim_probe(), breaker.claim_probe(), breaker.state
    (True, False, 'half_open')
    >>> breaker.end_probe(succeeded=True)
    >>> breaker.state
    'closed'
    """

    def __init__(
        self,
        *,
        threshold: int = 5,
        first_pause_s: float = 1.0,
        longest_pause_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._threshold = threshold
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._clock = clock
        self._draw = draw
        self._failures = 0
        self._pause_s = first_pause_s
        self._probe_at = 0.0
        self._is_probing = False
        self.is_closed = True

    @property
    def state(self) -> State:
        """Say ``closed`` (in use), ``open`` (not asked) or ``half_open`` (a probe is under way)."""
        if self.is_closed:
            return "closed"
        return "half_open" if self._is_probing else "open"

    def record_success(self) -> None:
        """Note an answer in time."""
        if self.is_closed:
            self._failures = 0

    def record_failure(self, *, connecting: bool = False) -> None:
        """Note a failure; what was asked before it opened and fails after counts no more."""
        if not self.is_closed:
            return
        self._failures += 1
        if connecting or self._failures >= self._threshold:
            self._pause_s = self._first_pause_s
            self._open()

    def claim_probe(self) -> bool:
        """Tell the caller to probe, if it is time; it must call ``end_probe`` whatever happens."""
        if self.is_closed or self._is_probing or self._clock() < self._probe_at:
            return False
        self._is_probing = True
        return True

    def end_probe(self, *, succeeded: bool) -> None:
        """Close after a probe that succeeded; else wait twice as long for the next."""
        self._is_probing = False
        if succeeded:
            self.is_closed = True
            self._failures = 0
        else:
            self._pause_s = min(2 * self._pause_s, self._longest_pause_s)
            self._open()

    def _open(self) -> None:
        self.is_closed = False
        pause_s = min(self._pause_s * (1 + self._draw() / 4), self._longest_pause_s)
        self._probe_at = self._clock() + pause_s
