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

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from features.batch import Array, Batch, Columns, Flags, Index, Results, divisions_below_top
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
        sides = self._now(batch)
        expected = self._expected(sides, self._bases(batch), batch)
        pairs = {
            "attack": np.exp(sides.attack),
            "defence": np.exp(-sides.defence),
            # The mean of a log-normal number, not the number at the mean; on the scale of the dispersion.
            "expected": np.exp(expected.mean + 0.5 * expected.variance),
            "doubt": np.sqrt(expected.variance),
        }
        return {
            f"{self.prefix}_{name}_{side}": row
            for name, rows in pairs.items()
            for side, row in zip(("home", "away"), rows, strict=True)
        }

    def learn(self, batch: Batch, results: Results) -> None:
        """Move clubs and competitions by what the scores say."""
        sides, bases = self._now(batch), self._bases(batch)
        scored, dispersion = self._scored(results)
        told = surprise(self._expected(sides, bases, batch), scored, dispersion)
        sides = learned(sides, told)
        self._keep(batch, sides)
        self._learn_bases(batch, bases, told)
        strength = 0.25 * (sides.attack + sides.defence).sum(axis=0)
        league = ~np.isnan(batch.level)
        follow(self.competitions["mean"], batch.competition[league], strength[league], MEAN_STEP)

    def _now(self, batch: Batch) -> Belief:
        """Return what is believed of both sides on the day of the match."""
        ledger, clubs = self.clubs, batch.sides
        day = ledger["day"][clubs]
        is_new = np.isnan(day)
        drift = DRIFT_A_DAY * _days_since(day, batch) + DRIFT_A_SUMMER * self._is_next_season(batch)
        known = Belief(*(ledger[name][clubs] for name in _PARTS)).blurred(drift, DRIFT_CORRELATION)
        return known.replaced(is_new, self._newcomers(batch)) if is_new.any() else known

    def _is_next_season(self, batch: Batch) -> Flags:
        before = self.clubs["season"][batch.sides]
        is_next: Flags = ~np.isnan(batch.level) & (before != batch.season) & (before != 0.0)
        return is_next

    def _newcomers(self, batch: Batch) -> Belief:
        mean = known_or(self.competitions["mean"], batch.competition, _founding_mean(batch.level)) - NEWCOMER_DEFICIT
        variance = np.full(len(mean), START_VARIANCE)
        return Belief(mean, mean, variance, variance, START_CORRELATION * variance)

    def _bases(self, batch: Batch) -> _Bases:
        """Return what the competitions and the world give, blurred up to the day of the match."""
        ledger, rows = self.competitions, batch.competition
        days, world_days = _days_since(ledger["day"][rows], batch), _days_since(self.world["day"][0], batch)
        return _Bases(
            goals=ledger["goals"][rows],
            goals_variance=ledger["goals_variance"][rows] + GOALS_DRIFT_A_DAY * days,
            home=ledger["home"][rows],
            home_variance=ledger["home_variance"][rows] + HOME_DRIFT_A_DAY * days,
            world_home_variance=self.world["home_variance"][0] + WORLD_HOME_DRIFT_A_DAY * world_days,
        )

    def _expected(self, sides: Belief, bases: _Bases, batch: Batch) -> Expectation:
        home_advantage = (bases.home + self.world["home"][0]) * batch.at_home
        expected = expect(sides, bases.goals, home_advantage)
        quarter = 0.25 * (bases.home_variance + bases.world_home_variance) * batch.at_home
        return Expectation(
            expected.mean,
            expected.variance + (bases.goals_variance + quarter),
            expected.covariance + (bases.goals_variance - quarter),
        )

    def _keep(self, batch: Batch, sides: Belief) -> None:
        clubs = batch.sides
        for name in _PARTS:
            self.clubs[name][clubs] = getattr(sides, name)
        self.clubs["day"][clubs] = batch.day
        is_league = ~np.isnan(batch.level)
        self.clubs["season"][clubs[:, is_league]] = batch.season[is_league]

    def _learn_bases(self, batch: Batch, bases: _Bases, told: Surprise) -> None:
        """Move goals and home advantage, the competitions' and the world's, by all matches at once."""
        rows, half = batch.competition, 0.5 * batch.at_home
        both, crossed = told.weight.sum(axis=0), 2.0 * told.cross_weight
        goals = told.slope.sum(axis=0), both + crossed
        home = half * (told.slope[0] - told.slope[1]), half * half * (both - crossed)
        self.competitions["goals_variance"][rows] = bases.goals_variance
        self.competitions["home_variance"][rows] = bases.home_variance
        self.competitions["day"][rows] = batch.day
        self.world["home_variance"][:1], self.world["day"][:1] = bases.world_home_variance[:1], batch.day[:1]
        _sharpen(self.competitions, "goals", rows, *goals)
        _sharpen(self.competitions, "home", rows, *home)
        _sharpen(self.world, "home", np.zeros_like(rows), *home)

    def _scored(self, results: Results) -> tuple[Array, Array]:
        """Return what counts as the score, shape (2, n), and how much it scatters, shape (n,)."""
        goals = np.array([results.home_goals, results.away_goals])
        if self.xg_weight == 0.0:
            return goals, np.full(len(results.home_goals), GOALS_DISPERSION)
        xg = np.array([results.home_xg, results.away_xg])
        is_known = ~np.isnan(xg)
        blend = np.where(is_known, goals + self.xg_weight * (xg - goals), goals)
        return blend, np.where(is_known.all(axis=0), CHANCES_DISPERSION, GOALS_DISPERSION)


@dataclass(frozen=True, slots=True)
class _Bases:
    """Hold what each match's competition and the world give, in log goals and their squares. Shape (n,) each."""

    goals: Array
    goals_variance: Array
    home: Array
    home_variance: Array
    world_home_variance: Array


def _days_since(day: Array, batch: Batch) -> Array:
    """Return the days up to each match; 0 from a day unknown (NaN) or later, so that no doubt is ever negative."""
    days: Array = np.fmax(batch.day - day, 0.0)
    return days


def _founding_mean(levels: Array) -> Array:
    return -LEVEL_STEP * divisions_below_top(levels)


def _sharpen(ledger: Ledger, name: str, rows: Index, slope: Array, weight: Array) -> None:
    """Add what several matches say to the Gaussian beliefs of one column, in place."""
    variance = ledger[f"{name}_variance"]
    variance /= 1.0 + variance * row_sums(rows, weight, len(variance))
    ledger[name][:] += variance * row_sums(rows, slope, len(variance))
