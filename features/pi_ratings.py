"""Pi-ratings: a home and an away rating per club, learned from goal differences.

The form of Constantinou & Fenton (2013), "Determining the level of ability of
football teams by dynamic ratings based on the relative discrepancies in scores
between adversaries": base 10, c = 3, gamma 0.7; lambda 0.04 rather than 0.035,
which scored better on 2014-2018.
"""

from __future__ import annotations

import numpy as np

from features.batch import Array, Batch, Columns, Index, Results, Standing, divisions_below_top
from features.ledger import Ledger, follow, known_or

SCALE = 3.0
LEARNING_RATE = 0.04
CATCH_UP = 0.7
NEWCOMER_DEFICIT = 0.15
LEVEL_STEP = 0.35
MEAN_STEP = 0.02


class PiRatings:
    """Rate clubs by the goal difference expected against an average side, at home and away apart."""

    def __init__(self) -> None:
        self.clubs = Ledger(home=0.0, away=0.0)
        self.competitions = Ledger(mean=0.0)

    def found(self, competitions: Index, levels: Array) -> None:
        """Set the starting mean of competitions that have just appeared."""
        self.competitions["mean"][competitions] = _founding_mean(levels)

    def describe(self, batch: Batch, standing: Standing) -> Columns:
        """Return the home side's home rating, the away side's away rating and the expected goal difference."""
        home_own, home_other, away_own, away_other = self._now(batch, standing)
        home, away = _at_venue(home_own, home_other, away_own, away_other, batch.at_home)
        return {"pi_home": home, "pi_away": away, "pi_goal_difference": goal_difference(home) - goal_difference(away)}

    def learn(self, batch: Batch, standing: Standing, results: Results) -> None:
        """Move the rating of the venue played by the damped error, the other one part of the way."""
        home_own, home_other, away_own, away_other = self._now(batch, standing)
        home, away = _at_venue(home_own, home_other, away_own, away_other, batch.at_home)
        error = (results.home_goals - results.away_goals) - (goal_difference(home) - goal_difference(away))
        move = LEARNING_RATE * np.sign(error) * SCALE * np.log10(1.0 + np.abs(error))
        self.clubs["home"][batch.home] = home_own + move
        self.clubs["away"][batch.home] = home_other + CATCH_UP * move
        self.clubs["away"][batch.away] = away_own - move
        self.clubs["home"][batch.away] = away_other - CATCH_UP * move
        strength = 0.25 * (home_own + home_other + away_own + away_other)
        follow(self.competitions["mean"], batch.competition, strength, MEAN_STEP)

    def _now(self, batch: Batch, standing: Standing) -> tuple[Array, Array, Array, Array]:
        mean = known_or(self.competitions["mean"], batch.competition, _founding_mean(batch.level))
        at_home, away = self.clubs["home"], self.clubs["away"]
        return (
            standing.home(at_home[batch.home], mean, NEWCOMER_DEFICIT),
            standing.home(away[batch.home], mean, NEWCOMER_DEFICIT),
            standing.away(away[batch.away], mean, NEWCOMER_DEFICIT),
            standing.away(at_home[batch.away], mean, NEWCOMER_DEFICIT),
        )


def goal_difference(rating: Array) -> Array:
    """Return the goal difference against an average side that a rating stands for.

    >>> goal_difference(np.array([0.0, 3.0, -3.0])).tolist()
    [0.0, 9.0, -9.0]
    """
    return np.sign(rating) * (np.power(10.0, np.abs(rating) / SCALE) - 1.0)


def _founding_mean(levels: Array) -> Array:
    return -LEVEL_STEP * divisions_below_top(levels)


def _at_venue(
    home_own: Array, home_other: Array, away_own: Array, away_other: Array, at_home: Array
) -> tuple[Array, Array]:
    # At a neutral venue neither rating fits; their mean is the club without the venue.
    home = np.where(at_home > 0, home_own, 0.5 * (home_own + home_other))
    away = np.where(at_home > 0, away_own, 0.5 * (away_own + away_other))
    return home, away
