"""The match store as one worker remembers it: every match in memory, found by id, competition, team or date.

Built from store reads in the background and never changed afterwards.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matches import SECONDS_PER_DAY, association_of, team_name
from runners.errors import CompetitionNotFound, MatchNotFound, TeamNotFound
from runners.places import Places
from runners.played import ROWS_IN_STEP
from runners.queries import Competition, MatchView, Page
from runners.season_names import season_on
from store.errors import UnknownTeam
from store.names import nearest
from store.reads import UNDATED, MatchRow, TeamRow
from store.teams import TeamDirectory

Positions = NDArray[np.int64]

_NOWHERE: Positions = np.empty(0, dtype=np.int64)


class Snapshot:
    """Hold matches ordered by kick-off, undated ones last.

    Never changed once made; ``followed`` makes the next one, which shares what has not changed.

    Attributes:
        rows: In that order.
        revision: Of the store when it was read.
        directory: What the names of teams mean.
    """

    def __init__(
        self, rows: Iterable[MatchRow], teams: Sequence[TeamRow], directory: TeamDirectory, revision: int
    ) -> None:
        self.rows = sorted(rows, key=_by_kickoff)
        self.revision = revision
        self.kickoffs = np.array([_time(row) for row in self.rows], dtype=np.int64)
        self._statuses = np.array([row.status for row in self.rows], dtype=object)
        self.directory = directory
        self._team_rows = teams
        self._position = Places().moved((), (row.match_id for row in self.rows), 0)
        self._of_competition = _grouped((row.competition,) for row in self.rows)
        self._of_team = _grouped((row.home, row.away) for row in self.rows)
        self._spans = _spans(self.rows)
        self._competitions = {code: self._competition(code) for code in sorted(self._of_competition)}

    def __len__(self) -> int:
        return len(self.rows)

    def followed(
        self, changes: Sequence[MatchRow], teams: Sequence[TeamRow], directory: TeamDirectory, revision: int
    ) -> Snapshot:
        """Return the snapshot once some matches have changed; the others are not looked at again."""
        after = copy(self)
        after._team_rows, after.directory, after.revision = teams, directory, revision  # noqa: SLF001 - one of its own kind
        staying: list[MatchRow] = []
        moving: list[MatchRow] = []
        for row in changes:
            position = self._position.get(row.match_id)
            (staying if position is not None and _place(row) == _place(self.rows[position]) else moving).append(row)
        after._replace(staying)
        after._move(moving)  # noqa: SLF001 - the same
        return after

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
            return self.directory.resolve(competition, name)
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

    def _replace(self, rows: Sequence[MatchRow]) -> None:
        """Exchange rows that stay where they are."""
        if not rows:
            return
        self.rows, self._statuses = self.rows[:], self._statuses.copy()
        for row in rows:
            position = self._position.get(row.match_id)
            assert position is not None, "a row that stays was there before"
            self.rows[position], self._statuses[position] = row, row.status

    def _move(self, moving: Sequence[MatchRow]) -> None:
        """Take rows from where they are, if anywhere, and put them where they belong."""
        if not moving:
            return
        known = (self._position.get(row.match_id) for row in moving)
        gone = sorted(position for position in known if position is not None)
        new = sorted(moving, key=_by_kickoff)
        at = [bisect_left(self.rows, _by_kickoff(row), key=_by_kickoff) for row in new]
        moves = Moves(len(self.rows), gone, at)
        left = [self.rows[position] for position in gone]
        self.rows = moves.applied(self.rows, new)
        tail = self.rows[moves.first :]
        self._position = self._position.moved(
            (row.match_id for row in left), (row.match_id for row in tail), moves.first
        )
        self.kickoffs = _joined(self.kickoffs[: moves.first], (_time(row) for row in tail))
        self._statuses = _joined(self._statuses[: moves.first], (row.status for row in tail))
        self._of_competition = moves.groups(self._of_competition, left, new, lambda row: (row.competition,))
        self._of_team = moves.groups(self._of_team, left, new, lambda row: (row.home, row.away))
        self._count({row.competition for row in (*left, *new)})

    def _count(self, codes: Iterable[str]) -> None:
        """Count the seasons, matches and teams of competitions anew."""
        self._spans = {code: seasons for code, seasons in self._spans.items() if code in self._of_competition}
        for code in codes:
            if code in self._of_competition:
                self._spans |= _spans(self.rows[position] for position in self._of_competition[code].tolist())
        kept = {code: one for code, one in self._competitions.items() if code not in codes}
        counted = {code: self._competition(code) for code in codes if code in self._of_competition}
        self._competitions = dict(sorted({**kept, **counted}.items()))

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
        there = list(dict.fromkeys(association_of(code) for code in self._competitions))
        meant = {team for code in there if (team := self.directory.meaning(f"{code}.", name)) is not None}
        if not meant:
            known = set[str]().union(*map(self.directory.canonical_names, there))
            raise TeamNotFound(name, "any competition", nearest(name, known), path="$.team")
        return sorted(meant)

    def _competition(self, code: str) -> Competition:
        return Competition(
            code, tuple(sorted(self._spans[code])), len(self._of_competition[code]), len(self._teams_in(code))
        )

    def _teams_in(self, code: str) -> set[str]:
        rows = (self.rows[position] for position in self._of_competition[code].tolist())
        return {team for row in rows for team in (row.home, row.away)}


class Moves:
    """Hold which of n positions are vacated, and before which ones something is put.

    Attributes:
        gone: Positions vacated, ascending.
        at: Positions before which one thing each is put, ascending; n is the end.
        first: All before stays where it is.
    """

    def __init__(self, count: int, gone: Sequence[int], at: Sequence[int]) -> None:
        self.gone, self.at = gone, at
        self.first = min([*gone[:1], *at[:1]])
        shifts = np.zeros(count + 1, dtype=np.int64)
        np.add.at(shifts, list(at), 1)
        np.subtract.at(shifts, [position + 1 for position in gone], 1)
        self._new = np.arange(count + 1) + np.cumsum(shifts)  # where each old position ends up
        vacated = np.searchsorted(gone, at)
        self.put = [
            place - int(before) + number for number, (place, before) in enumerate(zip(at, vacated, strict=True))
        ]

    def applied(self, old: list[MatchRow], new: Sequence[MatchRow]) -> list[MatchRow]:
        """Return the things at their new positions."""
        after: list[MatchRow] = []
        start = 0
        steps: list[tuple[int, int, MatchRow | None]] = [(position, 1, None) for position in self.gone]
        steps += [(position, 0, thing) for position, thing in zip(self.at, new, strict=True)]
        for position, skipped, thing in sorted(steps, key=lambda step: step[:2]):
            _extend(after, old, start, position)
            if thing is not None:
                after.append(thing)
            start = position + skipped
        _extend(after, old, start, len(old))
        return after

    def groups(
        self,
        groups: Mapping[str, Positions],
        left: Sequence[MatchRow],
        new: Sequence[MatchRow],
        names: Callable[[MatchRow], tuple[str, ...]],
    ) -> Mapping[str, Positions]:
        """Return groups of positions after the moves; those that only lie before them are shared."""
        taken = _grouped_at(self.gone, left, names)
        given = _grouped_at(self.put, new, names)
        after = {}
        for name in [*groups, *(name for name in given if name not in groups)]:
            positions = groups.get(name, _NOWHERE)
            if name in taken:
                positions = np.setdiff1d(positions, taken[name], assume_unique=True)
            if len(positions) and positions[-1] >= self.first:
                positions = self._new[positions]
            if name in given:
                positions = np.union1d(positions, given[name])
            if len(positions):
                after[name] = positions
        return after


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


def _place(row: MatchRow) -> tuple[object, ...]:
    """Return what decides where a match stands and which groups it is in."""
    return row.kickoff, row.competition, row.season, row.home, row.away


def _extend(after: list[MatchRow], old: list[MatchRow], start: int, end: int) -> None:
    for first in range(start, end, ROWS_IN_STEP):
        after.extend(old[first : min(end, first + ROWS_IN_STEP)])


def _joined(head: NDArray[Any], tail: Iterable[Any]) -> NDArray[Any]:
    # From an iterator, which lets other threads run in between.
    return np.concatenate([head, np.fromiter(tail, dtype=head.dtype)])


def _grouped_at(
    positions: Iterable[int], rows: Iterable[MatchRow], names: Callable[[MatchRow], tuple[str, ...]]
) -> Mapping[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for position, row in zip(positions, rows, strict=True):
        for name in names(row):
            groups[name].append(position)
    return groups


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
