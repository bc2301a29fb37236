"""The clubs of one season of one competition, as the rows of a batch name them.

All names are settled together, so that the order of the rows decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from features.matches import association_of, team_name
from store.countries import CONTINENTS
from store.errors import UnknownTeam
from store.names import nearest, resembles
from store.records import MatchRecord
from store.teams import Alias, TeamDirectory


@dataclass(frozen=True, slots=True)
class Roster:
    """Say which team each name means, and why the other names mean none."""

    team_of: Mapping[str, str]
    problems: Mapping[str, str]

    def problem_of(self, record: MatchRecord) -> str | None:
        """Say why a record's names are not two teams, or return None."""
        problem = self.problems.get(record.home) or self.problems.get(record.away)
        if problem is None and self.team_of[record.home] == self.team_of[record.away]:
            problem = f"{record.home!r} and {record.away!r} both mean {self.team_of[record.home]!r}"
        return problem


@dataclass(slots=True)
class _Diary:
    """Hold on which days a name plays, and against whom: two names that meet, or play on one day, are two clubs."""

    opponents: set[str] = field(default_factory=set)
    opponent_on: dict[int, str] = field(default_factory=dict)

    def shows_another(self, other: _Diary) -> bool:
        """Say whether both play on some day, and not the same match under two spellings."""
        common = self.opponent_on.keys() & other.opponent_on.keys()
        return any(self.opponent_on[day] != other.opponent_on[day] for day in common)


def settle_roster(directory: TeamDirectory, records: Sequence[MatchRecord], *, may_register: bool) -> Roster:
    """Resolve the names of records of one competition and season; learn its new clubs where that is allowed.

    A new club may be registered if its name resembles no known club and no other new one, save those that the same
    rows show to be another club: they meet, or both play on one day.
    """
    diaries = _diaries(records)
    competition = records[0].competition
    team_of: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name in diaries:
        try:
            team_of[name] = directory.resolve(competition, name)
        except UnknownTeam as error:
            problems[name] = str(error)
    collisions = _collisions(team_of, diaries)
    if may_register and association_of(competition) not in CONTINENTS:
        _register(_Newcomers(directory, association_of(competition), team_of, frozenset(problems), diaries), problems)
    settled = {name: team for name, team in team_of.items() if name not in collisions}
    return Roster(settled, problems | collisions)


@dataclass(frozen=True, slots=True)
class _Newcomers:
    """Hold the names that mean no known club, and all that helps to tell whether they are clubs of their own."""

    directory: TeamDirectory
    association: str
    team_of: dict[str, str]
    names: frozenset[str]
    diaries: Mapping[str, _Diary]

    def rivals(self, name: str) -> set[str]:
        """Return the known clubs and other new names that a name resembles and that nothing shows to be others."""
        others = {other for other in self.diaries if other != name and _plainly_two(name, other, self.diaries)}
        apart = {team_name(self.team_of[other]) for other in others if other in self.team_of}
        near = self.directory.canonical_names(self.association) - apart | self.names - others - {name}
        return {rival for rival in near if resembles(name, rival)}


def _register(newcomers: _Newcomers, problems: dict[str, str]) -> None:
    rivals = {name: newcomers.rivals(name) for name in newcomers.names}
    for name, near in rivals.items():
        if near:
            problems[name] = str(UnknownTeam(name, newcomers.association, nearest(name, near)))
            continue
        team = f"{newcomers.association}:{name}"
        newcomers.directory.add(Alias(newcomers.association, name, team))
        newcomers.team_of[name] = team
        del problems[name]


def _collisions(team_of: Mapping[str, str], diaries: Mapping[str, _Diary]) -> dict[str, str]:
    names_of: dict[str, list[str]] = defaultdict(list)
    for name, team in team_of.items():
        names_of[team].append(name)
    return {
        name: f"{name!r} and {other!r} both mean {team!r}, but they are two clubs here: they meet, or play on one day."
        " Declare one of them: football teams add ASSOCIATION NAME"
        for team, names in names_of.items()
        for name in names
        for other in names
        if name != other and _plainly_two(name, other, diaries)
    }


def _plainly_two(one: str, other: str, diaries: Mapping[str, _Diary]) -> bool:
    return other in diaries[one].opponents or diaries[one].shows_another(diaries[other])


def _diaries(records: Sequence[MatchRecord]) -> dict[str, _Diary]:
    diaries: dict[str, _Diary] = defaultdict(_Diary)
    for record in records:
        diaries[record.home].opponents.add(record.away)
        diaries[record.away].opponents.add(record.home)
        if record.kickoff is not None:
            day = record.kickoff.toordinal()
            diaries[record.home].opponent_on[day] = record.away
            diaries[record.away].opponent_on[day] = record.home
    return dict(diaries)
