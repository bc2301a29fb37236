"""Why the ensemble says what it says: each feature's part, in log-odds and in probability.

The pooled and calibrated log-odds are a sum, so their explanation is one, too:
what goal model and rating logit make of their few features is shared out by
exact Shapley values against the usual match, what the trees add by TreeSHAP.
What the trees on goals add to the goal model is shared out between the two
sides' goals by Shapley values, and each side's share in proportion to TreeSHAP.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from features.frame import FeatureFrame
from models import goal_model, rating_logit
from models.calibration import Groups
from models.conditional_logit import softmax
from models.errors import NotFitted
from models.estimator import Array
from models.score_grid import outcome_proba_of_goals
from models.shapley import shapley_values

if TYPE_CHECKING:
    from models.ensemble import Ensemble

SMOOTH: Final = tuple(dict.fromkeys((*goal_model.FEATURES, *rating_logit.FEATURES)))
"""What goal model and rating logit see."""

# Nodes of the path from the base to the answer; with 64 the parts of a probability add up to 1e-9, also a long way off.
_NODES, _WEIGHTS = (0.5 * (x + shift) for x, shift in zip(np.polynomial.legendre.leggauss(64), (1.0, 0.0), strict=True))


_STEP: Final = 1e-6
"""Of log goals; over less of it the slope stands for the way."""


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
    for scale, (by_trees, bias) in _trees(model, features, group):
        moved += _centred(scale[:, None, None] * by_trees)
        base = base + _centred(scale[:, None] * bias)
    return Explanation(names, base, moved, softmax(base), in_probability(base, moved))


def _trees(model: Ensemble, features: FeatureFrame, group: Groups) -> Iterator[tuple[Array, tuple[Array, Array]]]:
    """Give what trees add to the log-odds of a member, by feature and on average, and what the member counts in the answer."""
    if model.boosted.booster is not None:
        yield model.scale_of(model.boosted.name, group), model.boosted.contributions(features)
    if model.goals.booster is not None:
        yield model.scale_of(model.goal_model.name, group), _by_goals(model, features)


def _by_goals(model: Ensemble, features: FeatureFrame) -> tuple[Array, Array]:
    """Return how far the trees on goals moved the log-probabilities of the outcomes. Shapes (n, f, 3) and (n, 3)."""
    start = model.goal_model.expected_goals(features)
    way = np.log(model.goals.expected_goals(features, start) / start)
    moved, bias = model.goals.contributions(features)
    told = moved.sum(axis=1) + bias
    is_known = np.abs(told) > _STEP
    kept = np.where(is_known, way / np.where(is_known, told, 1.0), 1.0)  # less than 1 where goals leave all reason
    slopes = kept[:, :, None] * _slopes(np.log(start), np.where(np.abs(way) > _STEP, way, _STEP), model.goal_model.rho)
    return np.einsum("nfs,nso->nfo", moved, slopes), np.einsum("ns,nso->no", bias, slopes)


def _slopes(log_goals: Array, step: Array, rho: float) -> Array:
    """Return the change of the outcomes' log-probabilities a unit of either side's log goals, over a step of both.

    Each side's step is taken first and last, and the mean counts, so that both together make the whole change.

    Args:
        log_goals, step: Home and away; no step is 0. Shape (n, 2).

    Returns:
        Shape (n, 2 sides, 3 outcomes).
    """

    def said(home: float, away: float) -> Array:
        goals = np.exp(log_goals + step * np.array([home, away]))
        return np.log(outcome_proba_of_goals(goals[:, 0], goals[:, 1], rho))

    neither, home, away, both = said(0, 0), said(1, 0), said(0, 1), said(1, 1)
    change = 0.5 * np.stack([home - neither + both - away, away - neither + both - home], axis=1)
    slopes: Array = change / step[:, :, None]
    return slopes


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
