"""Where a club stands in its season, and whether it is new in its division."""

from __future__ import annotations

import numpy as np

from features.batch import Array, Batch, Columns, Flags, Index, Results
from features.ledger import Ledger, row_sums

USUAL_LENGTH = 34.0


class Season:
    """Count each club's league season so far; cups and friendlies leave it alone."""

    def __init__(self) -> None:
        self.clubs = Ledger(season=0.0, competition=0.0, newcomer=0.0, played=0.0, points=0.0, margin=0.0)
        self.competitions = Ledger(season=0.0, previous=0.0, seasons=0.0, longest=0.0, length=USUAL_LENGTH)
        self.rates = Ledger(draws=0.26 * 60.0, matches=60.0)

    def describe(self, batch: Batch) -> Columns:
        """Return season counts for both sides, the season's phase and the competition's draw rate."""
        columns: Columns = {}
        for side, clubs in (("home", batch.home), ("away", batch.away)):
            played = self._this_season("played", clubs, batch)
            games = np.maximum(played, 1.0)
            empty = played == 0.0
            columns[f"newcomer_{side}"] = self._newcomer(clubs, batch)
            columns[f"season_matches_{side}"] = played
            columns[f"season_points_{side}"] = np.where(
                empty, np.nan, self._this_season("points", clubs, batch) / games
            )
            columns[f"season_margin_{side}"] = np.where(
                empty, np.nan, self._this_season("margin", clubs, batch) / games
            )
        progress = 0.5 * (columns["season_matches_home"] + columns["season_matches_away"])
        columns["season_phase"] = np.minimum(1.0, progress / self._length(batch))
        columns["competition_level"] = batch.level
        columns["draw_rate"] = self.rates["draws"][batch.competition] / self.rates["matches"][batch.competition]
        columns["neutral_venue"] = 1.0 - batch.at_home
        return columns

    def learn(self, batch: Batch, results: Results) -> None:
        """Count the match for both clubs and for the competition."""
        self._learn_draws(batch, results)
        league = np.flatnonzero(~np.isnan(batch.level))
        if len(league) == 0:
            return
        batch, results = batch.take(league), results.take(league)
        margin = results.home_goals - results.away_goals
        self._count(batch.home, batch, results.home_points, margin)
        self._count(batch.away, batch, results.away_points, -margin)
        self._learn_length(batch)

    def _in_season(self, clubs: Index, batch: Batch) -> Flags:
        same: Flags = (self.clubs["season"][clubs] == batch.season) & (
            self.clubs["competition"][clubs] == batch.competition
        )
        return same

    def _this_season(self, name: str, clubs: Index, batch: Batch) -> Array:
        return np.where(self._in_season(clubs, batch), self.clubs[name][clubs], 0.0)

    def _newcomer(self, clubs: Index, batch: Batch) -> Array:
        before, ledger = self.clubs["competition"][clubs], self.competitions
        current = ledger["season"][batch.competition]
        is_next = current != batch.season
        last_season = np.where(is_next, current, ledger["previous"][batch.competition])
        stayed = (before == batch.competition) & (self.clubs["season"][clubs] == last_season)
        # A club of which nothing is known is a newcomer only in a competition that has a past.
        has_past = ledger["seasons"][batch.competition] + is_next >= 2.0
        fresh = np.where(before == 0.0, has_past, ~stayed)
        value = np.where(self._in_season(clubs, batch), self.clubs["newcomer"][clubs], fresh)
        newcomer: Array = np.where(np.isnan(batch.level), np.nan, value)
        return newcomer

    def _count(self, clubs: Index, batch: Batch, points: Array, margin: Array) -> None:
        ledger = self.clubs
        ledger["newcomer"][clubs] = self._newcomer(clubs, batch)
        for name, gain in (("played", 1.0), ("points", points), ("margin", margin)):
            ledger[name][clubs] = self._this_season(name, clubs, batch) + gain
        ledger["season"][clubs] = batch.season
        ledger["competition"][clubs] = batch.competition

    def _length(self, batch: Batch) -> Array:
        return self.competitions["length"][batch.competition]

    def _learn_length(self, batch: Batch) -> None:
        ledger, rows = self.competitions, batch.competition
        is_next = ledger["season"][rows] != batch.season
        is_known = is_next & (ledger["longest"][rows] >= 10.0)
        ledger["length"][rows] = np.where(is_known, ledger["longest"][rows], ledger["length"][rows])
        ledger["longest"][rows] = np.where(is_next, 0.0, ledger["longest"][rows])
        ledger["previous"][rows] = np.where(is_next, ledger["season"][rows], ledger["previous"][rows])
        ledger["seasons"][rows] += is_next
        ledger["season"][rows] = batch.season
        played = np.maximum(self.clubs["played"][batch.home], self.clubs["played"][batch.away])
        np.maximum.at(ledger["longest"], rows, played)

    def _learn_draws(self, batch: Batch, results: Results) -> None:
        ledger = self.rates
        size = len(ledger["matches"])
        count = row_sums(batch.competition, np.ones(len(batch.home)), size)
        draws = row_sums(batch.competition, (results.home_goals == results.away_goals).astype(np.float64), size)
        fade = np.power(1.0 - 1.0 / 600.0, count)
        ledger["draws"][:] = ledger["draws"] * fade + draws
        ledger["matches"][:] = ledger["matches"] * fade + count
