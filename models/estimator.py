"""The contract that every outcome model keeps, so that training and serving need not know which one they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from features.frame import FeatureFrame
from features.matches import MatchTable
from models.errors import NothingToLearn

Array = NDArray[np.float64]

_SMALLEST: Final = 1e-9


class OutcomeModel(Protocol):
    """Learn from played matches how likely home win, draw and away win are.

    Deterministic: the same input gives the same bits. Row order and batch size do not change an answer, columns
    of the feature frame are found by name, inputs are left as they were.
    """

    name: str

    def fit(self, matches: MatchTable, features: FeatureFrame) -> Self:
        """Learn from the given matches and nothing else, and return the fitted estimator; rows not played are ignored.

        Raises:
            NothingToLearn: If no given match has a result.
        """
        ...

    def predict_proba(self, matches: MatchTable, features: FeatureFrame) -> Array:
        """Return home, draw and away probabilities, shape (n, 3); rows sum to 1 and lie strictly within (0, 1).

        Raises:
            NotFitted: If nothing has been learned yet.
        """
        ...


def played_rows(name: str, matches: MatchTable) -> NDArray[np.bool_] | slice:
    """Return which rows have a result, for the estimator of that name. Raises NothingToLearn if none has.

    A slice where all have, as always in a walk through time: taking that copies nothing.
    """
    played = matches.played
    if not played.any():
        raise NothingToLearn(name)
    return slice(None) if played.all() else played


def strictly_positive(proba: Array) -> Array:
    """Mix in a trace (1e-9) of every outcome, so that no forecast is ever exactly 0 or 1; rows still sum to 1.

    >>> bool(0.0 < strictly_positive(np.array([[1.0, 0.0, 0.0]]))[0, 1] < 1e-8)
    True
    """
    mixed = proba + _SMALLEST
    normalised: Array = mixed / np.add.reduce(mixed, axis=1, keepdims=True)
    return normalised


def known_medians(values: Array, usual: Sequence[float]) -> Array:
    """Return the median of each column's known values, and what is usual where none is known. Shape (n, c) to (c,).

    >>> known_medians(np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]]), (7.0, 8.0)).tolist()
    [2.0, 8.0]
    """
    known = [column[np.isfinite(column)] for column in values.T]
    return np.array([np.median(c) if len(c) else otherwise for c, otherwise in zip(known, usual, strict=True)])
