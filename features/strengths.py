"""Attack and defence strengths of all clubs on one scale, each with how sure it is.

A club's strength drifts: the belief in it blurs with every day and over the
summer, and sharpens with every result (features/beliefs.py). A score is what
both clubs and the competition made of it; where expected goals (xG) are known,
they count beside the goals and tell more. So a new or long absent club is
known to be unknown, and a promoted one carries its strength along.

Home advantage is one number for all the world, which drifts fast because every
match tells of it, plus each competition's own deviation, which drifts slowly:
when the crowds were sent home in 2020, all leagues together showed it within weeks.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Final

import numpy as np

from features.batch import Array, Batch, Columns, Flags, Index, Results
from features.beliefs import Belief, Expectation, Surprise, expect, learned, surprise
from features.ledger import Ledger, follow, known_or, row_sums

# Chosen on the league matches of 2012-08 to 2017-07; all optima are flat.
START_VARIANCE: Final = 0.116
START_CORRELATION: Final = 0.6
DRIFT_A_DAY: Final = 7.7e-5
DRIFT_A_SUMMER: Final = 0.009
DRIFT_CORRELATION: Final = 0.84
LEVEL_STEP: Final = 0.3  # log goals between divisions, until their clubs say otherwise
NEWCOMER_DEFICIT: Final = 0.05
MEAN_STEP: Final = 0.005
GOALS_DISPERSION: Final = 3.9
CHANCES_DISPERSION: Final = 0.9
BASE_GOALS: Final = 0.28  # log goals of a side without a home advantage
BASE_HOME: Final = 0.26
BASE_GOALS_VARIANCE: Final = 0.02
BASE_HOME_VARIANCE: Final = 0.01
WORLD_HOME_VARIANCE: Final = 0.01
GOALS_DRIFT_A_DAY: Final = 4e-6
HOME_DRIFT_A_DAY: Final = 1e-6
WORLD_HOME_DRIFT_A_DAY: Final = 1e-5
_PARTS: Final = tuple(field.name for field in fields(Belief))


class Strengths:
    """Learn attack and defence of each club from goals, or from goals and expected goals (xG) together.

    Attributes:
        prefix: Begins the names of the features.
        xg_weight: What a match's xG counts against its goals, 0-1, where xG is known.
    """

    def __init__(self, prefix: str, *, xg_weight: float) -> None:
        self.prefix = prefix
        self.xg_weight = xg_weight
        self.clubs = Ledger(**dict.fromkeys(_PARTS, 0.0), day=np.nan, season=0.0)
        self.competitions = Ledger(
            goals=BASE_GOALS,
            home=BASE_HOME,
            goals_variance=BASE_GOALS_VARIANCE,
            home_variance=BASE_HOME_VARIANCE,
            mean=0.0,
            day=np.nan,
        )
        self.world = Ledger(home=0.0, home_variance=WORLD_HOME_VARIANCE, day=np.nan)

    def found(self, competitions: Index, levels: Array) -> None:
        """Set the starting mean of competitions that have just appeared."""
        self.competitions["mean"][competitions] = _founding_mean(levels)

    def describe(self, batch: Batch) -> Columns:
        """Return both attacks, both defences, the goals they expect of each other and how sure those are."""
        home, away = self._now(batch.home, batch), self._now(batch.away, batch)
        expected = self._expected(home, away, batch)
        columns = {
            "attack_home": np.exp(home.attack),
            "defence_home": np.exp(-home.defence),
            "attack_away": np.exp(away.attack),
            "defence_away": np.exp(-away.defence),
            # The mean of a log-normal number, not the number at the mean.
            "expected_home": np.exp(expected.home + 0.5 * expected.home_variance),
            "expected_away": np.exp(expected.away + 0.5 * expected.away_variance),
            "doubt_home": np.sqrt(expected.home_variance),
            "doubt_away": np.sqrt(expected.away_variance),
        }
        return {f"{self.prefix}_{name}": value for name, value in columns.items()}

    def learn(self, batch: Batch, results: Results) -> None:
        """Move clubs and competitions by what the scores say."""
        home, away = self._now(batch.home, batch), self._now(batch.away, batch)
        told = surprise(
            self._expected(home, away, batch),
            self._blend(results.home_goals, results.home_xg),
            self._blend(results.away_goals, results.away_xg),
            self._dispersion(results),
        )
        home, away = learned(home, told, is_home=True), learned(away, told, is_home=False)
        self._keep(batch.home, batch, home)
        self._keep(batch.away, batch, away)
        self._learn_bases(batch, told)
        strength = 0.25 * (home.attack + home.defence + away.attack + away.defence)
        league = ~np.isnan(batch.level)
        follow(self.competitions["mean"], batch.competition[league], strength[league], MEAN_STEP)

    def _now(self, clubs: Index, batch: Batch) -> Belief:
        """Return what is believed on the day of the match."""
        ledger = self.clubs
        day = ledger["day"][clubs]
        is_new = np.isnan(day)
        known = Belief(*(ledger[name][clubs] for name in _PARTS))
        drift = DRIFT_A_DAY * (batch.day - day) + DRIFT_A_SUMMER * self._is_next_season(clubs, batch)
        return known.blurred(drift, DRIFT_CORRELATION).replaced(is_new, self._newcomers(batch))

    def _is_next_season(self, clubs: Index, batch: Batch) -> Flags:
        before = self.clubs["season"][clubs]
        is_next: Flags = ~np.isnan(batch.level) & (before != batch.season) & (before != 0.0)
        return is_next

    def _newcomers(self, batch: Batch) -> Belief:
        mean = known_or(self.competitions["mean"], batch.competition, _founding_mean(batch.level)) - NEWCOMER_DEFICIT
        variance = np.full(len(mean), START_VARIANCE)
        return Belief(mean, mean, variance, variance, START_CORRELATION * variance)

    def _expected(self, home: Belief, away: Belief, batch: Batch) -> Expectation:
        goals, goals_variance = self._drifted("goals", GOALS_DRIFT_A_DAY, batch)
        own, own_variance = self._drifted("home", HOME_DRIFT_A_DAY, batch)
        shared, shared_variance = self._world_home(batch.day)
        expected = expect(home, away, goals, (own + shared) * batch.at_home)
        quarter = 0.25 * (own_variance + shared_variance) * batch.at_home
        return Expectation(
            expected.home,
            expected.away,
            expected.home_variance + goals_variance + quarter,
            expected.away_variance + goals_variance + quarter,
            expected.covariance + goals_variance - quarter,
        )

    def _drifted(self, name: str, drift_a_day: float, batch: Batch) -> tuple[Array, Array]:
        ledger, rows = self.competitions, batch.competition
        ago = np.nan_to_num(batch.day - ledger["day"][rows], nan=0.0)
        return ledger[name][rows], ledger[f"{name}_variance"][rows] + drift_a_day * ago

    def _world_home(self, day: Array) -> tuple[Array, Array]:
        ago = np.nan_to_num(day - self.world["day"][0], nan=0.0)
        return self.world["home"][0], self.world["home_variance"][0] + WORLD_HOME_DRIFT_A_DAY * ago

    def _keep(self, clubs: Index, batch: Batch, belief: Belief) -> None:
        for name in _PARTS:
            self.clubs[name][clubs] = getattr(belief, name)
        self.clubs["day"][clubs] = batch.day
        self.clubs["season"][clubs] = np.where(np.isnan(batch.level), self.clubs["season"][clubs], batch.season)

    def _learn_bases(self, batch: Batch, told: Surprise) -> None:
        """Move goals and home advantage, the competitions' and the world's, by all matches at once."""
        rows, half = batch.competition, 0.5 * batch.at_home
        both = told.home_weight + told.away_weight
        goals = told.home + told.away, both + 2.0 * told.cross_weight
        home = half * (told.home - told.away), half * half * (both - 2.0 * told.cross_weight)
        _, self.competitions["goals_variance"][rows] = self._drifted("goals", GOALS_DRIFT_A_DAY, batch)
        _, self.competitions["home_variance"][rows] = self._drifted("home", HOME_DRIFT_A_DAY, batch)
        _, self.world["home_variance"][:1] = self._world_home(batch.day[:1])
        self.competitions["day"][rows] = batch.day
        self.world["day"][0] = batch.day[0]
        _sharpen(self.competitions, "goals", rows, *goals)
        _sharpen(self.competitions, "home", rows, *home)
        _sharpen(self.world, "home", np.zeros_like(rows), *home)

    def _blend(self, goals: Array, xg: Array) -> Array:
        return np.where(np.isnan(xg), goals, goals + self.xg_weight * (xg - goals))

    def _dispersion(self, results: Results) -> Array:
        is_known = ~np.isnan(results.home_xg) & ~np.isnan(results.away_xg) & (self.xg_weight > 0.0)
        return np.where(is_known, CHANCES_DISPERSION, GOALS_DISPERSION)


def _founding_mean(levels: Array) -> Array:
    return -LEVEL_STEP * (np.nan_to_num(levels, nan=1.0) - 1.0)


def _sharpen(ledger: Ledger, name: str, rows: Index, slope: Array, weight: Array) -> None:
    """Add what several matches say to the Gaussian beliefs of one column, in place."""
    variance = ledger[f"{name}_variance"]
    variance /= 1.0 + variance * row_sums(rows, weight, len(variance))
    ledger[name][:] += variance * row_sums(rows, slope, len(variance))
