"""Comparing compiled trees with XGBoost on rows made to find a difference: values at, beside and between thresholds."""

from __future__ import annotations

from typing import Final

import numpy as np

from features.batch import Array
from models.boosted_trees import BoostedTrees
from models.forest import Forest

SCORER_TOLERANCE: Final = 1e-6
PROBES: Final = 10_000

_MISSING_SHARE: Final = 0.1
_BLOCK: Final = 512  # in blocks as small as those of predictions a load takes twice as long beside a busy event loop


def largest_difference(model: BoostedTrees, *, probes: int = PROBES, seed: int = 0) -> float:
    """Return how far compiled trees and XGBoost are apart at most, in margins, over probing rows.

    Args:
        model: Compiled, and its booster at hand.
    """
    assert model.trees is not None
    assert model.booster is not None
    values = probing_rows(model.trees, len(model.names), probes, seed)
    margin = np.random.default_rng(seed).normal(size=(probes, model.trees.outcomes)).astype(np.float32)
    largest = 0.0
    for start in range(0, probes, _BLOCK):
        rows = slice(start, start + _BLOCK)
        compiled = model.trees.margins(values[rows], margin[rows])
        reference = model.booster.inplace_predict(values[rows], base_margin=margin[rows], predict_type="margin")
        largest = max(largest, float(np.abs(compiled - reference.reshape(compiled.shape)).max()))
    return largest


def probing_rows(trees: Forest, width: int, count: int, seed: int) -> Array:
    """Return rows of features near where the trees decide, a tenth of the values missing. Shape (count, width)."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, width))
    for column, thresholds in trees.thresholds().items():
        if len(thresholds) == 0:
            continue
        near = rng.choice(thresholds, size=count)
        beside = np.nextafter(near, rng.choice(np.array([-np.inf, np.inf], dtype=np.float32), size=count))
        between = near + rng.normal(size=count) * (np.ptp(thresholds) + 1.0)
        values[:, column] = np.choose(rng.integers(0, 3, size=count), [near, beside, between])
    values[rng.random(values.shape) < _MISSING_SHARE] = np.nan
    return values
