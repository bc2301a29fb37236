"""What callers get. These schemas encode the answers and are published in the OpenAPI document."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from api.errors import Code
from api.explanation_responses import Explanation
from api.market_responses import (
    AsianHandicap,
    BothTeamsToScore,
    CorrectScore,
    Count,
    DoubleChance,
    DrawNoBet,
    ExpectedGoals,
    Intervals,
    Outcome,
    OverUnder,
    PredictionSet,
    Probability,
    ProbabilityIntervals,
)

RowOutcome: TypeAlias = Literal["inserted", "updated", "unchanged", "refused"]
Moment: TypeAlias = Annotated[dt.datetime, Meta(tz=True)]
Milliseconds: TypeAlias = Annotated[float, Meta(ge=0.0)]
Rate: TypeAlias = Annotated[float, Meta(ge=0.0, le=1.0, description="0 to 1; null before the first.")]


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One match; match_id is null for a described match that is not stored, kickoff where no date is known."""

    match_id: str | None
    competition: str
    season: str
    kickoff: Moment | None
    is_date_only: Annotated[bool, Meta(description="True if only the date of the kick-off is known.")]
    home_team: str
    away_team: str
    status: str
    neutral_venue: bool
    home_goals: Count | None
    away_goals: Count | None


class PredictionMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the forecast rests on."""

    prediction_type: Literal["winner", "score", "over_under", "probability"]
    match: Match
    as_of: Annotated[dt.datetime, Meta(tz=True, description="The instant the features stand for.")]
    feature_state_version: Annotated[str, Meta(description="Digest of the results that the features know.")]
    newest_result_at: Annotated[dt.datetime, Meta(tz=True, description="Kick-off of the newest of them.")] | None
    trained_until: Annotated[dt.datetime, Meta(tz=True, description="The model knows no result from then on.")]
    overridden_features: list[str]
    degraded_reasons: list[str]


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One forecast. Market blocks that the prediction type does not choose are null; all are read off one score grid."""

    request_id: str
    match_id: str | None
    predicted_at: Moment
    home_win_prob: Probability
    draw_prob: Probability
    away_win_prob: Probability
    predicted_outcome: Annotated[Outcome, Meta(description="The most likely outcome.")]
    confidence: Annotated[float, Meta(ge=0.0, le=1.0, description="The probability of predicted_outcome.")]
    model_name: str
    model_version: str
    model_type: str
    features_used: list[str]
    prediction_time_ms: Annotated[
        float, Meta(ge=0.0, description="Time of the computation; the items of a batch share one, and all carry it.")
    ]
    cached: Annotated[bool, Meta(description="True if an earlier answer was sent again.")]
    degraded: Annotated[bool, Meta(description="True if it rests on less than it should; metadata says why.")]
    metadata: PredictionMetadata
    expected_goals: ExpectedGoals | None
    over_under: list[OverUnder] | None
    both_teams_to_score: BothTeamsToScore | None
    double_chance: DoubleChance | None
    draw_no_bet: DrawNoBet | None
    asian_handicap: list[AsianHandicap] | None
    correct_score: CorrectScore | None
    prediction_set: PredictionSet | None
    probability_intervals: ProbabilityIntervals | None
    intervals: Intervals | None
    explanation: Annotated[Explanation, Meta(description="Null unless explain was asked.")] | None


class BatchError(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request of a batch that could not be answered."""

    request_index: Annotated[int, Meta(ge=0, description="Place in the batch, counted from 0.")]
    match_id: Annotated[str, Meta(description="As asked; null where none was readable.")] | None
    error: Code
    message: str
    details: dict[str, Any]


class BatchPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of a batch, in request order; errors repeats those that failed."""

    batch_id: str
    total_requests: Count
    successful_predictions: Count
    failed_predictions: Count
    predictions: Annotated[list[Any], Meta(description="One entry per request, in request order.")]
    errors: list[BatchError]
    batch_time_ms: Milliseconds
    cached_count: Count


class Fixtures(msgspec.Struct, frozen=True, kw_only=True):
    """One page of matches by kick-off, undated ones last; next_offset is null on the last page."""

    matches: list[Match]
    total: Count
    limit: Count
    offset: Count
    next_offset: Count | None


class CompetitionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One competition and what is stored of it."""

    code: str
    seasons: list[str]
    matches: Count
    teams: Count


class Competitions(msgspec.Struct, frozen=True, kw_only=True):
    """Every competition of the store."""

    competitions: list[CompetitionEntry]
    total: Count


class TeamEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One team; the association tells two clubs of one name apart."""

    name: str
    association: str


class Teams(msgspec.Struct, frozen=True, kw_only=True):
    """Teams, of one competition or of all."""

    teams: list[TeamEntry]
    total: Count


class ResultOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one posted row; a refused one carries a code, a message and the path of the field."""

    index: Annotated[int, Meta(ge=0, description="Place in the request, counted from 0.")]
    outcome: RowOutcome
    match_id: str | None
    error: Code | None
    message: str | None
    path: str | None


class ResultsReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the posted rows, in request order."""

    total: Count
    inserted: Count
    updated: Count
    unchanged: Count
    refused: Count
    results: list[ResultOutcome]
