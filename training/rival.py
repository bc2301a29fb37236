"""Our forecasts beside those of others who also spoke before the matches were played: on the matches that both have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.history import TooLittleData
from training.report import IntervalBy, section
from training.walk_forward import Forecasts

LEAST_PROBABILITY: Final = 1e-6
"""What a rival's forecast is raised to where it gives less; the log loss of what was said to be impossible is infinite."""


@dataclass(frozen=True, slots=True)
class BesideRival:
    """Hold all forecasts of the matches that a rival spoke of, the rival's among them.

    Attributes:
        left_out: Number of our forecasts of other matches.
        is_clipped: Which of the rival's forecasts gave an outcome less than LEAST_PROBABILITY. Shape (n,).
        clipped_results: Number of those in which that outcome happened.
    """

    rival: str
    forecasts: Forecasts
    left_out: int
    is_clipped: NDArray[np.bool_]
    clipped_results: int

    def to_plain(self, *, model: str, seed: int, interval_by: IntervalBy) -> dict[str, Any]:
        """Return the counts as plain data, and the comparison with the rival on the matches that were not clipped.

        A forecast of who goes through gives a draw nothing, so it is one of another question than ours; ``unclipped`` is
        without such matches, and None where there are none of them or no others.

        Args:
            model: Which is ours, a name among the forecasts.
            seed, interval_by: As ``training.report.report`` takes them.
        """
        clipped = int(self.is_clipped.sum())
        return {
            "name": self.rival,
            "matches": len(self.forecasts.matches),
            "left_out": self.left_out,
            "least_probability": LEAST_PROBABILITY,
            "clipped": clipped,
            "clipped_results": self.clipped_results,
            "unclipped": self._unclipped(model, seed, interval_by) if 0 < clipped < len(self.is_clipped) else None,
        }

    def _unclipped(self, model: str, seed: int, interval_by: IntervalBy) -> dict[str, Any]:
        both = {name: self.forecasts.proba[name] for name in (model, self.rival)}
        rows = np.flatnonzero(~self.is_clipped)
        return section(replace(self.forecasts, proba=both), rows, model=model, seed=seed, interval_by=interval_by)


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
        is_clipped=np.asarray((given < LEAST_PROBABILITY).any(axis=1)),
        clipped_results=int((said < LEAST_PROBABILITY).sum()),
    )
