"""Steady: a constant rate of single predictions, all kinds, of many matches.

Three quarters ask for coming matches, as callers do; the rest looks back.
"""

from __future__ import annotations

from traffic import COMING, IDS, Visitor, draw

KINDS = ("winner", "winner", "probability", "score", "over_under")
MANY = 5_000


class Steady(Visitor):
    """Ask for any match in any kind."""

    def send(self) -> None:
        """Ask for one match."""
        matches = COMING if COMING and draw.random() < 0.75 else IDS[:MANY]
        kind = draw.choice(KINDS)
        self.predict(draw.choice(matches), f"single {kind}", f'{{"prediction_type":"{kind}"}}')
