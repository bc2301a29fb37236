"""Time-decayed attack and defence strengths of all clubs on one scale.

Goals expected of a side are the competition's base rate times its attack times
the other side's defence. A strength is goals scored (or conceded) over goals
expected against those opponents, both fading with age, and a stated prior that
counts as a few goals. Every week the recent past is weighed again with what is
known today of the opponents, which brings the estimates close to the weighted
maximum likelihood of Dixon & Coles (1997) at a fraction of its cost.
"""

from __future__ import annotations

import numpy as np

from features.batch import Array, Batch, Columns, Index, Results
from features.ledger import Ledger, row_sums
from features.recent import Recent

HALF_LIFE_DAYS = 400.0
PRIOR_GOALS = 15.0
PRIOR_ATTACK = 0.9
PRIOR_DEFENCE = 1.1
# A division down, attacks are weaker and defences leakier by this much on the common scale.
LEVEL_ATTACK = 0.75
LEVEL_DEFENCE = 1.3
BASE_HOME, BASE_AWAY = 1.5, 1.15
BASE_WEIGHT = 60.0
BASE_MEMORY = 600.0  # matches
REVISION_DAYS = 7
SWEEPS = 2
NOT_YET = -1e9  # a day before every match, also before those of 1872


class Strengths:
    """Learn attack and defence of each club from goals, or from goals and expected goals (xG) together.

    Attributes:
        prefix: Begins the names of the features.
        xg_weight: What a match's xG counts against its goals, 0-1, where xG is known.
    """

    def __init__(self, prefix: str, *, xg_weight: float) -> None:
        self.prefix = prefix
        self.xg_weight = xg_weight
        self.clubs = Ledger(scored=0.0, scored_expected=0.0, conceded=0.0, conceded_expected=0.0, day=0.0, level=1.0)
        self.competitions = Ledger(home=BASE_HOME * BASE_WEIGHT, away=BASE_AWAY * BASE_WEIGHT, matches=BASE_WEIGHT)
        self.recent = Recent()
        self.revised_day = NOT_YET

    def describe(self, batch: Batch) -> Columns:
        """Return both attacks, both defences and the goals they expect of each other."""
        base_home, base_away = self._bases(batch.competition, batch.at_home)
        home_level, away_level = self._levels(batch)
        home_attack, home_defence = self._strength(batch.home, batch.day, home_level)
        away_attack, away_defence = self._strength(batch.away, batch.day, away_level)
        columns = {
            "attack_home": home_attack,
            "defence_home": home_defence,
            "attack_away": away_attack,
            "defence_away": away_defence,
            "expected_home": base_home * home_attack * away_defence,
            "expected_away": base_away * away_attack * home_defence,
        }
        return {f"{self.prefix}_{name}": value for name, value in columns.items()}

    def learn(self, batch: Batch, results: Results) -> None:
        """Add matches to their clubs and competitions."""
        home_goals = self._blend(results.home_goals, results.home_xg)
        away_goals = self._blend(results.away_goals, results.away_xg)
        base_home, base_away = self._bases(batch.competition, batch.at_home)
        home_level, away_level = self._levels(batch)
        home_attack, home_defence = self._strength(batch.home, batch.day, home_level)
        away_attack, away_defence = self._strength(batch.away, batch.day, away_level)
        home_due, away_due = base_home * away_defence, base_away * home_defence
        home_threat, away_threat = base_home * home_attack, base_away * away_attack
        self._add(batch.home, batch.day, home_level, (home_goals, home_due, away_goals, away_threat))
        self._add(batch.away, batch.day, away_level, (away_goals, away_due, home_goals, home_threat))
        self._learn_bases(batch, home_goals, away_goals)
        self.recent.add(batch, home_goals, away_goals)
        if batch.day[0] // REVISION_DAYS > self.revised_day // REVISION_DAYS:
            self._revise(float(batch.day[0]))

    def _levels(self, batch: Batch) -> tuple[Array, Array]:
        cup = np.isnan(batch.level)
        home = np.where(cup, self.clubs["level"][batch.home], batch.level)
        return home, np.where(cup, self.clubs["level"][batch.away], batch.level)

    def _bases(self, competition: Index, at_home: Array) -> tuple[Array, Array]:
        matches = self.competitions["matches"][competition]
        home = self.competitions["home"][competition] / matches
        away = self.competitions["away"][competition] / matches
        neutral = np.sqrt(home * away)
        return np.where(at_home > 0, home, neutral), np.where(at_home > 0, away, neutral)

    def _strength(self, clubs: Index, day: Array, level: Array) -> tuple[Array, Array]:
        ledger, fade = self.clubs, self._fade(clubs, day)
        prior_attack = PRIOR_GOALS * PRIOR_ATTACK * np.power(LEVEL_ATTACK, level - 1.0)
        prior_defence = PRIOR_GOALS * PRIOR_DEFENCE * np.power(LEVEL_DEFENCE, level - 1.0)
        attack = (ledger["scored"][clubs] * fade + prior_attack) / (
            ledger["scored_expected"][clubs] * fade + PRIOR_GOALS
        )
        defence = (ledger["conceded"][clubs] * fade + prior_defence) / (
            ledger["conceded_expected"][clubs] * fade + PRIOR_GOALS
        )
        return attack, defence

    def _fade(self, clubs: Index, day: Array) -> Array:
        return _faded(np.maximum(0.0, day - self.clubs["day"][clubs]))

    def _add(self, clubs: Index, day: Array, level: Array, gains: tuple[Array, Array, Array, Array]) -> None:
        ledger, fade = self.clubs, self._fade(clubs, day)
        for name, gain in zip(("scored", "scored_expected", "conceded", "conceded_expected"), gains, strict=True):
            ledger[name][clubs] = ledger[name][clubs] * fade + gain
        ledger["day"][clubs] = day
        ledger["level"][clubs] = level

    def _learn_bases(self, batch: Batch, home_goals: Array, away_goals: Array) -> None:
        ledger, size = self.competitions, len(self.competitions["matches"])
        count = row_sums(batch.competition, batch.at_home, size)
        fade = np.power(1.0 - 1.0 / BASE_MEMORY, count)
        ledger["home"][:] = ledger["home"] * fade + row_sums(batch.competition, home_goals * batch.at_home, size)
        ledger["away"][:] = ledger["away"] * fade + row_sums(batch.competition, away_goals * batch.at_home, size)
        ledger["matches"][:] = ledger["matches"] * fade + count

    def _revise(self, day: float) -> None:
        """Weigh the recent past again with today's view of the opponents."""
        self.revised_day = day
        past, ledger, size = self.recent.since(day), self.clubs, len(self.clubs["day"])
        weight = _faded(day - past.day)
        base_home, base_away = self._bases(past.competition, past.at_home)
        base_home, base_away = base_home * weight, base_away * weight
        clubs = np.concatenate([past.home, past.away])
        everyone, today = np.arange(size), np.full(size, day)
        attack, defence = self._strength(everyone, today, ledger["level"])
        home_goals, away_goals = past.home_goals * weight, past.away_goals * weight
        ledger["scored"][:] = row_sums(clubs, np.concatenate([home_goals, away_goals]), size)
        ledger["conceded"][:] = row_sums(clubs, np.concatenate([away_goals, home_goals]), size)
        ledger["day"][:] = day
        for _ in range(SWEEPS):
            due = np.concatenate([base_home * defence[past.away], base_away * defence[past.home]])
            threat = np.concatenate([base_away * attack[past.away], base_home * attack[past.home]])
            ledger["scored_expected"][:] = row_sums(clubs, due, size)
            ledger["conceded_expected"][:] = row_sums(clubs, threat, size)
            attack, defence = self._strength(everyone, today, ledger["level"])

    def _blend(self, goals: Array, xg: Array) -> Array:
        return np.where(np.isnan(xg), goals, goals + self.xg_weight * (xg - goals))


def _faded(age_days: Array) -> Array:
    return np.power(0.5, age_days / HALF_LIFE_DAYS)
