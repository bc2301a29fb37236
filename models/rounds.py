"""How many rounds of boosting: as many as serve matches that were not learned from, the latest ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xgboost
from numpy.typing import NDArray

FEWEST_FOR_STOPPING: Final = 400  # matches in the later window, below which the number of rounds is not chosen by it
ROUNDS_WITHOUT_STOPPING: Final = 40
LATEST_SHARE: Final = 0.9


def later_window(day: NDArray[np.int64], days: int) -> NDArray[np.bool_] | None:
    """Return which matches lie in the last so many days, or in the last tenth where those hold less. Shape (n,).

    None where the window or what is before it holds too little to go by.
    """
    later: NDArray[np.bool_] = day > min(day.max() - days, np.quantile(day, LATEST_SHARE))
    return None if min(later.sum(), (~later).sum()) < FEWEST_FOR_STOPPING else later


def best_rounds(
    parameters: Mapping[str, Any], earlier: xgboost.DMatrix, later: xgboost.DMatrix, *, most: int, patience: int
) -> int:
    """Return the number of rounds on earlier matches that is best on later ones.

    Args:
        most: Rounds at most.
        patience: Rounds without improvement after which no more are tried.
    """
    booster = xgboost.train(
        dict(parameters),
        earlier,
        most,
        evals=[(later, "later")],
        early_stopping_rounds=patience,
        verbose_eval=False,
    )
    return int(booster.best_iteration) + 1
