"""Elo ratings with goal margin and a home advantage learned per competition.

Reads results day by day and never looks forward: the rating shown for a match
is the one held before it. After Elo (1978); the margin's square root follows
the damping used for football by Hvattum & Arntzen (2010).
"""

from __future__ import annotations

import numpy as np

from features.batch import Array, Batch, Columns, Index, Results, Standing, divisions_below_top
from features.ledger import Ledger, follow, known_or, row_sums

START = 1500.0
LEVEL_STEP = 170.0  # a division starts this far below the one above it, until its own clubs say otherwise
NEWCOMER_DEFICIT = 80.0  # clubs that come up are weaker than those they meet
HOME_ADVANTAGE = 65.0
STEP = 16.0
ADVANTAGE_STEP = 0.25
MEAN_STEP = 0.02


class Elo:
    """Rate clubs in Elo points; 400 points are odds of ten to one."""

    def __init__(self) -> None:
        self.clubs = Ledger(rating=START)
        self.competitions = Ledger(advantage=HOME_ADVANTAGE, mean=START)

    def found(self, competitions: Index, levels: Array) -> None:
        """Set the starting mean of competitions that have just appeared."""
        self.competitions["mean"][competitions] = _founding_mean(levels)

    def describe(self, batch: Batch, standing: Standing) -> Columns:
        """Return both ratings and their difference, home advantage included."""
        home, away, advantage = self._now(batch, standing)
        return {"elo_home": home, "elo_away": away, "elo_difference": home - away + advantage}

    def learn(self, batch: Batch, standing: Standing, results: Results) -> None:
        """Move both clubs by the surprise, weighted by the root of the margin."""
        home, away, advantage = self._now(batch, standing)
        margin = results.home_goals - results.away_goals
        surprise = 0.5 * (np.sign(margin) + 1.0) - expected_score(home - away + advantage)
        move = STEP * np.sqrt(np.maximum(1.0, np.abs(margin))) * surprise
        self.clubs["rating"][batch.home] = home + move
        self.clubs["rating"][batch.away] = away - move
        self._learn_competitions(batch, surprise, 0.5 * (home + away))

    def _now(self, batch: Batch, standing: Standing) -> tuple[Array, Array, Array]:
        mean = known_or(self.competitions["mean"], batch.competition, _founding_mean(batch.level))
        home = standing.home(self.clubs["rating"][batch.home], mean, NEWCOMER_DEFICIT)
        away = standing.away(self.clubs["rating"][batch.away], mean, NEWCOMER_DEFICIT)
        return home, away, self.competitions["advantage"][batch.competition] * batch.at_home

    def _learn_competitions(self, batch: Batch, surprise: Array, strength: Array) -> None:
        follow(self.competitions["mean"], batch.competition, strength, MEAN_STEP)
        advantage = self.competitions["advantage"]
        advantage += ADVANTAGE_STEP * row_sums(batch.competition, surprise * batch.at_home, len(advantage))


def expected_score(difference: Array) -> Array:
    """Return the expected share of the points, 0-1, for a rating difference.

    >>> expected_score(np.array([0.0, 400.0])).round(4).tolist()
    [0.5, 0.9091]
    """
    return 1.0 / (1.0 + np.power(10.0, -difference / 400.0))


def _founding_mean(levels: Array) -> Array:
    return START - LEVEL_STEP * divisions_below_top(levels)
