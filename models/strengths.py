"""The likelihood of attack and defence strengths: what Dixon-Coles maximises, with its gradient.

log expected home goals = base + competition + venue * home advantage + attack(home) - defence(away), and the same
for the away side without the venue. A strength is the level of the team's competition, plus an offset known
beforehand, plus the team's own deviation; ridges (Gaussian priors) draw deviations and competition terms to zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.score_grid import low_score_lean

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

SMALLEST_FACTOR: Final = 1e-3
"""A low-score factor below this is treated as this; rho near its optimum never comes close."""


class Parameters(NamedTuple):
    """Hold the parameters by name: views into one flat vector."""

    attack: Array  # (teams,) deviations
    defence: Array  # (teams,) deviations
    level: Array  # (competitions,) mean strength of its teams
    goals: Array  # (competitions,) log goals against the base
    home: Array  # (competitions,) log home advantage against the base
    rho: Array  # (1,)


@dataclass(frozen=True)
class WeightedMatches:
    """Hold the played matches as numbers: codes of teams and competitions, goals and weights, each of shape (n,)."""

    home: Codes
    away: Codes
    competition: Codes
    venue: Array
    home_goals: Array
    away_goals: Array
    weight: Array


@dataclass(frozen=True)
class Prior:
    """Hold what is believed before the first match.

    Attributes:
        base_goals, base_home: Log mean away goals, and log of home over away goals, over all competitions.
        league: Code of the competition whose level each team shares. Shape (teams,).
        offset: Added to attack and defence of each team. Shape (teams,).
        level: Expected level of each competition. Shape (competitions,).
        ridge_team, ridge_level, ridge_competition: Precisions (1 / variance) of deviations, levels, other terms.
    """

    base_goals: float
    base_home: float
    league: Codes
    offset: Array
    level: Array
    ridge_team: float
    ridge_level: float
    ridge_competition: float

    def split(self, flat: Array) -> Parameters:
        """Name the parts of a flat parameter vector, without copying."""
        teams, competitions = len(self.offset), len(self.level)
        return Parameters(*np.split(flat, np.cumsum([teams, teams, competitions, competitions, competitions])))

    def start(self) -> Array:
        """Return the prior mean as a flat vector, with rho 0."""
        flat = np.zeros(2 * len(self.offset) + 3 * len(self.level) + 1)
        self.split(flat).level[:] = self.level
        return flat

    def precision(self) -> Array:
        """Return the precision of every parameter around the prior mean as a flat vector; 0 for rho."""
        flat = np.zeros(2 * len(self.offset) + 3 * len(self.level) + 1)
        parts = self.split(flat)
        parts.attack[:] = parts.defence[:] = self.ridge_team
        parts.level[:] = self.ridge_level
        parts.goals[:] = parts.home[:] = self.ridge_competition
        return flat

    def strengths(self, parameters: Parameters) -> tuple[Array, Array]:
        """Return attack and defence of every team, shape (teams,) each."""
        shared = parameters.level[self.league] + self.offset
        return shared + parameters.attack, shared + parameters.defence


def negative_log_posterior(flat: Array, matches: WeightedMatches, prior: Prior) -> tuple[float, Array]:
    """Return minus the weighted log-likelihood plus the ridges, a match, and its gradient in ``flat``.

    Constants (log factorials) are left out. Source: Dixon & Coles (1997), section 4.
    """
    parameters = prior.split(flat)
    log_home, log_away = log_expected(parameters, matches, prior)
    home, away = np.exp(log_home), np.exp(log_away)
    home_residual, away_residual = matches.home_goals - home, matches.away_goals - away
    log_likelihood = matches.home_goals * log_home - home + matches.away_goals * log_away - away
    correction = _low_score_correction(matches, home, away, parameters.rho[0])
    home_residual += correction.home_slope
    away_residual += correction.away_slope
    log_likelihood += correction.log_factor
    gradient = np.empty_like(flat)
    _scatter(prior.split(gradient), matches, prior, matches.weight * home_residual, matches.weight * away_residual)
    gradient[-1] = (matches.weight * correction.rho_slope).sum()
    penalty, penalty_slope = _ridge(flat, prior)
    total = matches.weight.sum()
    return (penalty - (matches.weight * log_likelihood).sum()) / total, (penalty_slope - gradient) / total


def log_expected(parameters: Parameters, matches: WeightedMatches, prior: Prior) -> tuple[Array, Array]:
    """Return the logarithms of the goals expected of both sides. Shape (n,) each."""
    attack, defence = prior.strengths(parameters)
    goals = prior.base_goals + parameters.goals[matches.competition]
    home = matches.venue * (prior.base_home + parameters.home[matches.competition])
    return (
        goals + home + attack[matches.home] - defence[matches.away],
        goals + attack[matches.away] - defence[matches.home],
    )


class _Correction(NamedTuple):
    """Hold log(factor) of each match's score and its slopes in the log expected goals and in rho. Shape (n,) each."""

    log_factor: Array
    home_slope: Array
    away_slope: Array
    rho_slope: Array


def _low_score_correction(matches: WeightedMatches, home: Array, away: Array, rho: float) -> _Correction:
    home_blank, away_blank = matches.home_goals == 0, matches.away_goals == 0
    slope = low_score_lean(home, away, matches.home_goals, matches.away_goals)
    factor = np.maximum(1.0 + rho * slope, SMALLEST_FACTOR)
    rho_slope = np.where(factor > SMALLEST_FACTOR, slope / factor, 0.0)
    return _Correction(np.log(factor), rho * rho_slope * home_blank, rho * rho_slope * away_blank, rho_slope)


def _scatter(
    gradient: Parameters, matches: WeightedMatches, prior: Prior, home_residual: Array, away_residual: Array
) -> None:
    """Sum the slopes in the log expected goals over each parameter's matches, into ``gradient``."""
    teams, competitions = len(gradient.attack), len(gradient.level)
    gradient.attack[:] = np.bincount(matches.home, home_residual, teams)
    gradient.attack[:] += np.bincount(matches.away, away_residual, teams)
    gradient.defence[:] = -np.bincount(matches.away, home_residual, teams)
    gradient.defence[:] -= np.bincount(matches.home, away_residual, teams)
    gradient.level[:] = np.bincount(prior.league, gradient.attack + gradient.defence, competitions)
    gradient.goals[:] = np.bincount(matches.competition, home_residual + away_residual, competitions)
    gradient.home[:] = np.bincount(matches.competition, matches.venue * home_residual, competitions)


def _ridge(flat: Array, prior: Prior) -> tuple[float, Array]:
    deviation = flat - prior.start()
    slope = prior.precision() * deviation
    return 0.5 * float((slope * deviation).sum()), slope
