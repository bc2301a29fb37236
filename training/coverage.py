"""The coverage of a model's prediction sets over a window: each season, all of it, and where little was known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.conformal import COVERAGE
from training.report import FEWEST_PER_GROUP, rows_by_group
from training.set_coverage import SetCoverage, conformal_coverage, set_coverage
from training.walk_forward import Forecasts

LITTLE_KNOWN: Final = 10  # matches, below which a side counts as new


@dataclass(frozen=True, slots=True)
class Coverage:
    """Hold how often results were in the sets of one model.

    Attributes:
        promised: What each set had to reach, within (0, 1).
        is_conformal: Whether the sets go by the model's thresholds, as those that are served do; else they are the fewest
            outcomes whose probabilities reach what is promised.
        per_season: Of at least 30 matches each, by name.
        new_sides: Of the matches in which a side had fewer than ten on record; None where nobody counted, or of fewer
            than 30.
    """

    promised: float
    is_conformal: bool
    overall: SetCoverage
    per_season: Mapping[str, SetCoverage]
    new_sides: SetCoverage | None

    @property
    def rule(self) -> str:
        """Return what puts an outcome into a set, in words."""
        if self.is_conformal:
            return "conformal sets as served: thresholds from earlier results, once there are enough of them"
        return f"no thresholds of the model's own: the fewest outcomes whose probabilities reach {self.promised:.0%}"

    def to_plain(self) -> dict[str, Any]:
        """Return everything as plain data for the model card, which takes no None, and for ``--json``."""
        return {
            "sets": "conformal" if self.is_conformal else "probabilities",
            "rule": self.rule,
            "promised": self.promised,
            "overall": _plain(self.overall),
            "per_season": {name: _plain(told) for name, told in self.per_season.items()},
            **({} if self.new_sides is None else {"new_sides": _plain(self.new_sides)}),
        }


def coverage_of(forecasts: Forecasts, *, model: str, promised: float = COVERAGE) -> Coverage:
    """Return the coverage of a model's own sets where they promise that much, else of sets that trust its probabilities.

    Args:
        model: A name in ``forecasts.proba``.
        promised: Within (0, 1).

    Raises:
        InvalidForecast: If the promised coverage is not within (0, 1).
        ValueError: If there is no match.
    """
    threshold = forecasts.set_threshold.get(model) if promised == COVERAGE else None
    proba, outcome, season = forecasts.proba[model], forecasts.matches.outcome, forecasts.matches.season

    def counted(rows: NDArray[Any]) -> SetCoverage:
        if threshold is None:
            return set_coverage(proba[rows], outcome[rows], promised)
        return conformal_coverage(proba[rows], threshold[rows], outcome[rows])

    known = forecasts.matches_known
    new = np.flatnonzero(known < LITTLE_KNOWN) if known is not None else np.empty(0, dtype=np.int64)
    return Coverage(
        promised=promised,
        is_conformal=threshold is not None,
        overall=counted(np.arange(len(outcome))),
        per_season={name: counted(rows) for name, rows in rows_by_group(season).items()},
        new_sides=counted(new) if len(new) >= FEWEST_PER_GROUP else None,
    )


def _plain(told: SetCoverage) -> dict[str, Any]:
    return {
        "matches": told.matches,
        "stated": told.stated,
        "observed": told.observed,
        "low": told.low,
        "high": told.high,
        "mean_size": told.mean_size,
    }
