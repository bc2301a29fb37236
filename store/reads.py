"""Reading the match store: the table that models learn from, and the rows that people look at."""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from features.matches import MatchTable
from store.database import reading
from store.records import Status
from store.schema import matches, state, teams

UNDATED = 2**62
"""Kick-off of a fixture without a date in a match table: after every date there is, so that it is never the past."""

_ROWS_AT_A_TIME: Final = 2_000
_BEGINNING: Final = 4
_TABLE = ("match_id", "competition", "season", "kickoff", "home", "away")
_FLAGS_AND_NUMBERS = ("home_goals", "away_goals", "home_xg", "away_xg", "odds_home", "odds_draw", "odds_away")


class MatchRow(NamedTuple):
    """Show one match as stored; ``kickoff`` in seconds since 1970-01-01 UTC, None for a fixture without a date."""

    match_id: str
    competition: str
    season: str
    kickoff: int | None
    is_date_only: bool
    home: str
    away: str
    status: str
    home_goals: int | None
    away_goals: int | None
    neutral_venue: bool
    source_home: str
    source_away: str
    odds_home: float | None = None
    odds_draw: float | None = None
    odds_away: float | None = None


class CompetitionRow(NamedTuple):
    """Show one competition of the store: its seasons in order, its numbers of matches and teams."""

    code: str
    seasons: tuple[str, ...]
    matches: int
    teams: int


class TeamRow(NamedTuple):
    """Show one team of the store."""

    team: str
    association: str
    name: str


class Standing(NamedTuple):
    """Tell a store from one made in its place, and its revisions from each other."""

    store_id: str
    revision: int


def read_matches(
    engine: sa.Engine, *, competitions: Sequence[str] | None = None, changed_after: int | None = None
) -> MatchTable:
    """Return matches ordered by kick-off, then match id; fixtures without a date come last, at ``UNDATED``.

    Goals and xG are NaN for every status but played: an awarded or abandoned score says nothing of strength.

    Args:
        engine: From ``open_store``.
        competitions: Codes such as ``"de.1"``; None for all.
        changed_after: Only matches touched after that revision; None for all.
    """
    kickoff = sa.func.coalesce(matches.c.kickoff, UNDATED)
    columns = [kickoff if name == "kickoff" else matches.c[name] for name in _TABLE]
    numbers = [matches.c[name] for name in _FLAGS_AND_NUMBERS]
    query = sa.select(*columns, matches.c.status, matches.c.neutral_venue, *numbers)
    query = query.where(*_chosen(competitions, changed_after)).order_by(kickoff, matches.c.match_id)
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    names = (*_TABLE, "status", "neutral_venue", *_FLAGS_AND_NUMBERS)
    return _table_of(dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True)))


def dated(table: MatchTable) -> NDArray[np.bool_]:
    """Return which matches have a date. Shape (n,)."""
    return np.asarray(table.kickoff != UNDATED)


def read_everything(engine: sa.Engine) -> tuple[list[MatchRow], MatchTable]:
    """Return every match as ``read_directory`` does and as ``read_matches`` does, read once.

    Their texts are shared, those of the rows among each other and with the table.
    """
    names = (*MatchRow._fields, "home_xg", "away_xg")
    rows: list[MatchRow] = []
    tables: list[MatchTable] = []
    for columns in _in_parts(engine, names, None):
        rows += map(MatchRow._make, zip(*columns[: len(MatchRow._fields)], strict=True))
        named = dict(zip(names, columns, strict=True))
        named["kickoff"] = [UNDATED if moment is None else moment for moment in named["kickoff"]]
        tables.append(_table_of(named))
    return rows, MatchTable.concatenate(tables) if tables else _table_of(dict.fromkeys(names, ()))


def read_closing_odds(engine: sa.Engine) -> dict[str, tuple[float, float, float]]:
    """Return the last decimal odds before kick-off (home, draw, away) by match id, where the store has all three.

    They are for looking back at forecasts. A match table does not hold them, so that no model can learn from them.
    """
    odds = [matches.c[name] for name in ("closing_home", "closing_draw", "closing_away")]
    query = sa.select(matches.c.match_id, *odds).where(*(column.is_not(None) for column in odds))
    with reading(engine) as connection:
        return {match_id: (home, draw, away) for match_id, home, draw, away in connection.execute(query)}


def read_directory(engine: sa.Engine) -> list[MatchRow]:
    """Return every match for people to look at, by kick-off (undated last), then match id."""
    return _rows(engine, None)


def changes_since(engine: sa.Engine, revision: int) -> list[MatchRow]:
    """Return the matches touched after a revision, in the same order."""
    return _rows(engine, revision)


def revision(engine: sa.Engine) -> int:
    """Return the number that moves with every change; cheap enough to ask every second.

    Ask for it *before* reading rows: they are then at least as new as the number.
    """
    return standing(engine).revision


def standing(engine: sa.Engine) -> Standing:
    """Return which store this is, and its revision."""
    with reading(engine) as connection:
        store_id, number = connection.execute(sa.select(state.c.store_id, state.c.revision)).one()
    return Standing(store_id, int(number))


