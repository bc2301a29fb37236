"""The most likely strengths, by Newton's method: a match touches few parameters, so the second derivatives are sparse.

All low scores share one parameter, rho. It stays out of the sparse matrix and is solved for last, by its Schur
complement, which keeps it within its bounds exactly.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from models.newton import Here, highest_point
from models.score_grid import low_score_lean
from models.strengths import (
    SMALLEST_FACTOR,
    Array,
    Codes,
    Prior,
    WeightedMatches,
    log_expected,
    negative_log_posterior,
)

# A step with old second derivatives costs a fifth of one with fresh ones: enough while each is half of the one before.
_FAST_ENOUGH: Final = 0.5
_NEAR: Final = 0.1  # in log goals
_SMALLEST_CURVATURE: Final = 1e-9  # in rho, where hardly a low score tells of it


def most_likely_strengths(matches: WeightedMatches, prior: Prior, *, rho_bound: float) -> Array:
    """Return the flat parameters at which the posterior is highest, rho within plus or minus its bound."""
    steps = _Steps(matches, prior, rho_bound)
    total = matches.weight.sum()

    def look(flat: Array) -> Here:
        value, gradient = negative_log_posterior(flat, matches, prior)
        return -value, lambda: steps.step(flat, total * gradient)

    return highest_point(look, prior.start())


class _Steps:
    """Make Newton's steps, keeping the factorised second derivatives while steps shrink fast enough with them."""

    def __init__(self, matches: WeightedMatches, prior: Prior, rho_bound: float) -> None:
        self._matches, self._prior, self._rho_bound = matches, prior, rho_bound
        self._designs = _designs(matches, prior)
        self._parabola: _Parabola | None = None
        self._size = np.inf

    def step(self, flat: Array, gradient: Array) -> Array:
        """Return the step from a point with this gradient of minus the log posterior."""
        room = (-self._rho_bound - flat[-1], self._rho_bound - flat[-1])
        step = None if self._parabola is None else self._parabola.step(gradient, room)
        if step is None or np.abs(step).max() > _FAST_ENOUGH * self._size:
            self._parabola = _Parabola(flat, self._matches, self._prior, self._designs)
            step = self._parabola.step(gradient, room)
        self._size = np.abs(step).max()
        return step


class _Parabola:
    """Hold the second derivatives of minus the log posterior at one point, those of all but rho factorised."""

    def __init__(self, flat: Array, matches: WeightedMatches, prior: Prior, designs: tuple[Any, Any]) -> None:
        parameters = prior.split(flat)
        home, away = (np.exp(goals) for goals in log_expected(parameters, matches, prior))
        home_blank, away_blank = matches.home_goals == 0, matches.away_goals == 0
        low = _low_scores(matches, home, away, float(parameters.rho[0]))
        of_home, of_away = designs
        both = np.flatnonzero(home_blank & away_blank)
        cross = _product(of_home[both], -low.bend[both], of_away[both])
        curvature = (
            _product(of_home, matches.weight * home - low.bend * home_blank, of_home)
            + _product(of_away, matches.weight * away - low.bend * away_blank, of_away)
            + (cross + cross.T)
            + sparse.diags_array(prior.precision()[:-1])
        )
        # Symmetric, and far from singular by the ridges: an order for symmetric matrices fills in least, without pivots.
        options = {"SymmetricMode": True}
        self._factors = splu(curvature.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
        self._of_rho = low.of_rho
        self._mixed = -(of_home.T @ (low.mixed * home_blank) + of_away.T @ (low.mixed * away_blank))
        self._follow = self._factors.solve(self._mixed)

    def step(self, gradient: Array, room: tuple[float, float]) -> Array:
        """Return the way to the lowest point of the parabola with this gradient here, rho moving within its room.

        Rho waits until the strengths are near: far from them the likelihood may have a top at either of its bounds.
        """
        alone = self._factors.solve(gradient[:-1])
        if np.abs(alone).max() > _NEAR:
            return np.append(-alone, 0.0)
        downhill = self._mixed @ alone - gradient[-1]
        curvature = max(self._of_rho - self._mixed @ self._follow, _SMALLEST_CURVATURE)
        rho = min(max(downhill / curvature, room[0]), room[1])
        return np.append(-alone - rho * self._follow, rho)


class _LowScores(NamedTuple):
    """Hold the weighted second derivatives of log(1 + rho lean), the factor on a low score.

    A side's log expected goals move log lean one to one where it scored nothing, and not at all elsewhere.
    """

    bend: Array  # twice in log lean, (n,)
    mixed: Array  # in log lean and in rho, (n,)
    of_rho: float  # minus twice in rho, over all matches


def _low_scores(matches: WeightedMatches, home: Array, away: Array, rho: float) -> _LowScores:
    lean = low_score_lean(home, away, matches.home_goals, matches.away_goals)
    factor = 1.0 + rho * lean
    lean[factor <= SMALLEST_FACTOR] = 0.0  # where the likelihood takes the factor for a constant
    factor = np.maximum(factor, SMALLEST_FACTOR)
    mixed = matches.weight * lean / factor**2
    return _LowScores(rho * mixed, mixed, float((mixed * lean).sum()))


def _product(left: Any, weight: Array, right: Any) -> Any:
    return left.T @ sparse.diags_array(weight) @ right


def _designs(matches: WeightedMatches, prior: Prior) -> tuple[Any, Any]:
    """Return what each parameter but rho adds to the log expected goals of home and away sides, as sparse matrices."""
    return (
        _design(matches.home, matches.away, matches.venue, matches, prior),
        _design(matches.away, matches.home, np.zeros(len(matches.venue)), matches, prior),
    )


def _design(attacking: Codes, defending: Codes, venue: Array, matches: WeightedMatches, prior: Prior) -> Any:
    parameters = len(prior.start()) - 1
    attack, defence, level, goals, home, _ = (
        place.astype(np.intp) for place in prior.split(np.arange(parameters + 1, dtype=np.float64))
    )
    one = np.ones(len(venue))
    columns = {
        "attack": (attack[attacking], one),
        "defence": (defence[defending], -one),
        "own level": (level[prior.league[attacking]], one),
        "their level": (level[prior.league[defending]], -one),
        "goals": (goals[matches.competition], one),
        "home": (home[matches.competition], venue),
    }
    rows = np.tile(np.arange(len(venue)), len(columns))
    numbers, values = (np.concatenate(parts) for parts in zip(*columns.values(), strict=True))
    design = sparse.csr_array((values, (rows, numbers)), shape=(len(venue), parameters))
    design.eliminate_zeros()  # within a league the two levels cancel
    return design
