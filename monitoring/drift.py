"""Whether a model is asked about other matches than it was trained on: features and forecasts, then and now.

The population stability index: the matches learned from are cut into ten equal parts by a value, and those whose value
was not known are one more; then it is the sum over the parts of (share now - share then) * ln(share now / share then).
By custom .1 is little and .25 is much. Chance alone makes it about (parts - 1) / n + (parts - 1) / m (Yurdakul, 2018),
so it is not worked out for fewer than ``FEWEST`` matches, where chance could make it .1.

Which competitions are asked about is no drift of theirs, so those learned from weigh as much as they do among those
asked about; and one that was not learned from at all is left out, which ``Drift.strangers`` counts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from monitoring.settlement import OUTCOMES
from runners.experience import Experience

FEWEST: Final = 200
MUCH: Final = 0.25
PARTS: Final = 10
_HALF: Final = 0.5  # a match, in each part: an empty one says not never, but seldom


class Drift(NamedTuple):
    """Hold how far forecasts and features have moved.

    Attributes:
        asked, learned: Matches that were compared.
        strangers: Matches of competitions that were not learned from.
        forecasts: Index of the probability of home, draw and away.
        features: Index of each feature, the largest first.
    """

    asked: int
    learned: int
    strangers: int
    forecasts: dict[str, float]
    features: dict[str, float]


def drift(known: Experience, proba: Array, competition: NDArray[np.str_]) -> Drift | None:
    """Return how far a model's matches have moved; None where there are too few to tell.

    Args:
        proba: What was forecast of the matches asked about. Shape (k, 3).
        competition: Of those. Shape (k,).
    """
    common = np.intersect1d(known.asked_competition, known.learned_competition)
    asked, learned, told = (
        np.isin(of, common) for of in (known.asked_competition, known.learned_competition, competition)
    )
    if min(asked.sum(), learned.sum(), told.sum()) < FEWEST:
        return None
    weight = weights(known.learned_competition[learned], known.asked_competition[asked])
    before, after = known.learned[learned], known.asked[asked]
    moved = {name: stability_index(before[:, place], after[:, place], weight) for place, name in enumerate(known.names)}
    said = known.learned_proba[learned]
    return Drift(
        asked=int(asked.sum()),
        learned=int(learned.sum()),
        strangers=int(len(asked) - asked.sum()),
        forecasts={
            name: stability_index(said[:, place], proba[told, place], weight) for place, name in enumerate(OUTCOMES)
        },
        features=dict(sorted(moved.items(), key=lambda item: -item[1])),
    )


def weights(learned: NDArray[np.str_], asked: NDArray[np.str_]) -> Array:
    """Return what each match learned from weighs for its competition to have its share among those asked about.

    They sum to the number of matches.

    >>> weights(np.array(["a", "a", "a", "b"]), np.array(["a", "b"])).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    codes, place, count = np.unique(learned, return_inverse=True, return_counts=True)
    share = np.array([(asked == code).mean() for code in codes])
    weight = (share / count)[place]
    scaled: Array = weight * len(learned) / weight.sum()
    return scaled


def stability_index(learned: Array, asked: Array, weight: Array) -> float:
    """Return the index of one value; NaN is a value that was not known.

    Args:
        learned, weight: Values and what each weighs. Shape (m,).
        asked: Shape (n,).

    >>> half = np.array([0.0, 1.0] * 50)  # two values, each of half of the matches; now three quarters have the second
    >>> round(stability_index(half, np.array([0.0, 1.0, 1.0, 1.0] * 25), np.ones(100)), 2)  # .25 ln 1.5 - .25 ln .5
    0.27
    """
    edges = _edges(learned, weight)
    then, now = _shares(learned, weight, edges), _shares(asked, np.ones(len(asked)), edges)
    return float(((now - then) * np.log(now / then)).sum())


def _edges(values: Array, weight: Array) -> Array:
    """Return what divides the known values into parts of equal weight, each edge once; it belongs to the upper part."""
    is_known = np.isfinite(values)
    order = np.argsort(values[is_known], kind="stable")
    ordered, reached = values[is_known][order], np.cumsum(weight[is_known][order])
    if not len(ordered):
        return np.empty(0)
    places = np.searchsorted(reached, reached[-1] * np.arange(1, PARTS) / PARTS)
    edges: Array = np.unique(ordered[places])
    return edges


def _shares(values: Array, weight: Array, edges: Array) -> Array:
    """Return the share of each part, the last one that of values not known; none is 0. Shape (edges + 2,)."""
    part = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(edges) + 1)
    held = np.bincount(part, weights=weight, minlength=len(edges) + 2) + _HALF
    shares: Array = held / held.sum()
    return shares
