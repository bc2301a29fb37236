"""The question and the answer of a prediction, free of any wire format."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DescribedMatch:
    """Describe a match by its teams rather than by its id; names are resolved as in ingest, never guessed."""

    home_team: str
    away_team: str
    competition: str
    kickoff: dt.datetime | None = None
    is_neutral_venue: bool = False


@dataclass(frozen=True, slots=True)
class PredictionQuery:
    """Ask for one forecast of a known match or of a described one (exactly one of the two).

    Attributes:
        overrides: Values that replace computed features, by feature name.
        as_of: Aware; nothing later may be used. None: kick-off for a played match, now for one to come.
    """

    match_id: str | None = None
    described: DescribedMatch | None = None
    model_name: str = "default"
    model_version: str | None = None
    overrides: Mapping[str, float] = field(default_factory=dict)
    explain: bool = False
    as_of: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class MatchView:
    """Show one match as the store knows it. ``match_id`` is None for a described match that the store does not have."""

    match_id: str | None
    competition: str
    season: str
    kickoff: dt.datetime | None
    is_date_only: bool
    home_team: str
    away_team: str
    status: str
    is_neutral_venue: bool = False
    home_goals: int | None = None
    away_goals: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one over/under or handicap line; the three parts sum to one, ``push`` is 0 on half lines."""

    line: float
    first: float
    second: float
    push: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """Hold the probability of one exact score."""

    home: int
    away: int
    probability: float


@dataclass(frozen=True, slots=True)
class Markets:
    """Hold every market of one match, all read off one score grid.

    Attributes:
        over_under: ``first`` is over, ``second`` under.
        double_chance: Home or draw, home or away, draw or away.
        draw_no_bet: Home, away; sums to 1.
        asian_handicap: Line on the home team; ``first`` home covers, ``second`` away covers.
        correct_score: Most likely first; ``other_scores`` is the rest, so that all sum to 1.
        goal_intervals: For "home", "away" and "total": lowest and highest number of goals of the central interval.
        interval_coverage: Nominal coverage of those intervals, 0-1.
    """

    expected_home_goals: float
    expected_away_goals: float
    over_under: Sequence[Line]
    both_teams_to_score: float
    double_chance: tuple[float, float, float]
    draw_no_bet: tuple[float, float]
    asian_handicap: Sequence[Line]
    correct_score: Sequence[Score]
    other_scores: float
    goal_intervals: Mapping[str, tuple[int, int]]
    interval_coverage: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """Hold how far one feature moved each outcome's log-odds (margin) in this forecast."""

    feature: str
    value: float | None
    home_win: float
    draw: float
    away_win: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Answer one query.

    Attributes:
        proba: Home, draw, away; sums to 1.
        degraded: Reasons why the answer rests on less than it should; empty when all is well.
        as_of: The instant the features stand for.
        feature_state_version: Digest of the results the features know.
        newest_result_at: Kick-off of the newest of those results; None before the first.
        trained_until: The model has learned from no match at or after this instant.
    """

    match: MatchView
    proba: tuple[float, float, float]
    markets: Markets
    model_name: str
    model_version: str
    model_type: str
    features_used: Sequence[str]
    as_of: dt.datetime
    feature_state_version: str
    newest_result_at: dt.datetime | None
    trained_until: dt.datetime
    degraded: Sequence[str] = ()
    overridden: Sequence[str] = ()
    explanation: Sequence[Contribution] | None = None


@dataclass(frozen=True, slots=True)
class ModelView:
    """Show one served model: what it is, what it was trained on, how well it did.

    Attributes:
        metrics: The model card's figures by metric name, e.g. ``{"rps": 0.196}``.
        importance: Total gain by feature name, normalised to sum to 1, highest first.
        card: The whole model card as plain data.
    """

    name: str
    version: str
    model_type: str
    created_at: dt.datetime
    trained_until: dt.datetime
    size_bytes: int
    features: Sequence[str]
    metrics: Mapping[str, float]
    importance: Mapping[str, float]
    card: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Competition:
    """Show one competition of the store."""

    code: str
    seasons: Sequence[str]
    matches: int
    teams: int


@dataclass(frozen=True, slots=True)
class Page:
    """Hold one page of matches; ``next_offset`` is None on the last one."""

    matches: Sequence[MatchView]
    total: int
    next_offset: int | None


@dataclass(frozen=True, slots=True)
class ReceivedResult:
    """Hold one result or fixture that an operator posts; team names are resolved as in ingest.

    ``match_id`` names a known match; otherwise competition, season, teams and kick-off describe it.
    """

    status: str
    match_id: str | None = None
    competition: str | None = None
    season: str | None = None
    kickoff: dt.datetime | None = None
    is_date_only: bool = False
    home_team: str | None = None
    away_team: str | None = None
    home_goals: int | None = None
    away_goals: int | None = None
    round: str | None = None
    is_neutral_venue: bool = False


@dataclass(frozen=True, slots=True)
class ReceivedOutcome:
    """Say what became of one posted row: inserted, updated, unchanged, or refused with a reason."""

    outcome: str
    match_id: str | None
    reason: str | None = None
    path: str | None = None
