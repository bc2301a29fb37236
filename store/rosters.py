"""The clubs of one season of one competition, as the rows of a batch name them.

All names are settled together, so that the order of the rows decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from store.countries import CONTINENTS
from store.errors import UnknownTeam
from store.names import nearest, resembles
from store.records import MatchRecord
from store.teams import Alias, TeamDirectory, association_and_name


@dataclass(frozen=True, slots=True)
class Roster:
    """Say which team each name means, and why the other names mean none."""

    team_of: Mapping[str, str]
    problems: Mapping[str, str]


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

    A new club may be registered if its name resembles no known club, save those that the same rows show to be
    another one: they meet, or both play on one day.
    """
    diaries = _diaries(records)
    competition = records[0].competition
    team_of: dict[str, str] = {}
    unknown: dict[str, UnknownTeam] = {}
    for name in diaries:
        try:
            team_of[name] = directory.resolve(competition, name)
        except UnknownTeam as error:
            unknown[name] = error
    problems = _collisions(team_of, diaries)
    for name in problems:
        del team_of[name]
    if not may_register:
        return Roster(team_of, problems | {name: str(error) for name, error in unknown.items()})
    return _register(directory, competition, team_of, problems, unknown, diaries)


def _register(
    directory: TeamDirectory,
    competition: str,
    team_of: dict[str, str],
    problems: dict[str, str],
    unknown: Mapping[str, UnknownTeam],
    diaries: Mapping[str, _Diary],
) -> Roster:
    new: dict[str, Alias] = {}
    for name in sorted(unknown):
        association, bare = association_and_name(competition, name)
        rivals = _unsettled(directory, association, name, bare, team_of, unknown, diaries, competition)
        if association in CONTINENTS:
            problems[name] = str(unknown[name])
        elif rivals:
            problems[name] = str(UnknownTeam(bare, association, nearest(bare, rivals)))
        else:
            new[name] = Alias(association, bare, f"{association}:{bare}")
    for name, alias in new.items():
        directory.add(alias)
        team_of[name] = alias.team
    return Roster(team_of, problems)


def _unsettled(
    directory: TeamDirectory,
    association: str,
    name: str,
    bare: str,
    team_of: Mapping[str, str],
    unknown: Mapping[str, UnknownTeam],
    diaries: Mapping[str, _Diary],
    competition: str,
) -> set[str]:
    """Return the clubs and the other new names that this name resembles and that nothing shows to be another club."""
    others = [other for other in diaries if other != name and _plainly_two(name, other, diaries)]
    apart = {team_of[other] for other in others if other in team_of}
    rivals = {
        known
        for known in directory.canonical_names(association)
        if f"{association}:{known}" not in apart and resembles(bare, known)
    }
    for other in unknown:
        place, other_bare = association_and_name(competition, other)
        if other != name and place == association and other not in others and resembles(bare, other_bare):
            rivals.add(other_bare)
    return rivals


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
