"""How many requests may be at work at once, and how many of them one caller's.

While there is room everybody has as much as he wants. Once half of it is taken, nobody gets more than his equal share,
so who asks for ten times as much as the others is refused first, and they are not.
"""

from __future__ import annotations

from collections import Counter


class Shares:
    """Count the requests at work in one worker.

    Args:
        most: Requests at work at once, all callers together.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.total = 0
        self._own: Counter[str] = Counter()

    def enter(self, caller: str) -> bool:
        """Begin a request; False where there is no room for it, and then it is not begun.

        >>> shares = Shares(4)
        >>> [shares.enter("greedy") for _ in range(4)]  # alone, a caller may have all
        [True, True, True, True]
        >>> shares.leave("greedy"); shares.leave("greedy")
        >>> shares.enter("modest"), shares.enter("greedy")  # half of it is taken: two callers, two each
        (True, False)
        """
        own = self._own[caller]
        callers = len(self._own) + (own == 0)
        if self.total >= self.most or (2 * self.total >= self.most and own >= self.most / callers):
            return False
        self._own[caller] = own + 1
        self.total += 1
        return True

    def leave(self, caller: str) -> None:
        """End a request."""
        self.total -= 1
        if self._own[caller] == 1:
            del self._own[caller]
        else:
            self._own[caller] -= 1
