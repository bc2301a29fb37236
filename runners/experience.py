"""What a model was asked about, beside what it had learned from at the same time of other years."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.frame import FeatureFrame
from runners.loading import LoadedModel
from runners.timeline import Timeline

YEARS: Final = 3
DAYS_AROUND: Final = 60
_YEAR_DAYS: Final = 365.2425
_ROWS_IN_STEP: Final = 256  # no other thread runs while they are scored


class Experience(NamedTuple):
    """Hold m matches that a model has learned from and n that it was asked about, as it saw them before kick-off.

    Attributes:
        names: Of the f features.
        learned, asked: Their features. Shapes (m, f) and (n, f).
        learned_proba: What it says of the former. Shape (m, 3).
        learned_competition, asked_competition: Codes. Shapes (m,) and (n,).
    """

    names: tuple[str, ...]
    learned: Array
    learned_proba: Array
    learned_competition: NDArray[np.str_]
    asked: Array
    asked_competition: NDArray[np.str_]


def experience(model: LoadedModel, timeline: Timeline, match_ids: Iterable[str]) -> Experience | None:
    """Return the matches asked about that were played since, and those learned from; None if there are none of either.

    Seasons have their own course: what is new in August is usual in May. So of the last three years before
    the first of those matches only the weeks around the same dates are taken.
    """
    asked = sorted(row for one in set(match_ids) if (row := timeline.row_of(one)) is not None)
    if not asked:
        return None
    days = timeline.table.day
    until = min(model.features.last_day, int(days[asked[0]]) - 1)
    learned = learned_rows(days, days[asked], until)
    if not len(learned):
        return None
    values = timeline.described_many(learned.tolist())[0]
    steps = (
        FeatureFrame(model.features.names, values[at : at + _ROWS_IN_STEP])
        for at in range(0, len(values), _ROWS_IN_STEP)
    )
    competition = timeline.table.competition
    return Experience(
        names=model.features.names,
        learned=values,
        learned_proba=np.vstack([model.model.forecast(step).proba for step in steps]),
        learned_competition=competition[learned].astype(np.str_),
        asked=timeline.described_many(asked)[0],
        asked_competition=competition[asked].astype(np.str_),
    )


def learned_rows(days: NDArray[np.int64], asked_days: NDArray[np.int64], until: int) -> NDArray[np.int64]:
    """Return the rows of up to three years until a day that are as late in their year as those asked about, give or take.

    >>> days = np.array([0, 100, 365, 465, 730])  # asked about in spring: the days 100 and 465 are in other springs
    >>> learned_rows(days, np.array([831]), until=800).tolist()
    [1, 3]
    """
    around = np.zeros(int(_YEAR_DAYS) + 1, dtype=bool)
    spread = np.arange(-DAYS_AROUND, DAYS_AROUND + 1)
    around[_day_of_year(np.unique(asked_days)[:, None] + spread)] = True
    is_recent = (days <= until) & (days > until - YEARS * _YEAR_DAYS)
    return np.flatnonzero(is_recent & around[_day_of_year(days)])


def _day_of_year(days: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.mod(days, _YEAR_DAYS).astype(np.int64)
