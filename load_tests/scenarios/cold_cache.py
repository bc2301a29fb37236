"""Cold cache: no answer is at hand, as after a start or an upgrade.

Every match is asked for once; when all were, callers insist on a new answer.
"""

from __future__ import annotations

from itertools import count

from traffic import IDS, Visitor

places = count()


class ColdCache(Visitor):
    """Ask for each match once."""

    def send(self) -> None:
        """Ask for the next match."""
        place = next(places)
        is_first = place < len(IDS)
        body = '{"prediction_type":"probability"}' if is_first else '{"force_recalculate":true}'
        self.predict(IDS[place % len(IDS)], "first time" if is_first else "anew", body)
