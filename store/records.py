"""One match as a source tells it, before its teams are resolved.

A record carries what the source said and where it said it; it is checked
when it is made, so that nothing impossible travels further.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """Say what became of a fixture; only ``PLAYED`` has goals that models may learn from."""

    SCHEDULED = "scheduled"
    PLAYED = "played"
    POSTPONED = "postponed"
    AWARDED = "awarded"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Hold what else a source knows of a match; every field may be unknown (None).

    Odds are decimal. ``odds_*`` were on offer before kick-off, ``closing_*``
    are the last ones and are never a feature.
    """

    home_half_time_goals: int | None = None
    away_half_time_goals: int | None = None
    home_xg: float | None = None
    away_xg: float | None = None
    home_shots: int | None = None
    away_shots: int | None = None
    home_shots_on_target: int | None = None
    away_shots_on_target: int | None = None
    home_corners: int | None = None
    away_corners: int | None = None
    home_yellow_cards: int | None = None
    away_yellow_cards: int | None = None
    home_red_cards: int | None = None
    away_red_cards: int | None = None
    odds_home: float | None = None
    odds_draw: float | None = None
    odds_away: float | None = None
    closing_home: float | None = None
    closing_draw: float | None = None
    closing_away: float | None = None


@dataclass(frozen=True, slots=True)
class MatchRecord:
    """Hold one match as a source tells it.

    Attributes:
        competition: Our code, such as ``"de.1"``.
        season: ``"2015-16"`` or ``"2019"``.
        kickoff: Aware, in UTC; midnight when ``is_date_only``. None for a fixture without a date.
        home, away: The source's own names.
        round: The source's own round, such as ``"Matchday 7"``; it tells repeated pairings apart.
        source: Short name of the source, such as ``"openfootball"``.
        origin: Where in the source, for people: ``"2015-16/de.1.json, match 12"``.
    """

    competition: str
    season: str
    kickoff: dt.datetime | None
    is_date_only: bool
    home: str
    away: str
    status: Status
    home_goals: int | None = None
    away_goals: int | None = None
    round: str | None = None
    is_neutral_venue: bool = False
    statistics: Statistics = field(default_factory=Statistics)
    source: str = ""
    origin: str = ""
