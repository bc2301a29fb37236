"""Time-decayed attack and defence strengths, relative to the competition.

A strength is goals scored over goals expected against those opponents, both
fading with age: attack 1.2 scores a fifth more than average, defence 1.2
concedes a fifth more. A stated prior counts as a few goals of evidence, so a
club with few matches stays near it. The form is the gamma-Poisson mean; the
decay follows Dixon & Coles (1997).
"""

from __future__ import annotations

import numpy as np

from features.batch import Array, Batch, Columns, Index, Results, Standing
from features.ledger import Ledger, row_sums

HALF_LIFE_DAYS = 300.0
PRIOR_GOALS = 9.0
PRIOR_ATTACK = 0.88
PRIOR_DEFENCE = 1.14
CLIMB_ATTACK = 0.76  # a promoted club's attack against its new league, over that against its old one
CLIMB_DEFENCE = 1.32
BASE_HOME, BASE_AWAY = 1.5, 1.15
BASE_WEIGHT = 60.0
BASE_MEMORY = 600.0  # matches


class Strengths:
    """Learn attack and defence of each club from one kind of goals, counted or expected (xG)."""

    def __init__(self, prefix: str, *, needs_evidence: bool) -> None:
        self.prefix = prefix
        self.needs_evidence = needs_evidence
        self.clubs = Ledger(scored=0.0, scored_expected=0.0, conceded=0.0, conceded_expected=0.0, day=0.0)
        self.competitions = Ledger(home=BASE_HOME * BASE_WEIGHT, away=BASE_AWAY * BASE_WEIGHT, matches=BASE_WEIGHT)

    def describe(self, batch: Batch, standing: Standing) -> Columns:
        """Return both attacks, both defences and the goals they expect of each other."""
        base_home, base_away = self._bases(batch)
        home_attack, home_defence = self._strength(batch.home, batch.day, standing.home_climb)
        away_attack, away_defence = self._strength(batch.away, batch.day, standing.away_climb)
        columns = {
            "attack_home": home_attack,
            "defence_home": home_defence,
            "attack_away": away_attack,
            "defence_away": away_defence,
            "expected_home": base_home * home_attack * away_defence,
            "expected_away": base_away * away_attack * home_defence,
        }
        unknown = self._lacks_evidence(batch)
        return {f"{self.prefix}_{name}": np.where(unknown, np.nan, value) for name, value in columns.items()}

    def learn(self, batch: Batch, standing: Standing, home_goals: Array, away_goals: Array) -> None:
        """Add one match to both clubs and to the competition's scoring rate; skip matches where goals are unknown."""
        known = np.flatnonzero(~np.isnan(home_goals) & ~np.isnan(away_goals))
        if len(known) == 0:
            return
        batch, standing = batch.take(known), standing.take(known)
        home_goals, away_goals = home_goals[known], away_goals[known]
        base_home, base_away = self._bases(batch)
        home_attack, home_defence = self._strength(batch.home, batch.day, standing.home_climb)
        away_attack, away_defence = self._strength(batch.away, batch.day, standing.away_climb)
        self._add(
            batch.home,
            batch.day,
            standing.home_climb,
            (home_goals, base_home * away_defence),
            (away_goals, base_away * away_attack),
        )
        self._add(
            batch.away,
            batch.day,
            standing.away_climb,
            (away_goals, base_away * home_defence),
            (home_goals, base_home * home_attack),
        )
        self._learn_bases(batch, home_goals, away_goals)

    def _bases(self, batch: Batch) -> tuple[Array, Array]:
        matches = self.competitions["matches"][batch.competition]
        home = self.competitions["home"][batch.competition] / matches
        away = self.competitions["away"][batch.competition] / matches
        neutral = np.sqrt(home * away)
        return np.where(batch.at_home > 0, home, neutral), np.where(batch.at_home > 0, away, neutral)

    def _strength(self, clubs: Index, day: Array, climb: Array) -> tuple[Array, Array]:
        fade = self._fade(clubs, day)
        scored = self.clubs["scored"][clubs] * fade * np.power(CLIMB_ATTACK, climb)
        conceded = self.clubs["conceded"][clubs] * fade * np.power(CLIMB_DEFENCE, climb)
        attack = (scored + PRIOR_GOALS * PRIOR_ATTACK) / (self.clubs["scored_expected"][clubs] * fade + PRIOR_GOALS)
        defence = (conceded + PRIOR_GOALS * PRIOR_DEFENCE) / (
            self.clubs["conceded_expected"][clubs] * fade + PRIOR_GOALS
        )
        return attack, defence

    def _fade(self, clubs: Index, day: Array) -> Array:
        return np.power(0.5, np.maximum(0.0, day - self.clubs["day"][clubs]) / HALF_LIFE_DAYS)

    def _add(
        self, clubs: Index, day: Array, climb: Array, scored: tuple[Array, Array], conceded: tuple[Array, Array]
    ) -> None:
        ledger, fade = self.clubs, self._fade(clubs, day)
        ledger["scored"][clubs] = ledger["scored"][clubs] * fade * np.power(CLIMB_ATTACK, climb) + scored[0]
        ledger["scored_expected"][clubs] = ledger["scored_expected"][clubs] * fade + scored[1]
        ledger["conceded"][clubs] = ledger["conceded"][clubs] * fade * np.power(CLIMB_DEFENCE, climb) + conceded[0]
        ledger["conceded_expected"][clubs] = ledger["conceded_expected"][clubs] * fade + conceded[1]
        ledger["day"][clubs] = day

    def _learn_bases(self, batch: Batch, home_goals: Array, away_goals: Array) -> None:
        ledger = self.competitions
        size = len(ledger["matches"])
        played_at_home = batch.at_home
        count = row_sums(batch.competition, played_at_home, size)
        fade = np.power(1.0 - 1.0 / BASE_MEMORY, count)
        ledger["home"][:] = ledger["home"] * fade + row_sums(batch.competition, home_goals * played_at_home, size)
        ledger["away"][:] = ledger["away"] * fade + row_sums(batch.competition, away_goals * played_at_home, size)
        ledger["matches"][:] = ledger["matches"] * fade + count

    def _lacks_evidence(self, batch: Batch) -> Array:
        if not self.needs_evidence:
            return np.zeros(len(batch.home), dtype=bool)
        evidence = self.clubs["scored_expected"]
        return (evidence[batch.home] <= 0.0) | (evidence[batch.away] <= 0.0)
