"""The baseline that knows only who played whom: time-decayed Dixon-Coles over all competitions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from features.frame import FeatureFrame
from features.matches import SECONDS_PER_DAY, MatchTable, level_of
from models.errors import NotFitted
from models.estimator import Array, played_rows, strictly_positive
from models.score_grid import outcome_proba_of_goals, score_grid
from models.strengths import Codes, Prior, WeightedMatches
from models.strengths_fit import most_likely_strengths

Texts = NDArray[np.object_]

_SMALLEST_WEIGHT: Final = 0.02
_RHO_BOUND: Final = 0.2
# A team that joins a competition this long after the competition's first match has been promoted into it.
_FOUNDING_DAYS: Final = 180
_RIDGE_LEVEL: Final = 10.0
_RIDGE_COMPETITION: Final = 50.0


@dataclass
class DixonColes:
    """Predict from attack and defence strengths, fitted to all matches with weights that halve every half-life.

    Matches that weigh less than 0.02 are left out. Competitions differ in goals, in home advantage and in the mean
    level of their teams; they are linked only by the teams that played in more than one. At a neutral venue nobody
    has a home advantage.

    What is believed of a team before its first match: it is as strong as the mean of its competition; one that was
    promoted into it, or was never seen at all, is ``newcomer_deficit`` weaker in attack and in defence. A
    competition never seen has the mean goals and home advantage of all, and level 0.

    Half-life, ridge and step were chosen by walk-forward RPS on the league matches of 2013-07 to 2018-06 in
    openfootball (n = 24,936); the optimum is flat from 300 to 430 days.

    Attributes:
        half_life_days: Age at which a match weighs one half.
        ridge_team: Precision (1 / variance) of a team's deviation from its prior, in log goals.
        newcomer_deficit: In log goals.
        level_step: Expected fall in strength from one division to the next, in log goals, where no team links them.
        attack, defence: By team, in log goals, fitted.
        goals, home_advantage, level: By competition, in log goals, fitted; ``""`` stands for one never seen.
        rho: Dependence of low scores; None until fitted.

    Source: Dixon & Coles (1997), "Modelling association football scores and inefficiencies in the betting market".
    """

    half_life_days: float = 365.0
    ridge_team: float = 7.0
    newcomer_deficit: float = 0.1
    level_step: float = 0.25
    name: str = "dixon_coles"
    attack: dict[str, float] | None = None
    defence: dict[str, float] | None = None
    goals: dict[str, float] | None = None
    home_advantage: dict[str, float] | None = None
    level: dict[str, float] | None = None
    rho: float | None = None

    def fit(self, matches: MatchTable, features: FeatureFrame) -> Self:  # noqa: ARG002 - the contract's signature
        """Maximise the weighted likelihood of the scores; age counts from the newest match. Raises NothingToLearn."""
        matches = matches.take(played_rows(self.name, matches))
        weight = 0.5 ** ((matches.kickoff.max() - matches.kickoff) / (self.half_life_days * SECONDS_PER_DAY))
        matches, weight = matches.take(weight >= _SMALLEST_WEIGHT), weight[weight >= _SMALLEST_WEIGHT]
        teams = {team: code for code, team in enumerate(sorted({*matches.home, *matches.away}))}
        competitions = {name: code for code, name in enumerate(sorted(set(matches.competition)))}
        numbers = _numbers(matches, weight, teams, competitions)
        prior = self._prior(numbers, matches.kickoff, len(teams), list(competitions))
        found = most_likely_strengths(numbers, prior, rho_bound=_RHO_BOUND)
        self._keep(found, prior, list(teams), list(competitions))
        return self

    def predict_proba(self, matches: MatchTable, features: FeatureFrame) -> Array:  # noqa: ARG002 - as above
        """Return the probabilities of each match's score grid, shape (n, 3). Raises NotFitted."""
        expected = self.expected_goals(matches)
        return strictly_positive(outcome_proba_of_goals(expected[:, 0], expected[:, 1], self.rho or 0.0))

    def grid(self, matches: MatchTable) -> Array:
        """Return each match's score grid, shape (n, SIZE, SIZE). Raises NotFitted."""
        expected = self.expected_goals(matches)
        return score_grid(expected[:, 0], expected[:, 1], self.rho or 0.0)

    def expected_goals(self, matches: MatchTable) -> Array:
        """Return the expected home and away goals, shape (n, 2). Raises NotFitted."""
        if self.goals is None or self.home_advantage is None:
            raise NotFitted(self.name)
        goals = _look_up(self.goals, matches.competition)
        home = np.where(matches.neutral, 0.0, _look_up(self.home_advantage, matches.competition))
        home_attack, home_defence = self._strengths(matches.home, matches.competition)
        away_attack, away_defence = self._strengths(matches.away, matches.competition)
        return np.exp(np.column_stack([goals + home + home_attack - away_defence, goals + away_attack - home_defence]))

    def _strengths(self, teams: Texts, competitions: Texts) -> tuple[Array, Array]:
        newcomer = _look_up(self.level or {}, competitions) - self.newcomer_deficit
        pairs = list(zip(teams, newcomer.tolist(), strict=True))
        attack, defence = self.attack or {}, self.defence or {}
        return (
            np.array([attack.get(team, default) for team, default in pairs], dtype=np.float64),
            np.array([defence.get(team, default) for team, default in pairs], dtype=np.float64),
        )

    def _prior(
        self, numbers: WeightedMatches, kickoff: NDArray[np.int64], teams: int, competitions: list[str]
    ) -> Prior:
        level = np.nan_to_num(np.array([level_of(name) for name in competitions]), nan=1.0) - 1.0
        league = _main_competition(numbers, teams, len(competitions))
        away_mean = np.average(numbers.away_goals, weights=numbers.weight)
        home_mean = np.average(numbers.home_goals, weights=numbers.weight)
        is_newcomer = _joined_late(numbers, kickoff, league, len(competitions))
        return Prior(
            # A goal in 200 matches is added, so that a sample without goals has a logarithm.
            base_goals=float(np.log(away_mean + 0.005)),
            base_home=float(np.log((home_mean + 0.005) / (away_mean + 0.005))),
            league=league,
            offset=np.where(is_newcomer, -self.newcomer_deficit, 0.0),
            level=-self.level_step * level,
            ridge_team=self.ridge_team,
            ridge_level=_RIDGE_LEVEL,
            ridge_competition=_RIDGE_COMPETITION,
        )

    def _keep(self, flat: Array, prior: Prior, teams: list[str], competitions: list[str]) -> None:
        parameters = prior.split(flat)
        attack, defence = prior.strengths(parameters)
        self.attack = dict(zip(teams, attack.tolist(), strict=True))
        self.defence = dict(zip(teams, defence.tolist(), strict=True))
        goals, home = prior.base_goals + parameters.goals, prior.base_home + parameters.home
        self.goals = {"": prior.base_goals} | dict(zip(competitions, goals.tolist(), strict=True))
        self.home_advantage = {"": prior.base_home} | dict(zip(competitions, home.tolist(), strict=True))
        self.level = {"": 0.0} | dict(zip(competitions, parameters.level.tolist(), strict=True))
        self.rho = float(parameters.rho[0])


