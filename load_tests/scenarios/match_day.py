"""Match day: most callers ask for few matches, in bursts.

Four fifths of the asks go to a fifth of the day's matches. Kick-offs triple
the rate for a few seconds; when line-ups come, some callers ask for one match
anew (``force_recalculate``) while the others go on as before.
"""

from __future__ import annotations

from traffic import COMING, IDS, RATE, SECONDS, Visitor, draw

DAY = (COMING + IDS)[:400]
HOT = DAY[: len(DAY) // 5]
OTHER = DAY[len(DAY) // 5 :]
KINDS = ("winner", "winner", "winner", "probability")
KICK_OFFS = (0.25, 0.5, 0.75)  # of the whole run
LINE_UPS = (0.2, 0.45, 0.7)
SPIKE_S = 5.0
SPIKE = 3.0
QUIET = 0.8
ANEW = 0.05  # of the asks while line-ups come


def is_within(elapsed_s: float, moments: tuple[float, ...]) -> bool:
    """Return whether one of the moments began less than a spike ago."""
    return any(0 <= elapsed_s - moment * SECONDS < SPIKE_S for moment in moments)


class MatchDay(Visitor):
    """Ask for the matches of one day."""

    elapsed_s = 0.0

    def rate_at(self, elapsed_s: float) -> float:
        """Return three times the rate at kick-off, twice at line-ups, and a little less between them."""
        self.elapsed_s = elapsed_s
        if is_within(elapsed_s, KICK_OFFS):
            return SPIKE * RATE
        return 2.0 * RATE if is_within(elapsed_s, LINE_UPS) else QUIET * RATE

    def send(self) -> None:
        """Ask for one match of the day, hot ones four times of five."""
        match_id = draw.choice(HOT if draw.random() < 0.8 else OTHER)
        if is_within(self.elapsed_s, LINE_UPS) and draw.random() < ANEW:
            self.predict(match_id, "line-up", '{"force_recalculate":true}')
        else:
            kind = draw.choice(KINDS)
            self.predict(match_id, f"match day {kind}", f'{{"prediction_type":"{kind}"}}')
