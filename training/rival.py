"""Our forecasts beside those of others who also spoke before the matches were played: on the matches that both have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from training.history import TooLittleData
from training.walk_forward import Forecasts

LEAST_PROBABILITY: Final = 1e-6
"""What a rival's forecast is raised to where it gives less; the log loss of what was said to be impossible is infinite."""


@dataclass(frozen=True, slots=True)
class BesideRival:
    """Hold all forecasts of the matches that a rival spoke of, the rival's among them.

    Attributes:
        left_out: Our forecasts of other matches.
        clipped: The rival's forecasts that gave an outcome less than LEAST_PROBABILITY.
        clipped_results: Those of them in which that outcome happened.
    """

    rival: str
    forecasts: Forecasts
    left_out: int
    clipped: int
    clipped_results: int

    def to_plain(self) -> dict[str, Any]:
        """Return the counts as plain data."""
        return {
            "name": self.rival,
            "matches": len(self.forecasts.matches),
            "left_out": self.left_out,
            "least_probability": LEAST_PROBABILITY,
            "clipped": self.clipped,
            "clipped_results": self.clipped_results,
        }


def beside_rival(forecasts: Forecasts, rival: str, proba: Mapping[str, tuple[float, float, float]]) -> BesideRival:
    """Return the forecasts of the matches that a rival spoke of, with the rival's as one model more.

    Args:
        forecasts: Of played matches, from ``walk_forward``.
        rival: Its name; none of our models has it.
        proba: The rival's home, draw and away probabilities by match id, which sum to 1; matches of other days do no harm.

    Raises:
        TooLittleData: If the rival spoke of none of the matches.
        ValueError: If a model is called as the rival.
    """
    if rival in forecasts.proba:
        raise ValueError(f"given a rival called {rival!r}, but that is a model of ours; expected another name")
    rows = np.flatnonzero([match_id in proba for match_id in forecasts.matches.match_id])
    if not len(rows):
        raise TooLittleData(f"{rival} has no forecast of a match in the window; check the dates and the competitions")
    both = forecasts.take(rows)
    given = np.array([proba[match_id] for match_id in both.matches.match_id], dtype=np.float64)
    raised = np.maximum(given, LEAST_PROBABILITY)
    said = given[np.arange(len(rows)), both.matches.outcome]
    return BesideRival(
        rival=rival,
        forecasts=replace(both, proba={**both.proba, rival: raised / raised.sum(axis=1, keepdims=True)}),
        left_out=len(forecasts.matches) - len(rows),
        clipped=int((given < LEAST_PROBABILITY).any(axis=1).sum()),
        clipped_results=int((said < LEAST_PROBABILITY).sum()),
    )