def _numbers(
    matches: MatchTable, weight: Array, teams: dict[str, int], competitions: dict[str, int]
) -> WeightedMatches:
    return WeightedMatches(
        home=np.array([teams[team] for team in matches.home], dtype=np.intp),
        away=np.array([teams[team] for team in matches.away], dtype=np.intp),
        competition=np.array([competitions[name] for name in matches.competition], dtype=np.intp),
        venue=(~matches.neutral).astype(np.float64),
        home_goals=matches.home_goals,
        away_goals=matches.away_goals,
        weight=weight,
    )


def _main_competition(numbers: WeightedMatches, teams: int, competitions: int) -> Codes:
    """Return the competition that each team's matches weigh most in. Shape (teams,)."""
    pair = np.concatenate([numbers.home, numbers.away]) * competitions + np.tile(numbers.competition, 2)
    weight = np.bincount(pair, np.tile(numbers.weight, 2), teams * competitions)
    return np.asarray(weight.reshape(teams, competitions).argmax(axis=1), dtype=np.intp)


def _joined_late(
    numbers: WeightedMatches, kickoff: NDArray[np.int64], league: Codes, competitions: int
) -> NDArray[np.bool_]:
    """Return which teams were first seen long after their competition was. Shape (teams,)."""
    founded = np.full(competitions, kickoff.max())
    np.minimum.at(founded, numbers.competition, kickoff)
    first_seen = np.full(len(league), kickoff.max())
    np.minimum.at(first_seen, np.concatenate([numbers.home, numbers.away]), np.tile(kickoff, 2))
    return np.asarray(first_seen - founded[league] > _FOUNDING_DAYS * SECONDS_PER_DAY)


def _look_up(values: dict[str, float], competitions: Texts) -> Array:
    never_seen = values.get("", 0.0)
    return np.array([values.get(name, never_seen) for name in competitions], dtype=np.float64)
