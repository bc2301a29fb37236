"""The match store as one worker remembers it: every match in memory, found by id, competition, team or date.

Built from store reads in the background and never changed afterwards.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.matches import SECONDS_PER_DAY, association_of, team_name
from runners.errors import CompetitionNotFound, MatchNotFound, TeamNotFound
from runners.queries import Competition, MatchView, Page
from runners.season_names import season_on
from store.errors import UnknownTeam
from store.reads import UNDATED, MatchRow, TeamRow
from store.teams import TeamDirectory

Positions = NDArray[np.int64]

_NOWHERE: Positions = np.empty(0, dtype=np.int64)


class Snapshot:
    """Hold matches ordered by kick-off, undated ones last.

    Attributes:
        rows: In that order.
        revision: Of the store when it was read.
    """

    def __init__(
        self, rows: Iterable[MatchRow], teams: Sequence[TeamRow], directory: TeamDirectory, revision: int
    ) -> None:
        self.rows = sorted(rows, key=_by_kickoff)
        self.revision = revision
        self.kickoffs = np.array([_time(row) for row in self.rows], dtype=np.int64)
        self._statuses = np.array([row.status for row in self.rows], dtype=object)
        self._directory = directory
        self._team_rows = teams
        self._position = {row.match_id: position for position, row in enumerate(self.rows)}
        self._of_competition = _grouped((row.competition,) for row in self.rows)
        self._of_team = _grouped((row.home, row.away) for row in self.rows)
        self._spans = _spans(self.rows)
        self._competitions = {code: self._competition(code) for code in sorted(self._of_competition)}

    def __len__(self) -> int:
        return len(self.rows)

    def has(self, match_id: str) -> bool:
        """Return whether the store has a match of that id."""
        return match_id in self._position

    def row(self, match_id: str) -> MatchRow:
        """Return one match as stored. Raises MatchNotFound."""
        position = self._position.get(match_id)
        if position is None:
            raise MatchNotFound(match_id)
        return self.rows[position]

    def competitions(self) -> Sequence[Competition]:
        """Return the competitions by code."""
        return list(self._competitions.values())

    def require_competition(self, code: str) -> None:
        """Raise CompetitionNotFound if the store has no match of a competition."""
        if code not in self._of_competition:
            raise CompetitionNotFound(code, list(self._competitions))

    def teams(self, competition: str | None) -> list[tuple[str, str]]:
        """Return (team name, association), of one competition or of all. Raises CompetitionNotFound."""
        if competition is None:
            return [(team.name, team.association) for team in self._team_rows]
        self.require_competition(competition)
        here = self._teams_in(competition)
        return [(team_name(team), team.partition(":")[0]) for team in sorted(here)]

    def resolve(self, competition: str, name: str, *, path: str) -> str:
        """Return the team id that a name means in a competition. Raises TeamNotFound with the nearest names."""
        try:
            return self._directory.resolve(competition, name)
        except UnknownTeam as error:
            raise TeamNotFound(name, competition, error.nearest, path=path) from error

    def page(
        self,
        *,
        competition: str | None,
        earliest: dt.datetime | None,
        latest: dt.datetime | None,
        team: str | None,
        status: str | None,
        offset: int,
        limit: int,
    ) -> Page:
        """Return one page of the matches that pass every filter, by kick-off.

        Raises:
            CompetitionNotFound, TeamNotFound: If a filter names what the store does not have.
        """
        chosen = self._chosen(competition, team)
        times = self.kickoffs[chosen]
        first = 0 if earliest is None else int(np.searchsorted(times, int(np.ceil(earliest.timestamp()))))
        last_time = UNDATED if earliest is None and latest is None else UNDATED - 1
        if latest is not None:
            last_time = int(latest.timestamp())
        end = max(first, int(np.searchsorted(times, last_time, side="right")))
        wanted = chosen[first:end]
        if status is not None:
            wanted = wanted[self._statuses[wanted] == status]
        shown = [view_of(self.rows[position]) for position in wanted[offset : offset + limit].tolist()]
        following = offset + limit
        return Page(shown, len(wanted), following if following < len(wanted) else None)

    def meetings(self, competition: str, home: str, away: str) -> list[MatchRow]:
        """Return the matches of a competition between two teams at one ground, by kick-off."""
        both = np.intersect1d(self._of_team.get(home, _NOWHERE), self._of_team.get(away, _NOWHERE))
        rows = [self.rows[position] for position in both.tolist()]
        return [row for row in rows if row.competition == competition and row.home == home and row.away == away]

    def season_on(self, competition: str, day: int | None) -> str:
        """Return the season of a competition on a day (days since 1970-01-01); the latest one for None."""
        return season_on(self._spans[competition], day)

    def _chosen(self, competition: str | None, team: str | None) -> Positions:
        if competition is not None:
            self.require_competition(competition)
        there = None if competition is None else self._of_competition[competition]
        if team is None:
            return np.arange(len(self.rows)) if there is None else there
        theirs = [self._of_team.get(one, _NOWHERE) for one in self._named(competition, team)]
        matches = np.unique(np.concatenate(theirs))
        return matches if there is None else np.intersect1d(there, matches)

    def _named(self, competition: str | None, name: str) -> list[str]:
        """Return the teams that a name means: in one competition, or in any association when none is given."""
        if competition is not None:
            return [self.resolve(competition, name, path="$.team")]
        if name in self._of_team:
            return [name]
        meant: set[str] = set()
        near: list[str] = []
        for code in dict.fromkeys(association_of(code) for code in self._of_competition):
            try:
                meant.add(self._directory.resolve(f"{code}.", name))
            except UnknownTeam as error:
                near += error.nearest
        if not meant:
            raise TeamNotFound(name, "any competition", list(dict.fromkeys(near))[:3], path="$.team")
        return sorted(meant)

    def _competition(self, code: str) -> Competition:
        return Competition(
            code, tuple(sorted(self._spans[code])), len(self._of_competition[code]), len(self._teams_in(code))
        )

    def _teams_in(self, code: str) -> set[str]:
        rows = (self.rows[position] for position in self._of_competition[code].tolist())
        return {team for row in rows for team in (row.home, row.away)}


def view_of(row: MatchRow) -> MatchView:
    """Return a stored match as callers see it."""
    return MatchView(
        match_id=row.match_id,
        competition=row.competition,
        season=row.season,
        kickoff=None if row.kickoff is None else dt.datetime.fromtimestamp(row.kickoff, tz=dt.UTC),
        is_date_only=row.is_date_only,
        home_team=team_name(row.home),
        away_team=team_name(row.away),
        status=row.status,
        is_neutral_venue=bool(row.neutral_venue),
        home_goals=row.home_goals,
        away_goals=row.away_goals,
    )


def _time(row: MatchRow) -> int:
    return UNDATED if row.kickoff is None else row.kickoff


def _by_kickoff(row: MatchRow) -> tuple[int, str]:
    return _time(row), row.match_id


def _grouped(keys: Iterable[tuple[str, ...]]) -> Mapping[str, Positions]:
    groups: dict[str, list[int]] = defaultdict(list)
    for position, names in enumerate(keys):
        for name in names:
            groups[name].append(position)
    return {name: np.array(positions, dtype=np.int64) for name, positions in groups.items()}


def _spans(rows: Iterable[MatchRow]) -> dict[str, dict[str, tuple[int, int]]]:
    """Return the first and last day of each season of each competition; UNDATED twice for one without any date."""
    spans: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in rows:
        seasons = spans[row.competition]
        if row.kickoff is None:
            seasons.setdefault(row.season, (UNDATED, UNDATED))
            continue
        day = row.kickoff // SECONDS_PER_DAY
        first, last = seasons.get(row.season, (day, day))
        seasons[row.season] = (min(first, day), max(last, day))
    return dict(spans)
