"""What a fitted ensemble looks at, for its card: mean parts in its answers, what permutation costs, partial dependence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from features.frame import FeatureFrame
from models.ensemble import Ensemble
from training.dependence import partial_dependence
from training.history import History
from training.permutation import Permutation

NEWEST_DAYS: Final = 365
MOST_EXPLAINED: Final = 2000
MOST_ASKED: Final = 500
MOST_FEATURES: Final = 20
MAIN_FEATURES: Final = 4
_TOGETHER: Final = 250  # matches explained at once: some 50 MB


def explanations(model: Ensemble, history: History, permutation: Permutation) -> dict[str, Any]:
    """Return what the card says of a model's features, as plain data.

    Args:
        history: What the model learned from; the last year of it is explained.
        permutation: Of the evaluation's fits, on matches that they had not seen.

    Raises:
        NotFitted: If the model is not fitted.
    """
    explained, asked = newest(history, MOST_EXPLAINED), newest(history, MOST_ASKED)
    contributions = mean_contributions(model, explained)
    return {
        "permutation": permutation.to_plain(),
        "matches": len(explained),
        "contributions": dict(list(contributions.items())[:MOST_FEATURES]),
        "dependence": partial_dependence(model, asked, list(contributions)[:MAIN_FEATURES]),
    }


def newest(history: History, most: int) -> FeatureFrame:
    """Return the features of at most so many matches, evenly spaced over the year up to the newest one."""
    last = history.matches.day.max()
    rows = np.flatnonzero(history.matches.day > last - NEWEST_DAYS)
    return history.features.take(rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.intp)])


def mean_contributions(model: Ensemble, features: FeatureFrame) -> dict[str, float]:
    """Return how much probability each feature moves from one outcome to others, on average; the largest first.

    It is the mean over matches of half the sum of a feature's absolute parts in the three probabilities: the exact
    parts of ``Ensemble.explain``. So 0.05 says that without the feature five points of a hundred would lie elsewhere.
    Source: Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees".

    Raises:
        NotFitted: If the model is not fitted.
    """
    total = np.zeros(len(model.names))
    for part in _parts(features):
        total += 0.5 * np.abs(model.explain(part).proba).sum(axis=(0, 2))
    means = dict(zip(model.names, (total / max(len(features), 1)).tolist(), strict=True))
    return dict(sorted(means.items(), key=lambda item: -item[1]))


def _parts(features: FeatureFrame) -> Iterator[FeatureFrame]:
    for start in range(0, len(features), _TOGETHER):
        yield features.take(slice(start, start + _TOGETHER))