def read_competitions(engine: sa.Engine) -> list[CompetitionRow]:
    """Return the competitions of the store, by code."""
    names = sa.union(
        sa.select(matches.c.competition, matches.c.home.label("team")),
        sa.select(matches.c.competition, matches.c.away.label("team")),
    ).subquery()
    with reading(engine) as connection:
        seasons = connection.execute(
            sa.select(matches.c.competition, matches.c.season, sa.func.count())
            .group_by(matches.c.competition, matches.c.season)
            .order_by(matches.c.competition, matches.c.season)
        ).all()
        counts = sa.select(names.c.competition, sa.func.count()).group_by(names.c.competition)
        n_teams: dict[str, int] = dict(map(tuple, connection.execute(counts)))
    codes = sorted({code for code, _, _ in seasons})
    return [
        CompetitionRow(
            code,
            tuple(season for other, season, _ in seasons if other == code),
            sum(number for other, _, number in seasons if other == code),
            n_teams[code],
        )
        for code in codes
    ]


def read_teams(engine: sa.Engine, competition: str | None = None) -> list[TeamRow]:
    """Return the teams of the store, or those that played in one competition, by team id."""
    query = sa.select(teams.c.team, teams.c.association, teams.c.name).order_by(teams.c.team)
    if competition is not None:
        there = matches.c.competition == competition
        query = query.where(
            teams.c.team.in_(sa.union(sa.select(matches.c.home).where(there), sa.select(matches.c.away).where(there)))
        )
    with reading(engine) as connection:
        return [TeamRow(*row) for row in connection.execute(query)]


def data_digest(table: MatchTable) -> str:
    """Return the SHA-256 of the played matches, in hex; their order in the table does not matter.

    It covers identity, kick-off, teams, venue, goals, xG and odds: all that a model can learn from.
    """
    played = table.take(table.played)
    names = ("match_id", "competition", "season", "kickoff", "home", "away", "neutral", *_FLAGS_AND_NUMBERS)
    alike: dict[str, list[str]] = defaultdict(list)  # by their beginning; one sort of all would hold up other threads
    for first in range(0, len(played), _ROWS_AT_A_TIME):
        columns = [getattr(played, name)[first : first + _ROWS_AT_A_TIME].tolist() for name in names]
        for row in zip(*columns, strict=True):
            line = "|".join(map(repr, row))
            alike[line[:_BEGINNING]].append(line)
    lines = [line for beginning in sorted(alike) for line in sorted(alike[beginning])]
    digest = hashlib.sha256()
    for first in range(0, len(lines), _ROWS_AT_A_TIME):  # all lines in one text would take as much again
        part = "\n".join(lines[first : first + _ROWS_AT_A_TIME])
        digest.update((part if first == 0 else f"\n{part}").encode())
    return digest.hexdigest()


def _table_of(columns: Mapping[str, Sequence[Any]]) -> MatchTable:
    """Return a table of columns by name; goals and xG are left out where a match was not played."""
    is_played = np.array([name == Status.PLAYED for name in columns["status"]], dtype=bool)
    numeric = {name: np.array(columns[name], dtype=np.float64) for name in _FLAGS_AND_NUMBERS}
    for name in ("home_goals", "away_goals", "home_xg", "away_xg"):
        numeric[name] = np.where(is_played, numeric[name], np.nan)
    return MatchTable.from_columns(
        match_id=columns["match_id"],
        competition=columns["competition"],
        season=columns["season"],
        kickoff=columns["kickoff"],
        home=columns["home"],
        away=columns["away"],
        neutral=np.array(columns["neutral_venue"], dtype=bool),
        **numeric,
    )


def _rows(engine: sa.Engine, changed_after: int | None) -> list[MatchRow]:
    parts = _in_parts(engine, MatchRow._fields, changed_after)
    return [MatchRow._make(row) for columns in parts for row in zip(*columns, strict=True)]


def _in_parts(engine: sa.Engine, names: Sequence[str], changed_after: int | None) -> Iterator[list[Sequence[Any]]]:
    """Yield columns of the matches by kick-off (undated last), then match id, some rows at a time.

    All rows as they come take four times the memory of these, whose repeating texts are shared at once.
    """
    query = sa.select(*(matches.c[name] for name in names)).where(*_chosen(None, changed_after))
    query = query.order_by(sa.func.coalesce(matches.c.kickoff, UNDATED), matches.c.match_id)
    with reading(engine) as connection:
        told = connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})
        for part in told.partitions():
            yield [_interned(column) for column in zip(*part, strict=True)]


def _interned(column: Sequence[Any]) -> Sequence[Any]:
    return [sys.intern(value) for value in column] if type(column[0]) is str else column


def _chosen(competitions: Sequence[str] | None, changed_after: int | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if competitions is not None:
        conditions.append(matches.c.competition.in_(competitions))
    if changed_after is not None:
        conditions.append(matches.c.changed_at > changed_after)
    return conditions
