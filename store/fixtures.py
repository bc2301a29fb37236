"""The fixtures that an unfinished season must still have, though no source has told them."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import NamedTuple

import sqlalchemy as sa

from store.database import writing
from store.errors import NotARoundRobin
from store.identity import match_id
from store.merging import DERIVED, Row
from store.records import Status
from store.schema import STATISTICS, matches, state


class Fixture(NamedTuple):
    """Name one derived fixture."""

    match_id: str
    home: str
    away: str


def complete_round_robin(engine: sa.Engine, competition: str, season: str) -> list[Fixture]:
    """Add the pairings of a double round robin that the store lacks, as scheduled and without a date.

    Every team meets every other once at home and once away. Calling again adds nothing.

    Returns:
        The fixtures that were added, by match id.

    Raises:
        NotARoundRobin: If the season has fewer than two teams, or some pairing more than once at the same ground.
    """
    with writing(engine) as connection:
        revision = connection.execute(sa.select(state.c.revision).with_for_update()).scalar_one()
        query = sa.select(matches.c.home, matches.c.away, matches.c.leg, matches.c.source_home, matches.c.source_away)
        here = sa.and_(matches.c.competition == competition, matches.c.season == season)
        stored = connection.execute(query.where(here)).all()
        _check(competition, season, Counter((row.home, row.away) for row in stored))
        source_name = dict(
            pair for row in stored for pair in ((row.home, row.source_home), (row.away, row.source_away))
        )
        missing = sorted(set(permutations(source_name, 2)) - {(row.home, row.away) for row in stored})
        rows = [_row(competition, season, home, away, source_name) for home, away in missing]
        if rows:
            connection.execute(sa.insert(matches), [row | {"changed_at": revision + 1} for row in rows])
            connection.execute(sa.update(state).values(revision=revision + 1))
    return sorted(Fixture(str(row["match_id"]), str(row["home"]), str(row["away"])) for row in rows)


def _check(competition: str, season: str, meetings: Counter[tuple[str, str]]) -> None:
    name = f"{competition} {season}"
    if not meetings:
        raise NotARoundRobin(f"{name} has no matches in the store; ingest some first.")
    (home, away), most = meetings.most_common(1)[0]
    if most > 1:
        raise NotARoundRobin(
            f"{name} is no double round robin: {home} has {most} matches at home to {away}, expected 1 at most. "
            "Ingest its fixtures from a source instead."
        )


def _row(competition: str, season: str, home: str, away: str, source_name: dict[str, str]) -> Row:
    return dict.fromkeys(STATISTICS) | {
        "match_id": match_id(competition, season, home, away, 1),
        "competition": competition,
        "season": season,
        "leg": 1,
        "kickoff": None,
        "is_date_only": True,
        "home": home,
        "away": away,
        "status": Status.SCHEDULED.value,
        "neutral_venue": False,
        "source": DERIVED,
        "source_home": source_name[home],
        "source_away": source_name[away],
        "origin": "a pairing of the double round robin that no source has told",
    }
