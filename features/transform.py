"""The fitted feature transform: what every model is saved with.

Holds the state of all feature families at one instant, moves it forward day by
day, and describes fixtures from it. The same arithmetic serves training and
requests: ``update`` describes each match before it learns from it, and
``transform`` describes from the state as it stands.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.batch import Array, Batch, Columns, Index, Results, Standing
from features.elo import Elo
from features.form import Form
from features.frame import FeatureFrame
from features.head_to_head import HeadToHead
from features.ledger import Codes
from features.matches import MatchTable, level_of
from features.odds import describe_odds
from features.pi_ratings import PiRatings
from features.registry import FEATURES_VERSION, NAMES
from features.schedule import Schedule
from features.season import Season
from features.strengths import Strengths

NEVER = -(2**31)


class OutOfOrder(ValueError):
    """Say that results are older than what the state already knows; rebuild from an earlier state instead."""


class MatchFeatures:
    """Turn past matches into the numbers a model sees, everything as of kick-off.

    A match of day d is described from results of days before d only; matches
    of one day never see each other.
    """

    def __init__(self) -> None:
        self.version = FEATURES_VERSION
        self.names = NAMES
        self.club_codes, self.competition_codes, self.season_codes = Codes(), Codes(), Codes()
        self.elo, self.pi = Elo(), PiRatings()
        self.goals = Strengths("goals", xg_weight=0.0)
        self.chances = Strengths("chances", xg_weight=0.7)
        self.form, self.schedule = Form(), Schedule()
        self.meetings, self.season = HeadToHead(), Season()
        self.last_day = NEVER
        self.matches_known = 0
        self.digest = hashlib.sha256(f"features {self.version}".encode()).hexdigest()

    def fit(self, history: MatchTable) -> Self:
        """Forget everything, then learn a history. Returns self."""
        self.__init__()  # type: ignore[misc]  # a fresh state is exactly what the constructor makes
        self.update(history)
        return self

    def update(self, matches: MatchTable) -> FeatureFrame:
        """Learn the played matches of a table day by day and return every row's features as of its kick-off.

        Args:
            matches: In any order, but no played match may be of a day the state already knows.

        Returns:
            Row i describes match i of the table, from results of earlier days only.

        Raises:
            OutOfOrder: If a played match is not later than everything known.
        """
        order = np.lexsort((matches.match_id.astype(str), matches.day))
        table = matches.take(order)
        self._check_order(table)
        values = np.empty((len(table), len(self.names)))
        _, starts = np.unique(table.day, return_index=True)
        for rows in np.split(np.arange(len(table)), starts[1:]):
            today = table.take(rows)
            values[rows] = self._describe(self._learn_names(today))
            self._learn_day(today.take(today.played))
        self.last_day = max(self.last_day, int(table.day[table.played].max(initial=NEVER)))
        unsorted = np.empty_like(values)
        unsorted[order] = values
        return FeatureFrame(self.names, unsorted)

    def transform(self, fixtures: MatchTable) -> FeatureFrame:
        """Describe fixtures from the state as it stands; changes nothing. Goals in the table are not looked at."""
        return FeatureFrame(self.names, self._describe(self._look_up(fixtures)))

    def transform_one(self, fixture: MatchTable) -> NDArray[np.float64]:
        """Describe a single fixture. Shape (f,), the same bits as its row in a larger table.

        Raises:
            ValueError: If the table does not hold exactly one match.
        """
        if len(fixture) != 1:
            raise ValueError(f"transform_one takes a table of one match, not of {len(fixture)}; use transform")
        row: NDArray[np.float64] = self.transform(fixture).values[0]
        return row

    def copy(self) -> Self:
        """Return an independent copy, to be moved forward on its own."""
        return copy.deepcopy(self)

    def knows_team(self, team: str) -> bool:
        """Return whether any match of this team was learned or described."""
        return team in self.club_codes.numbers

    def _check_order(self, table: MatchTable) -> None:
        days = table.day[table.played]
        if len(days) and days.min() <= self.last_day:
            given, known = np.datetime64(int(days.min()), "D"), np.datetime64(self.last_day, "D")
            raise OutOfOrder(
                f"results of {given} were given, but the state already knows {known}; "
                "start from a state older than the oldest result"
            )

    def _learn_names(self, table: MatchTable) -> Batch:
        known = len(self.competition_codes)
        home, away = self.club_codes.learn(table.home), self.club_codes.learn(table.away)
        competition = self.competition_codes.learn(table.competition)
        season = self.season_codes.learn(table.season)
        self._grow()
        batch = self._batch(table, home, away, competition, season)
        fresh = np.flatnonzero(competition >= known)
        for family in (self.elo, self.pi, self.goals, self.chances):
            family.found(competition[fresh], batch.level[fresh])
        return batch

    def _look_up(self, table: MatchTable) -> Batch:
        return self._batch(
            table,
            self.club_codes.look_up(table.home),
            self.club_codes.look_up(table.away),
            self.competition_codes.look_up(table.competition),
            self.season_codes.look_up(table.season),
        )

    def _grow(self) -> None:
        clubs, competitions = len(self.club_codes), len(self.competition_codes)
        for family in (self.elo, self.pi, self.goals, self.chances, self.form, self.schedule, self.season):
            family.clubs.grow(clubs)
        for ledger in (
            self.elo.competitions,
            self.pi.competitions,
            self.goals.competitions,
            self.chances.competitions,
            self.season.competitions,
            self.season.rates,
        ):
            ledger.grow(competitions)

    def _batch(self, table: MatchTable, home: Index, away: Index, competition: Index, season: Index) -> Batch:
        return Batch(
            home=home,
            away=away,
            competition=competition,
            season=season,
            day=table.day.astype(np.float64),
            level=np.array([level_of(code) for code in table.competition]),
            at_home=np.where(table.neutral, 0.0, 1.0),
            odds=np.column_stack([table.odds_home, table.odds_draw, table.odds_away]),
        )

    def _standing(self, batch: Batch) -> Standing:
        return Standing(
            home_is_new=self.schedule.is_new(batch.home),
            away_is_new=self.schedule.is_new(batch.away),
            home_trust=self.schedule.trust(batch.home, batch.day),
            away_trust=self.schedule.trust(batch.away, batch.day),
        )

    def _describe(self, batch: Batch) -> Array:
        standing = self._standing(batch)
        columns: Columns = {}
        for family in (self.elo, self.pi):
            columns |= family.describe(batch, standing)
        for plain in (self.goals, self.chances, self.form, self.schedule, self.meetings, self.season):
            columns |= plain.describe(batch)
        columns |= describe_odds(batch.odds)
        return np.column_stack([columns[name] for name in self.names])

    def _learn_day(self, table: MatchTable) -> None:
        batch = self._look_up(table)
        results = Results(table.home_goals, table.away_goals, table.home_xg, table.away_xg)
        for rows in _rounds(batch):
            self._learn(batch.take(rows), results.take(rows))
        self.matches_known += len(table)
        self.digest = _chained(self.digest, table)

    def _learn(self, batch: Batch, results: Results) -> None:
        standing = self._standing(batch)
        self.elo.learn(batch, standing, results)
        self.pi.learn(batch, standing, results)
        self.goals.learn(batch, results)
        self.chances.learn(batch, results)
        self.form.learn(batch, results)
        self.meetings.learn(batch, results)
        self.season.learn(batch, results)
        self.schedule.learn(batch)


def _rounds(batch: Batch) -> list[Index]:
    """Split a day so that no club appears twice in a part and each club's matches keep their order."""
    parts: list[list[int]] = []
    next_part: dict[int, int] = {}
    for row, clubs in enumerate(zip(batch.home.tolist(), batch.away.tolist(), strict=True)):
        part = max(next_part.get(club, 0) for club in clubs)
        if part == len(parts):
            parts.append([])
        parts[part].append(row)
        next_part |= dict.fromkeys(clubs, part + 1)
    return [np.array(part, dtype=np.int64) for part in parts]


def _chained(digest: str, table: MatchTable) -> str:
    """Extend the digest of all that is known by one day's results."""
    if len(table) == 0:
        return digest
    numbers = (table.home_goals, table.away_goals, table.home_xg, table.away_xg)
    rows = zip(table.match_id, table.day, table.neutral, *numbers, strict=True)
    text = digest + "\n".join(f"{m} {d} {n} {h!r} {a!r} {x!r} {y!r}" for m, d, n, h, a, x, y in rows)
    return hashlib.sha256(text.encode()).hexdigest()
