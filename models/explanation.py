"""Why the ensemble says what it says: each feature's part, in log-odds and in probability.

The pooled and calibrated log-odds are a sum, so their explanation is one, too:
what goal model and rating logit make of their few features is shared out by
exact Shapley values against the usual match, what the trees add by TreeSHAP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from features.frame import FeatureFrame
from models import goal_model, rating_logit
from models.conditional_logit import softmax
from models.errors import NotFitted
from models.estimator import Array
from models.shapley import shapley_values

if TYPE_CHECKING:
    from models.ensemble import Ensemble

SMOOTH: Final = tuple(dict.fromkeys((*goal_model.FEATURES, *rating_logit.FEATURES)))
"""What goal model and rating logit see."""

# Nodes of the path from the base to the answer; with 64 the parts of a probability add up to 1e-9, also a long way off.
_NODES, _WEIGHTS = (0.5 * (x + shift) for x, shift in zip(np.polynomial.legendre.leggauss(64), (1.0, 0.0), strict=True))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Hold the parts of n answers. Log-odds are centred: over the three outcomes they add up to zero.

    Attributes:
        names: The f features.
        base: Log-odds of the usual match, shape (n, 3).
        log_odds: Each feature's part of the way from there to the answer, shape (n, f, 3).
        base_proba: Probabilities of the usual match, shape (n, 3).
        proba: Each feature's part of the way in probability, shape (n, f, 3).
    """

    names: tuple[str, ...]
    base: Array
    log_odds: Array
    base_proba: Array
    proba: Array

    @property
    def margin(self) -> Array:
        """Return the centred log-odds of the answers: the base and all parts. Shape (n, 3)."""
        total: Array = self.base + self.log_odds.sum(axis=1)
        return total


def explain(model: Ensemble, features: FeatureFrame) -> Explanation:
    """Return why the model answers as it does. Costs some milliseconds, so only where asked for. Raises NotFitted."""
    names = model.boosted.names
    values = features.select(SMOOTH).values
    usual = _usual(model)
    group = model.groups(features)
    groups = np.tile(group, 2 ** len(SMOOTH))

    def answer(rows: Array) -> Array:
        return _centred(model.smooth_log_odds(FeatureFrame(SMOOTH, rows), groups[: len(rows)]))

    moved = np.zeros((len(features), len(names), 3))
    places = [names.index(name) for name in SMOOTH]
    moved[:, places] = shapley_values(answer, np.where(np.isnan(values), usual, values), usual)
    base = answer(np.tile(usual, (len(features), 1)))
    if (scale := model.tree_scale(group)) is not None:
        by_trees, bias = model.boosted.contributions(features)
        moved += _centred(scale[:, None, None] * by_trees)
        base = base + _centred(scale[:, None] * bias)
    return Explanation(names, base, moved, softmax(base), in_probability(base, moved))


def in_probability(base: Array, log_odds: Array) -> Array:
    """Turn parts of log-odds into parts of probabilities that add up to the whole change.

    Each part is the slope of the probability in it, averaged over the straight way from the base to the answer.
    Source: Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks".

    Args:
        base: Shape (n, 3).
        log_odds: Shape (n, f, 3).

    Returns:
        Shape (n, f, 3).

    >>> parts = in_probability(np.zeros((1, 3)), np.array([[[1.0, 0.0, 0.0], [0.5, 0.0, -0.5]]]))
    >>> there = softmax(np.array([[1.5, 0.0, -0.5]])) - softmax(np.zeros((1, 3)))
    >>> bool(np.allclose(parts.sum(axis=1), there, atol=1e-9))
    True
    """
    way = log_odds.sum(axis=1)
    parts = np.zeros_like(log_odds)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        proba = softmax(base + node * way)[:, None, :]
        parts += weight * proba * (log_odds - (proba * log_odds).sum(axis=2, keepdims=True))
    return parts


def _usual(model: Ensemble) -> Array:
    goal, logit = model.goal_model.usual, model.logit.usual
    if goal is None or logit is None:
        raise NotFitted(model.name)
    known = dict(zip(rating_logit.FEATURES, logit, strict=True)) | dict(zip(goal_model.FEATURES, goal, strict=True))
    return np.array([known[name] for name in SMOOTH])


def _centred(log_odds: Array) -> Array:
    centred: Array = log_odds - log_odds.mean(axis=-1, keepdims=True)
    return centred
