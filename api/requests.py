"""What callers send. These schemas decode the bodies and are published in the OpenAPI document."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from runners import queries
from store.records import Status

# Python's $ also matches before a final newline; the published patterns leave this out, as no other dialect needs it.
PYTHON_END: Final = r"(?!\n)"
NAME_PATTERN: Final = rf"^[A-Za-z0-9][A-Za-z0-9._-]*${PYTHON_END}"

SEASON_PATTERN: Final = rf"^[0-9]{{4}}(-[0-9]{{2}})?${PYTHON_END}"
LONGEST_NAME: Final = 64

DATE_OR_TIME: Final = {"anyOf": [{"format": "date"}, {"format": "date-time"}]}

ModelName: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_NAME,
        pattern=NAME_PATTERN,
        description="Name of a served model.",
        examples=["default"],
    ),
]
ModelVersion: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=128, description="Version of the model, loaded if need be; null is the served one."),
]
MatchId: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_NAME, description="Id of a match, as GET /v1/fixtures lists it.")
]
TeamName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=128, description="A team's name or a known alias of it; never guessed.")
]
CompetitionCode: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=LONGEST_NAME, description="Code of a competition, as GET /v1/competitions lists it."),
]
Instant: TypeAlias = Annotated[dt.datetime, Meta(tz=True, description="RFC 3339 with an offset or Z.")]
Goals: TypeAlias = Annotated[int, Meta(ge=0, le=99)]
ModelType: TypeAlias = Annotated[
    Literal["xgboost", "dixon_coles", "elo_logit", "class_frequency", "ensemble"], Meta(description="Kind of model.")
]
PredictionType: TypeAlias = Annotated[
    queries.PredictionType,
    Meta(
        description=(
            "Chooses which market blocks come back, nothing else; a block not chosen is null. "
            "winner: double_chance, draw_no_bet, prediction_set, probability_intervals. "
            "score: those of winner, and expected_goals, correct_score, intervals. "
            "over_under: expected_goals, over_under, both_teams_to_score. "
            "probability: every block."
        )
    ),
]


class PredictionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for one prediction: of a known match by its id, or of a described one by its teams."""

    match_id: MatchId | UnsetType = UNSET
    home_team: TeamName | UnsetType = UNSET
    away_team: TeamName | UnsetType = UNSET
    competition: CompetitionCode | UnsetType = UNSET
    kickoff: Instant | UnsetType | None = UNSET
    neutral_venue: Annotated[bool, Meta(description="True where neither side is at home.")] | UnsetType = UNSET
    model_name: ModelName | UnsetType = UNSET
    model_version: ModelVersion | None = None
    prediction_type: PredictionType = "winner"
    features: (
        Annotated[dict[str, float], Meta(description="Values that replace computed features, by feature name.")] | None
    ) = None
    force_recalculate: Annotated[bool, Meta(description="Compute anew even if an earlier answer is at hand.")] = False
    explain: Annotated[
        bool, Meta(description="Add how far each feature moved the forecast, the most telling first.")
    ] = False
    as_of: (
        Annotated[
            dt.datetime,
            Meta(
                tz=True,
                description="Nothing later may be used; null is kick-off for a played match, now for one to come.",
            ),
        ]
        | None
    ) = None


class BatchPredictionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for several predictions, computed together and answered in request order."""

    requests: Annotated[
        list[msgspec.Raw], Meta(min_length=1, description="One PredictionRequest each; a bad one fails alone.")
    ]
    batch_id: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=LONGEST_NAME,
                description="Echoed in the answer; null or absent makes a new one.",
            ),
        ]
        | None
    ) = None
    parallel: Annotated[
        bool, Meta(description="Accepted for callers of earlier versions; a batch is one vectorised computation.")
    ] = True


class ResultRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Post one result or fixture: of a known match by match_id, else described by the other fields."""

    status: Status
    match_id: MatchId | None = None
    competition: CompetitionCode | None = None
    season: (
        Annotated[str, Meta(pattern=SEASON_PATTERN, description="2015-16, or 2019 within one calendar year.")] | None
    ) = None
    kickoff: Instant | None = None
    is_date_only: Annotated[bool, Meta(description="True if only the date of the kick-off is known.")] = False
    home_team: TeamName | None = None
    away_team: TeamName | None = None
    home_goals: Goals | None = None
    away_goals: Goals | None = None
    round: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)] | None = None
    neutral_venue: bool = False


class ResultsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Post results and fixtures; posting them twice changes nothing."""

    results: Annotated[
        list[msgspec.Raw], Meta(min_length=1, description="One ResultRow each; a bad one is refused alone.")
    ]


class OldPredictRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask the old API for one prediction."""

    model_version: ModelVersion | None = "default"
    include_details: Annotated[bool, Meta(description="Add the match to the answer.")] = False


class OldBatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask the old API for several predictions."""

    match_ids: Annotated[
        list[MatchId | int], Meta(min_length=1, description="Ids are text now; numbers are read as text.")
    ]
    model_version: ModelVersion | None = "default"


class ReloadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choose the version that is to serve."""

    model_version: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                description="A saved version, older or newer; null or absent is the newest one.",
            ),
        ]
        | None
    ) = None


class FixturesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choose fixtures."""

    competition: CompetitionCode | UnsetType = UNSET
    team: Annotated[str, Meta(min_length=1, max_length=128, description="Home or away.")] | UnsetType = UNSET
    earliest: (
        Annotated[str, Meta(description="No kick-off before this date or time.", extra_json_schema=DATE_OR_TIME)]
        | UnsetType
    ) = msgspec.field(name="from", default=UNSET)
    latest: (
        Annotated[
            str,
            Meta(
                description="No kick-off after this time, or after the end of this date.",
                extra_json_schema=DATE_OR_TIME,
            ),
        ]
        | UnsetType
    ) = msgspec.field(name="to", default=UNSET)
    status: Status | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, description="Matches on one page.")] | UnsetType = UNSET
    offset: Annotated[
        int, Meta(ge=0, le=1_000_000_000, description="Matches to skip; next_offset of the page before.")
    ] = 0


class TeamsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choose teams."""

    competition: CompetitionCode | UnsetType = UNSET


class ModelsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choose models."""

    model_type: ModelType | UnsetType = UNSET


class CacheQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choose cached answers."""

    pattern: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=256,
            description=(
                "A glob over MODEL:MATCH with *, ? and [...], such as football:* or *:de.1-*; without a colon it is"
                " matched against either name. Never reaches anything else."
            ),
        ),
    ] = "*"


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take no query parameter."""
