"""Another future: the same matches with later results drawn anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.matches import MatchTable


def rewritten(matches: MatchTable, day: int, *, seed: int = 3) -> MatchTable:
    """The same matches with every result on and after a day drawn anew."""
    rng = np.random.default_rng(seed)
    later = matches.played & (matches.day >= day)
    goals = [np.where(later, rng.integers(0, 9, len(matches)).astype(float), old)
             for old in (matches.home_goals, matches.away_goals)]  # fmt: skip
    return replace(matches, home_goals=goals[0], away_goals=goals[1])
