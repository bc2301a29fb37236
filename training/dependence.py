"""What a fitted ensemble would say on average if one feature had another value everywhere: partial dependence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from features.frame import FeatureFrame
from models.ensemble import Ensemble

QUANTILES: Final = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98)


def partial_dependence(model: Ensemble, features: FeatureFrame, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the mean probabilities of matches in which one feature is set to each of some values, the others left.

    The values are quantiles of those that the matches have, so none is unheard of; a combination may be. Features of
    which the matches know no value are left out. Source: Friedman (2001), "Greedy function approximation", section 8.2.

    Returns:
        By feature the values, rising, and the mean probabilities there by outcome.

    Raises:
        NotFitted: If the model is not fitted.
    """
    told = {}
    for name in names:
        known = features.column(name)[np.isfinite(features.column(name))]
        if len(known) == 0:
            continue
        values = np.unique(np.quantile(known, QUANTILES))
        means = np.array([_mean_proba(model, features, name, value) for value in values])
        told[name] = {"values": values.tolist(), **dict(zip(("home", "draw", "away"), means.T.tolist(), strict=True))}
    return told


def _mean_proba(model: Ensemble, features: FeatureFrame, name: str, value: float) -> list[float]:
    changed = FeatureFrame(features.names, features.values.copy())
    changed.values[:, features.names.index(name)] = value
    means: list[float] = model.forecast(changed).proba.mean(axis=0).tolist()
    return means
