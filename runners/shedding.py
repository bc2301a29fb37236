"""When to refuse work rather than let it wait: not in a moment's jam, but as long as more comes in than goes out.

After the controlled delay of Nichols and Jacobson (2012): a queue that is long for an instant does its work, one that
stays long only makes everybody late.
"""

from __future__ import annotations

from typing import Final

PATIENCE_S: Final = 0.5
CALM_S: Final = 1.0


class Shedding:
    """Decide by how long work would wait.

    Args:
        most_wait_s: What would wait longer is refused, once that has been so without a break for ``patience_s``; and
            until nothing would have waited longer for ``calm_s``.
    """

    def __init__(self, most_wait_s: float, *, patience_s: float = PATIENCE_S, calm_s: float = CALM_S) -> None:
        self._most_wait_s, self._patience_s, self._calm_s = most_wait_s, patience_s, calm_s
        self._is_on = False
        self._since: float | None = None  # when what speaks for a change began

    def refuses(self, wait_s: float, now: float) -> bool:
        """Return whether work that would wait so long is refused.

        >>> shedding = Shedding(0.1)
        >>> shedding.refuses(0.3, 10.0), shedding.refuses(0.3, 10.4), shedding.refuses(0.3, 10.6)
        (False, False, True)
        >>> shedding.refuses(0.05, 10.7), shedding.refuses(0.3, 10.8)  # still too much
        (False, True)
        """
        is_long = wait_s > self._most_wait_s
        if is_long == self._is_on:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since > (self._calm_s if self._is_on else self._patience_s):
            self._is_on, self._since = is_long, None
        return is_long and self._is_on
