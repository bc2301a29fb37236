"""From a query to what must be computed: which match, from which state, as of when.

A played match stands as of its kick-off. A match to come stands as of now,
or as of the instant that the caller names: then only results of earlier days
count. A fixture without a date is set on the day after the newest result of
its competition, or after a later match of one of its teams elsewhere; so is a
fixture that has not been played although its date is past, for the old date
says nothing of when it will be.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Final

import msgspec
from msgspec.structs import replace

from features.matches import SECONDS_PER_DAY, team_name
from runners.degraded import Reason
from runners.errors import QueryInvalid
from runners.loading import LoadedModel
from runners.overrides import check_overrides
from runners.queries import DescribedMatch, MatchView, PredictionQuery
from runners.season_names import may_hold
from runners.shelf import Shelf
from runners.snapshot import Snapshot, view_of
from runners.timeline import Described, Timeline
from runners.world import World
from store.reads import MatchRow
from store.records import Status

OPEN: Final = frozenset({Status.SCHEDULED, Status.POSTPONED})
STALE_DAYS: Final = 120  # longer than any summer break
NO_ODDS: Final = (math.nan, math.nan, math.nan)
FURTHEST: Final = 2**40 // SECONDS_PER_DAY


class Fixture(msgspec.Struct, frozen=True, gc=False):
    """Hold what features need to know of a match to come; ``kickoff`` in seconds since 1970-01-01."""

    match_id: str
    competition: str
    season: str
    kickoff: int | None
    home: str
    away: str
    is_neutral_venue: bool
    decimal_odds: tuple[float, float, float] = NO_ODDS  # home, draw, away


class Question(msgspec.Struct, frozen=True):
    """Hold one query, made out.

    Attributes:
        row: Of the timeline, for a played match as of its kick-off; else None and ``fixture`` is described.
        day: Only results of earlier days count.
        as_of: The instant the answer stands for.
        recalled: The features, where they had to be looked up before the question could join a batch.
    """

    query: PredictionQuery
    model: LoadedModel
    timeline: Timeline
    match: MatchView
    fixture: Fixture
    row: int | None
    day: int
    as_of: dt.datetime
    degraded: tuple[str, ...]
    recalled: Described | None = None

    @property
    def is_at_hand(self) -> bool:
        """Return whether the answer needs no replay."""
        if self.recalled is not None:
            return True
        if self.row is not None:
            return self.timeline.is_row_at_hand(self.row)
        return self.timeline.state_at_hand(self.day) is not None


def make_out(query: PredictionQuery, shelf: Shelf, world: World, now: dt.datetime) -> Question:
    """Find the model and the match of a query, and the instant it stands for, which is no later than ``now``.

    Raises:
        PredictionFailure: If the model, the match, a name, an override or the query itself is not to be had.
    """
    model = shelf.find(query.model_name, query.model_version)
    if query.overrides:
        check_overrides(query.overrides)
    stored, match, fixture = _match_of(query, world.snapshot)
    lines = world.timelines[model.tag]
    timeline = lines.of(fixture.competition)
    limit = FURTHEST if query.as_of is None or query.as_of >= now else _day(query.as_of)
    is_overdue = stored is not None and stored.status in OPEN and _is_overdue(stored, min(limit, _day(now)))
    if is_overdue:
        fixture = replace(fixture, kickoff=None)
    day, kickoff = _stands_for(fixture, timeline, limit, now)
    if fixture.kickoff is None:
        fixture = replace(fixture, kickoff=kickoff)
    row = None
    if stored is not None and stored.status == Status.PLAYED and day == kickoff // SECONDS_PER_DAY:
        row = timeline.row_of(stored.match_id)
    as_of = now if query.as_of is None else min(now, query.as_of)
    if match.kickoff is not None and not is_overdue:
        as_of = min(as_of, match.kickoff)
    reasons = _reasons(model, lines.competitions, timeline, fixture, day, as_of)
    if is_overdue:
        reasons.append(
            Reason.KICKOFF_PASSED.told("the match has no result although its date is past; it is answered as of now")
        )
    degraded = (*timeline.degraded, *reasons) if reasons else timeline.degraded
    return Question(query, model, timeline, match, fixture, row, day, as_of, degraded)


def _match_of(query: PredictionQuery, snapshot: Snapshot) -> tuple[MatchRow | None, MatchView, Fixture]:
    if (query.match_id is None) == (query.described is None):
        raise QueryInvalid(
            "A query names a match by its id or describes one; exactly one of the two.", path="$.match_id"
        )
    if query.match_id is not None:
        row = snapshot.row(query.match_id)
        return row, view_of(row), _fixture_of(row)
    assert query.described is not None
    return _described(query.described, snapshot)


def _described(described: DescribedMatch, snapshot: Snapshot) -> tuple[MatchRow | None, MatchView, Fixture]:
    code = described.competition
    snapshot.require_competition(code)
    home = snapshot.resolve(code, described.home_team, path="$.home_team")
    away = snapshot.resolve(code, described.away_team, path="$.away_team")
    if home == away:
        raise QueryInvalid(
            f"{described.home_team!r} and {described.away_team!r} are the same team; a match needs two.",
            path="$.away_team",
        )
    kickoff = None if described.kickoff is None else int(described.kickoff.timestamp())
    season = snapshot.season_on(code, None if kickoff is None else kickoff // SECONDS_PER_DAY)
    meetings = snapshot.meetings(code, home, away)
    row = _known(described, meetings)
    if row is not None:
        return row, view_of(row), _fixture_of(row)
    row = _undated(described, meetings)
    if row is not None:
        view = replace(view_of(row), kickoff=described.kickoff, is_date_only=False)
        return row, view, replace(_fixture_of(row), kickoff=kickoff)
    fixture = Fixture("described", code, season, kickoff, home, away, described.is_neutral_venue)
    match = MatchView(
        match_id=None,
        competition=code,
        season=season,
        kickoff=described.kickoff,
        is_date_only=False,
        home_team=team_name(home),
        away_team=team_name(away),
        status=Status.SCHEDULED.value,
        is_neutral_venue=described.is_neutral_venue,
    )
    return None, match, fixture


def _known(described: DescribedMatch, meetings: list[MatchRow]) -> MatchRow | None:
    """Return the stored match that a description means: of the same date, or without a date the one still to come."""
    alike = [row for row in meetings if bool(row.neutral_venue) == described.is_neutral_venue]
    if described.kickoff is None:
        to_come = [row for row in alike if row.status in OPEN]
        return to_come[0] if len(to_come) == 1 else None
    day = _day(described.kickoff)
    same_day = [row for row in alike if row.kickoff is not None and row.kickoff // SECONDS_PER_DAY == day]
    return same_day[0] if same_day else None


def _undated(described: DescribedMatch, meetings: list[MatchRow]) -> MatchRow | None:
    """Return the one fixture to which a description gives the date that the store lacks, in a season it fits."""
    if described.kickoff is None:
        return None
    date = described.kickoff.astimezone(dt.UTC).date()
    alike = [
        row
        for row in meetings
        if row.kickoff is None
        and may_hold(row.season, date)
        and row.status in OPEN
        and bool(row.neutral_venue) == described.is_neutral_venue
    ]
    return alike[0] if len(alike) == 1 else None


def _is_overdue(row: MatchRow, today: int) -> bool:
    return row.kickoff is not None and row.kickoff // SECONDS_PER_DAY < today


def _fixture_of(row: MatchRow) -> Fixture:
    told = (row.odds_home, row.odds_draw, row.odds_away)
    has_odds = any(odds is not None for odds in told)
    return Fixture(
        match_id=row.match_id,
        competition=row.competition,
        season=row.season,
        kickoff=row.kickoff,
        home=row.home,
        away=row.away,
        is_neutral_venue=bool(row.neutral_venue),
        decimal_odds=_decimal(told) if has_odds else NO_ODDS,
    )


def _decimal(told: tuple[float | None, float | None, float | None]) -> tuple[float, float, float]:
    home, draw, away = (math.nan if odds is None else float(odds) for odds in told)
    return home, draw, away


def _stands_for(fixture: Fixture, timeline: Timeline, limit: int, now: dt.datetime) -> tuple[int, int]:
    """Return the day before which results count, and the kick-off that features are computed for."""
    if fixture.kickoff is not None:
        return min(limit, fixture.kickoff // SECONDS_PER_DAY), fixture.kickoff
    newest = timeline.newest_day(fixture.competition, limit)
    if newest is None:
        today = min(limit, _day(now))
        return today, today * SECONDS_PER_DAY
    if limit < FURTHEST:
        return newest + 1, (newest + 1) * SECONDS_PER_DAY
    latest = max(newest, timeline.newest_team_day(fixture.home), timeline.newest_team_day(fixture.away))
    return FURTHEST, (latest + 1) * SECONDS_PER_DAY


def _day(instant: dt.datetime) -> int:
    return int(instant.timestamp() // SECONDS_PER_DAY)


def _reasons(
    model: LoadedModel,
    competitions: frozenset[str],
    timeline: Timeline,
    fixture: Fixture,
    day: int,
    as_of: dt.datetime,
) -> list[str]:
    """Return why an answer rests on less than it should, each as ``name: sentence``."""
    reasons = []
    newest = timeline.newest_day(fixture.competition, day)
    stands_for = _day(as_of)
    if newest is None:
        reasons.append(Reason.RESULTS_MISSING.told(f"no earlier result of {fixture.competition} is on record"))
    elif stands_for - newest > STALE_DAYS:
        date = dt.datetime.fromtimestamp(newest * SECONDS_PER_DAY, tz=dt.UTC).date()
        told = f"the newest result of {fixture.competition} is of {date}, {stands_for - newest} days before"
        reasons.append(Reason.RESULTS_STALE.told(told))
    if fixture.competition not in competitions:
        reasons.append(Reason.COMPETITION_UNKNOWN.told(f"the model was not trained on {fixture.competition}"))
    if model.artifact.trained_until > as_of:
        told = f"the model was trained on results until {model.artifact.trained_until.date()}"
        reasons.append(Reason.MODEL_KNOWS_LATER_RESULTS.told(told))
    return reasons
