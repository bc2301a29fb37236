"""Calibration of pooled forecasts: how far they are stretched, and draws and home advantage shifted.

The calibrated log-odds are the pooled ones times a slope, with a shift for the
draw and one for the venue that changes its sign with the sides; a match at a
neutral venue, turned round, keeps its mirrored answer. This is the vector
scaling of Guo et al. (2017), "On calibration of modern neural networks", with
the symmetry of the game.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from models.conditional_logit import fit_conditional_logit, softmax
from models.estimator import Array

Groups = NDArray[np.int64]

GROUPS: Final = ("clubs known well", "clubs known", "clubs hardly known")
"""Matches by how well both sides' strengths are known: with xG, from results alone, and new or long unseen."""
# Doubts: half of the matches with xG lie below the first, half of those without above the second.
_KNOWN_WELL, _KNOWN = 0.25, 0.32
KINDS: Final = ("none", "slope", "slope by group", "vector", "vector by group")
_BY_GROUP: Final = " by group"
_PRIOR: Final = np.array([1.0, 0.0, 0.0])  # slope, draw, venue
_PRECISION: Final = 50.0
_GROUP_PRECISION: Final = 200.0  # a group needs some hundred matches to have a calibration of its own
_FIXED: Final = 1e10


@dataclass(frozen=True, slots=True)
class Calibration:
    """Hold slope, draw shift and venue shift of each group. Never changed.

    Attributes:
        kind: One of KINDS.
        coefficients: Slope, draw, venue, one row a group of GROUPS. Shape (3, 3).
    """

    kind: str
    coefficients: Array

    @classmethod
    def none(cls) -> Self:
        """Return the calibration that leaves forecasts as they are."""
        return cls("none", np.tile(_PRIOR, (len(GROUPS), 1)))

    @classmethod
    def fit(cls, kind: str, log_odds: Array, at_home: Array, group: Groups, outcome: NDArray[np.int64]) -> Self:
        """Fit a calibration to forecasts made before the matches were played.

        Args:
            kind: One of KINDS.
            log_odds: Pooled, up to a constant a row. Shape (n, 3).
            at_home: 1.0, or 0.0 at a neutral venue. Shape (n,).
            group: Place in GROUPS. Shape (n,).
            outcome: 0 home, 1 draw, 2 away. Shape (n,).

        Raises:
            ValueError: If there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"given the kind of calibration {kind!r}, expected one of {', '.join(KINDS)}")
        if kind == "none":
            return cls.none()
        regressors = _regressors(log_odds, at_home)
        weight = np.ones(3) if kind.startswith("vector") else np.array([1.0, _FIXED, _FIXED])
        overall = fit_conditional_logit(regressors, outcome, prior=_PRIOR, precision=_PRECISION * weight)
        coefficients = np.tile(overall, (len(GROUPS), 1))
        for place in np.unique(group) if kind.endswith(_BY_GROUP) else ():
            rows = np.flatnonzero(group == place)
            coefficients[place] = fit_conditional_logit(
                regressors[rows], outcome[rows], prior=overall, precision=_GROUP_PRECISION * weight
            )
        return cls(kind, coefficients)

    def log_odds(self, log_odds: Array, at_home: Array, group: Groups) -> Array:
        """Return the calibrated log-odds, up to a constant a row. Shape (n, 3)."""
        slope, draw, venue = self.coefficients[group].T
        calibrated: Array = log_odds * slope[:, None]
        tilt = 0.5 * venue * at_home
        calibrated[:, 0] += tilt
        calibrated[:, 1] += draw
        calibrated[:, 2] -= tilt
        return calibrated

    def to_plain(self) -> dict[str, Mapping[str, float]]:
        """Return the coefficients by group, as plain data for the model card."""
        names = ("slope", "draw", "venue")
        return {
            group: dict(zip(names, row, strict=True))
            for group, row in zip(GROUPS, self.coefficients.tolist(), strict=True)
        }


def group_of(doubt: Array) -> Groups:
    """Return the place in GROUPS of matches, from the doubt of both sides' log expected goals. Shape (n, 2) to (n,).

    >>> group_of(np.array([[0.2, 0.2], [0.2, 0.35], [0.4, 0.4]])).tolist()
    [0, 1, 2]
    """
    both = np.sqrt(0.5 * (doubt[:, 0] * doubt[:, 0] + doubt[:, 1] * doubt[:, 1]))
    groups: Groups = (both >= _KNOWN_WELL).astype(np.int64) + (both >= _KNOWN)
    return groups


def chosen_kind(
    earlier: tuple[Array, Array, Groups, NDArray[np.int64]], later: tuple[Array, Array, Groups, NDArray[np.int64]]
) -> tuple[str, dict[str, float]]:
    """Return the kind that does best on later forecasts when fitted to earlier ones, and all kinds' log losses there.

    A richer kind must beat the plainer one by more than the standard error of its gain (the rule of Breiman et al.
    1984, ch. 3): a season's luck is no reason to shift every later forecast.

    Args:
        earlier, later: Log-odds, at_home, group and outcome, as ``Calibration.fit`` takes them.
    """
    log_odds, at_home, group, outcome = later
    losses = {}
    for kind in KINDS:
        proba = softmax(Calibration.fit(kind, *earlier).log_odds(log_odds, at_home, group))
        losses[kind] = -np.log(proba[np.arange(len(proba)), outcome])
    best = KINDS[0]
    for kind in KINDS[1:]:
        gain = losses[best] - losses[kind]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            best = kind
    return best, {kind: float(loss.mean()) for kind, loss in losses.items()}


def _regressors(log_odds: Array, at_home: Array) -> Array:
    regressors = np.zeros((len(log_odds), 3, 3))
    regressors[:, :, 0] = log_odds
    regressors[:, 1, 1] = 1.0
    regressors[:, 0, 2], regressors[:, 2, 2] = 0.5 * at_home, -0.5 * at_home
    return regressors
