"""Forecasts that were made before their matches were played, kept to be compared with what happened.

A forecast is a pure function of the match, the model, the results that were known, and the day. So that is its key:
whoever computes it again, in whichever worker, adds nothing, and a write that is repeated after a crash counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from store.database import reading, writing
from store.schema import matches

_metadata = sa.MetaData()
_KEY: Final = ("match_id", "model_name", "model_version", "state_version", "day")
SECONDS_PER_DAY: Final = 86_400


class KeptForecast(NamedTuple):
    """Hold what was said of a match that was still to be played.

    Attributes:
        state_version: Digest of the results that were known.
        day: On which it was computed; days since 1970-01-01.
        computed_at: Seconds since 1970-01-01, UTC.
        kickoff: As it was known then; None without a date.
        over_2_5, both_score: Probabilities, off the same score grid.
        is_degraded: Whether the answer rested on less than it should.
    """

    match_id: str
    model_name: str
    model_version: str
    state_version: str
    day: int
    computed_at: int
    kickoff: int | None
    home: float
    draw: float
    away: float
    over_2_5: float
    both_score: float
    is_degraded: bool


@dataclass(frozen=True, slots=True)
class Met:
    """Hold a forecast beside what became of its match.

    Attributes:
        competition, kickoff, status: Of the match as the store has it now.
        home_goals, away_goals: None unless it was played.
    """

    forecast: KeptForecast
    competition: str
    kickoff: int | None
    status: str
    home_goals: int | None
    away_goals: int | None


_KINDS: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "str": sa.Text(),
    "int": sa.BigInteger(),
    "int | None": sa.BigInteger(),
    "float": sa.Double(),
    "bool": sa.Boolean(),
}
forecasts = sa.Table(
    "forecasts",
    _metadata,
    *(
        sa.Column(
            name,
            _KINDS[kind.__forward_arg__],
            primary_key=name in _KEY,
            autoincrement=False,
            nullable="None" in kind.__forward_arg__,
        )
        for name, kind in KeptForecast.__annotations__.items()
    ),
)
_SQLITE: Final = (
    f"INSERT INTO forecasts ({', '.join(KeptForecast._fields)}) VALUES ({', '.join('?' * len(KeptForecast._fields))}) "  # noqa: S608 - names of ours
    "ON CONFLICT DO NOTHING"
)
sa.Index("forecasts_by_day", forecasts.c.day)


def ensure_forecasts(engine: sa.Engine) -> None:
    """Make the table where it is missing; a store of any age gains it, and older programs do not look at it."""
    with reading(engine) as connection:
        is_there = sa.inspect(connection).has_table(forecasts.name)
    if not is_there:
        with writing(engine) as connection:
            _metadata.create_all(connection)


def keep_forecasts(engine: sa.Engine, kept: Sequence[KeptForecast]) -> int:
    """Write forecasts that are not there yet, all or none; return how many that were."""
    if not kept:
        return 0
    with writing(engine) as connection:
        if (
            engine.dialect.name == "sqlite"
        ):  # rows as they are, in a third of the time; a worker logs as fast as it answers
            return connection.exec_driver_sql(_SQLITE, list(map(tuple, kept))).rowcount
        statement = postgresql.insert(forecasts).on_conflict_do_nothing(index_elements=list(_KEY))
        return connection.execute(statement, [one._asdict() for one in kept]).rowcount


def forget_forecasts(engine: sa.Engine, *, before_day: int) -> int:
    """Remove what was computed before a day; return how many that were."""
    with writing(engine) as connection:
        return connection.execute(sa.delete(forecasts).where(forecasts.c.day < before_day)).rowcount


def met_forecasts(engine: sa.Engine, *, model_name: str | None = None, since_day: int | None = None) -> list[Met]:
    """Return forecasts beside what became of their matches, by kick-off; none where nothing was ever kept.

    Args:
        model_name: Of this model only.
        since_day: Computed on this day or later.
    """
    ensure_forecasts(engine)
    told = (matches.c.competition, matches.c.kickoff, matches.c.status, matches.c.home_goals, matches.c.away_goals)
    query = (
        sa.select(*forecasts.c, *(column.label(f"match_{column.name}") for column in told))
        .join(matches, matches.c.match_id == forecasts.c.match_id)
        .order_by(matches.c.kickoff, forecasts.c.match_id, forecasts.c.computed_at)
    )
    if model_name is not None:
        query = query.where(forecasts.c.model_name == model_name)
    if since_day is not None:
        query = query.where(forecasts.c.day >= since_day)
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    own = len(forecasts.c)
    return [_met(KeptForecast(*row[:own]), row[own:]) for row in rows]


def _met(forecast: KeptForecast, match: Sequence[object]) -> Met:
    competition, kickoff, status, home_goals, away_goals = match
    is_played = status == "played"
    return Met(
        forecast,
        str(competition),
        None if kickoff is None else int(str(kickoff)),
        str(status),
        int(str(home_goals)) if is_played else None,
        int(str(away_goals)) if is_played else None,
    )
