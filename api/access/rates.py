"""How much each caller may ask for: so much a second, and so much at once after a pause.

The generic cell rate algorithm (ITU-T I.371, 1993): a caller has one number, the time at which all that he asked
for would have been due at his rate. He may be ahead of it by his burst and no further.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

MOST_CALLERS: Final = 10_000


class Rates:
    """Bound what each of many callers asks for; forget who was not seen for longest where they are too many.

    Args:
        per_s: Units a second, above 0.
        burst: Units that may be had at once.
        clock: In seconds, never going back.
    """

    def __init__(self, per_s: float, burst: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._unit_s, self._ahead_s = 1.0 / per_s, burst / per_s
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()
        self._had: Counter[str] = Counter()

    def take(self, caller: str) -> float:
        """Take one unit; return 0, or the seconds to wait where there is none now, and then nothing is taken.

        >>> rates = Rates(2.0, 1.0, clock=iter((10.0, 10.25, 10.5)).__next__)  # two a second, one at once
        >>> rates.take("a"), rates.take("a"), rates.take("a")
        (0.0, 0.25, 0.0)
        """
        now = self._clock()
        due = max(self._due.get(caller, now), now) + self._unit_s
        wait_s = due - now - self._ahead_s
        if wait_s > 1e-9:
            return wait_s
        self._put(caller, due)
        self._had[caller] += 1
        return 0.0

    def charge(self, caller: str, units: int) -> None:
        """Take units that were had already, such as the items of a batch: who owes some waits the longer."""
        self._owe(caller, units)
        self._had[caller] += units

    def charge_from_elsewhere(self, caller: str, units: int) -> None:
        """Take units that a caller had of another worker; whatever is said there, he owes no more than a burst for it."""
        now = self._clock()
        owed_s = max(self._due.get(caller, now) - now, 0.0)
        most = max(2 * self._ahead_s - owed_s, 0.0) / self._unit_s
        self._owe(caller, min(units, most))

    def had(self) -> Counter[str]:
        """Return the units that callers had here since this was last asked."""
        had, self._had = self._had, Counter()
        return had

    def _owe(self, caller: str, units: float) -> None:
        now = self._clock()
        self._put(caller, max(self._due.get(caller, now), now) + units * self._unit_s)

    def _put(self, caller: str, due: float) -> None:
        self._due[caller] = due
        self._due.move_to_end(caller)
        if len(self._due) > MOST_CALLERS:
            forgotten, _ = self._due.popitem(last=False)
            self._had.pop(forgotten, None)
