"""Which club a source's name means.

A name resolves exactly, or by a folded form that only one club of the
association has; never by similarity. ``aliases.csv`` ships the names that we
looked at; the store adds the clubs it has met and what operators declared.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import chain, starmap
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from features.matches import association_of
from store.countries import CONTINENTS, association_of_country, is_in_europe
from store.database import writing
from store.errors import StoreError, UnknownTeam
from store.names import core, folded, nearest
from store.schema import aliases, state, teams

_SHIPPED = Path(__file__).with_name("aliases.csv")
_COUNTRY = re.compile(r"^(?P<name>.+?)\s*(?:\((?P<bracket>[A-Z]{3})\)|›\s*.*?\((?P<arrow>[A-Z]{3})\))\s*$")


class Alias(NamedTuple):
    """Say that a name, as some source writes it, means a team."""

    association: str
    name: str
    team: str


class TeamDirectory:
    """Hold every name that means a team, by association.

    Later aliases win over earlier ones of the same spelling, so that an operator can correct what is shipped.
    """

    def __init__(self, names: Iterable[Alias] = ()) -> None:
        self._exact: dict[str, dict[str, str]] = defaultdict(dict)
        self._folded: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._canonical: dict[str, set[str]] = defaultdict(set)
        for alias in names:
            self.add(alias)

    def add(self, alias: Alias) -> None:
        """Learn one more name of a team."""
        association, name, team = alias
        self._exact[association][name] = team
        self._folded[association][folded(name)].add(team)
        self._folded[association][core(name)].add(team)
        home, _, canonical = team.partition(":")
        self._canonical[home].add(canonical)

    def canonical_names(self, association: str) -> set[str]:
        """Return the canonical names of an association."""
        return set(self._canonical.get(association, ()))

    def resolve(self, competition: str, name: str) -> str:
        """Return the team id that a name means in a competition.

        In a continental competition the country comes with the name, as in ``"Real Madrid (ESP)"``; without it the
        name must mean one team in all of Europe.

        Raises:
            UnknownTeam: If the name means no team, or more than one.
        """
        found = self.meaning(competition, name)
        if found is None:
            association, bare = association_and_name(competition, name)
            raise UnknownTeam(bare, association, nearest(bare, self._near_candidates(association)))
        return found

    def meaning(self, competition: str, name: str) -> str | None:
        """Return the team id that ``resolve`` does, None where it would raise."""
        association, bare = association_and_name(competition, name)
        return self._everywhere(bare) if association in CONTINENTS else self._within(association, bare)

    def _within(self, association: str, name: str) -> str | None:
        exact = self._exact.get(association, {}).get(name)
        if exact is not None:
            return exact
        spellings = self._folded.get(association, {})
        for form in (folded(name), core(name)):
            meant = spellings.get(form, ())
            if len(meant) == 1:
                return next(iter(meant))
        return None

    def _everywhere(self, name: str) -> str | None:
        exact = {names[name] for place, names in self._exact.items() if is_in_europe(place) and name in names}
        meant = exact or {self._within(place, name) for place in list(self._exact) if is_in_europe(place)} - {None}
        return next(iter(meant)) if len(meant) == 1 else None

    def _near_candidates(self, association: str) -> set[str]:
        if association in CONTINENTS:
            return set().union(*(names for place, names in self._canonical.items() if is_in_europe(place)))
        return self.canonical_names(association)


def association_and_name(competition: str, name: str) -> tuple[str, str]:
    """Split what a source writes into association and name.

    >>> association_and_name("uefa.cl", "Real Madrid (ESP)"), association_and_name("de.1", "SC Freiburg")
    (('es', 'Real Madrid'), ('de', 'SC Freiburg'))
    """
    association = association_of(competition)
    found = _COUNTRY.match(name) if association in CONTINENTS else None
    if found is None:
        return association, name.strip()
    return association_of_country(found["bracket"] or found["arrow"]), found["name"]


@lru_cache(maxsize=1)
def shipped_aliases() -> tuple[Alias, ...]:
    """Return the names of aliases.csv; a row whose alias is the canonical name declares a club."""
    with _SHIPPED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(Alias(row["association"], row["alias"], f"{row['association']}:{row['canonical']}") for row in rows)


def load_directory(connection: sa.Connection, associations: Collection[str] | None = None) -> TeamDirectory:
    """Return the names known to this store: shipped ones, clubs it has met, and its own aliases.

    Args:
        connection: Inside a transaction.
        associations: Those whose names are needed; None, or a continental one among them, for all.
    """
    everything = associations is None or not CONTINENTS.isdisjoint(associations)
    chosen = frozenset(() if associations is None else associations)
    names = chain(shipped_aliases(), names_met(connection))
    return TeamDirectory(alias for alias in names if everything or alias.association in chosen)


def names_met(connection: sa.Connection) -> list[Alias]:
    """Return the names that this store adds to the shipped ones: clubs it has met, then its own aliases."""
    met = connection.execute(sa.select(teams.c.association, teams.c.name, teams.c.team).order_by(teams.c.team))
    own = connection.execute(sa.select(aliases.c.association, aliases.c.alias, aliases.c.team))
    return [*starmap(Alias, met), *starmap(Alias, own)]


def directory_of(met: Iterable[Alias]) -> TeamDirectory:
    """Return the directory of the shipped names and those that a store adds to them."""
    return TeamDirectory(chain(shipped_aliases(), met))


def add_team(engine: sa.Engine, association: str, name: str) -> str:
    """Declare a club of its own, whatever it looks like, and return its team id.

    Raises:
        StoreError: If the association or the name is empty or holds a colon.
    """
    team = _team_id(association, name)
    with writing(engine) as connection:
        insert_teams(connection, [team])
        _announce(connection)
    return team


def add_alias(engine: sa.Engine, association: str, name: str, canonical: str, *, source: str = "operator") -> str:
    """Declare that a name means a known club, and return that club's team id.

    Raises:
        UnknownTeam: If no club of the association has exactly the name ``canonical``.
    """
    _team_id(association, name)
    with writing(engine) as connection:
        directory = load_directory(connection)
        known = directory.canonical_names(association)
        if canonical not in known:
            raise UnknownTeam(canonical, association, nearest(canonical, known))
        team = f"{association}:{canonical}"
        insert_teams(connection, [team])
        same = sa.and_(aliases.c.association == association, aliases.c.alias == name)
        connection.execute(sa.delete(aliases).where(same))
        row = {"association": association, "alias": name, "team": team, "source": source}
        connection.execute(sa.insert(aliases).values(row))
        _announce(connection)
    return team


def _announce(connection: sa.Connection) -> None:
    """Move the revision, so that those who follow the store read the names again."""
    connection.execute(sa.update(state).values(revision=state.c.revision + 1))


def insert_teams(connection: sa.Connection, team_ids: Iterable[str]) -> list[str]:
    """Add the teams that the store does not have yet, and return them in order of their ids."""
    known = set(connection.execute(sa.select(teams.c.team)).scalars())
    new = sorted(set(team_ids) - known)
    if new:
        rows = [{"team": team, "association": team.partition(":")[0], "name": team.partition(":")[2]} for team in new]
        connection.execute(sa.insert(teams), rows)
    return new


def _team_id(association: str, name: str) -> str:
    if not association.strip() or not name.strip() or ":" in association:
        raise StoreError(
            f"A team needs an association and a name, such as 'de' and 'SC Freiburg'; "
            f"given {association!r} and {name!r}."
        )
    return f"{association}:{name}"
