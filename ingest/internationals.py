"""Men's internationals since 1872 (results.csv, CC0).

Each tournament is a competition ``int.<its name>``, each calendar year a season.
Scores include extra time where it was played, and the file does not mark it:
knock-out matches of tournaments may show more goals than 90 minutes gave.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from ingest.cells import count, iso_day
from ingest.csv_table import Fields, read_table
from ingest.errors import RowRefused
from ingest.seasons import season_of
from ingest.timezones import kickoff_of
from store.records import MatchRecord, Status
from store.rejects import Reject

SOURCE = "internationals"

_REQUIRED = ("date", "home_team", "away_team", "home_score", "away_score", "tournament", "neutral")
_NEUTRAL = {"true": True, "false": False}

# How the file writes the score of a match that is still to come.
_UNPLAYED = {"", "NA"}


def read(data: bytes, origin: str) -> Iterator[MatchRecord | Reject]:
    """Read results.csv; rows whose score is empty or NA are fixtures."""
    return read_table(data, origin, required=_REQUIRED).records(_record)


@lru_cache(maxsize=1024)
def competition_of(tournament: str) -> str:
    """Return the competition code of a tournament.

    Raises:
        RowRefused: If the name has no letter.

    >>> competition_of("Copa América"), competition_of("FIFA World Cup qualification")
    ('int.copa-america', 'int.fifa-world-cup-qualification')
    """
    plain = unicodedata.normalize("NFKD", tournament).encode("ascii", "ignore").decode().lower().replace("'", "")
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not slug:
        raise RowRefused(f"tournament {tournament!r} has no name")
    return f"int.{slug}"


def _record(cells: Fields, origin: str) -> MatchRecord:
    day = iso_day(cells["date"])
    competition = competition_of(cells["tournament"])
    home_goals, away_goals = (
        None if cells[name] in _UNPLAYED else count(cells[name], name) for name in ("home_score", "away_score")
    )
    if cells["neutral"].lower() not in _NEUTRAL:
        raise RowRefused(f"neutral is {cells['neutral']!r}; expected TRUE or FALSE")
    kickoff, is_date_only = kickoff_of(day, None, None)
    return MatchRecord(
        competition=competition,
        season=season_of(competition, day),
        kickoff=kickoff,
        is_date_only=is_date_only,
        home=cells["home_team"],
        away=cells["away_team"],
        status=Status.SCHEDULED if home_goals is None else Status.PLAYED,
        home_goals=home_goals,
        away_goals=away_goals,
        is_neutral_venue=_NEUTRAL[cells["neutral"].lower()],
        source=SOURCE,
        origin=origin,
    )
