"""The question and the answer of a prediction, free of any wire format.

What is made once a request is a msgspec struct: it costs a fifth of a frozen dataclass to make.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from runners.contributions import ForecastExplanation

PredictionType = Literal["winner", "score", "over_under", "probability"]


@dataclass(frozen=True, slots=True)
class DescribedMatch:
    """Describe a match by its teams rather than by its id; names are resolved as in ingest, never guessed."""

    home_team: str
    away_team: str
    competition: str
    kickoff: dt.datetime | None = None
    is_neutral_venue: bool = False


class PredictionQuery(msgspec.Struct, frozen=True):
    """Ask for one forecast of a known match or of a described one (exactly one of the two).

    Attributes:
        prediction_type: Which markets the caller wants to see.
        overrides: Values that replace computed features, by feature name.
        as_of: Aware; nothing later may be used. None: kick-off for a played match, now for one to come.
    """

    match_id: str | None = None
    described: DescribedMatch | None = None
    model_name: str = "default"
    model_version: str | None = None
    prediction_type: PredictionType = "winner"
    overrides: Mapping[str, float] = msgspec.field(default_factory=dict)
    explain: bool = False
    as_of: dt.datetime | None = None


class MatchView(msgspec.Struct, frozen=True, gc=False):
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
    push: float


@dataclass(frozen=True, slots=True)
class Score:
    """Hold the probability of one exact score."""

    home: int
    away: int
    probability: float


@dataclass(frozen=True, slots=True)
class MarketShape:
    """Say what the numbers of ``Markets`` stand for; one shape serves all forecasts of a model.

    Attributes:
        totals: Lines of total goals.
        handicaps: Lines of goals given to the home team.
        scores: How many of the most likely scores there are.
        interval_coverage: Nominal coverage of the goal intervals, 0-1.
    """

    totals: tuple[float, ...]
    handicaps: tuple[float, ...]
    scores: int
    interval_coverage: float

    @property
    def numbers(self) -> int:
        """Return how many numbers there are."""
        return 2 + 3 * len(self.totals) + 7 + 3 * len(self.handicaps) + self.scores + 1

    @property
    def counts(self) -> int:
        """Return how many counts there are."""
        return 2 * self.scores + 2 * len(INTERVALS)


INTERVALS: Final = ("home", "away", "total")


class Markets(msgspec.Struct, frozen=True, gc=False):
    """Hold every market of one match, all read off one score grid, as the plain numbers that are written into answers.

    Attributes:
        numbers: Expected goals of home and away; for each total its over, under and push; both teams score, or not;
            home or draw, home or away, draw or away; home and away if no draw; for each handicap that home covers, that
            away covers, and push; the probability of each score, most likely first, and of all others together.
        counts: Home and away goals of each score; lowest and highest goals of home, away and total.
    """

    shape: MarketShape
    numbers: Sequence[float]
    counts: Sequence[int]

    @property
    def expected_home_goals(self) -> float:
        """Return the mean number of home goals."""
        return self.numbers[0]

    @property
    def expected_away_goals(self) -> float:
        """Return the mean number of away goals."""
        return self.numbers[1]

    @property
    def over_under(self) -> list[Line]:
        """Return the totals; ``first`` is over, ``second`` under."""
        return self._lines(self.shape.totals, 2)

    def over(self, line: float) -> float:
        """Return the probability of more goals than a line; as ``over_under`` does, without making out all the others.

        Raises:
            ValueError: If it is none of the totals.
        """
        return self.numbers[2 + 3 * self.shape.totals.index(line)]

    @property
    def both_teams_to_score(self) -> tuple[float, float]:
        """Return that both teams score, and that they do not."""
        yes, no = self._after_totals(0, 2)
        return yes, no

    @property
    def double_chance(self) -> tuple[float, float, float]:
        """Return home or draw, home or away, draw or away."""
        home_or_draw, home_or_away, draw_or_away = self._after_totals(2, 5)
        return home_or_draw, home_or_away, draw_or_away

    @property
    def draw_no_bet(self) -> tuple[float, float]:
        """Return home and away, given that it is no draw; they sum to 1."""
        home, away = self._after_totals(5, 7)
        return home, away

    @property
    def asian_handicap(self) -> list[Line]:
        """Return the handicaps on the home team; ``first`` home covers, ``second`` away covers."""
        return self._lines(self.shape.handicaps, self._totals_end + 7)

    @property
    def correct_score(self) -> list[Score]:
        """Return the most likely scores, most likely first; with ``other_scores`` they sum to 1."""
        chances = self.numbers[-1 - self.shape.scores : -1]
        goals = zip(self.counts[0::2], self.counts[1::2], strict=True)
        return [Score(home, away, chance) for (home, away), chance in zip(goals, chances, strict=False)]

    @property
    def other_scores(self) -> float:
        """Return the probability of every other score."""
        return self.numbers[-1]

    @property
    def goal_intervals(self) -> Mapping[str, tuple[int, int]]:
        """Return for "home", "away" and "total" the lowest and highest number of goals of the central interval."""
        ends = self.counts[2 * self.shape.scores :]
        return {name: (ends[2 * i], ends[2 * i + 1]) for i, name in enumerate(INTERVALS)}

    @property
    def _totals_end(self) -> int:
        return 2 + 3 * len(self.shape.totals)

    def _after_totals(self, first: int, end: int) -> Sequence[float]:
        return self.numbers[self._totals_end + first : self._totals_end + end]

    def _lines(self, lines: Sequence[float], start: int) -> list[Line]:
        numbers = self.numbers
        return [
            Line(line, numbers[place], numbers[place + 1], numbers[place + 2])
            for line, place in zip(lines, range(start, start + 3 * len(lines), 3), strict=True)
        ]


class Certainty(msgspec.Struct, frozen=True, gc=False):
    """Say how sure a forecast is.

    Attributes:
        coverage: Of the prediction set and of the intervals, 0-1.
        set_threshold: An outcome belongs to the set if all likelier ones together are no likelier than this.
        ends: Lowest and highest probability of home, draw and away.
    """

    coverage: float
    set_threshold: float
    ends: Sequence[float]


class Forecast(msgspec.Struct, frozen=True):
    """Answer one query.

    Attributes:
        proba: Home, draw, away; sums to 1.
        degraded: Reasons why the answer rests on less than it should; empty when all is well.
        as_of: The instant the features stand for.
        feature_state_version: Digest of the results the features know.
        newest_result_at: Kick-off of the newest of those results; None before the first.
        trained_until: The model has learned from no match at or after this instant.
        explanation: None unless it was asked for.
    """

    match: MatchView
    proba: tuple[float, float, float]
    certainty: Certainty
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
    explanation: ForecastExplanation | None = None


W = TypeVar("W")

Writer: TypeAlias = Callable[[Sequence[Forecast], Sequence[PredictionQuery]], Sequence[W]]
"""Makes of forecasts, and of the queries that they answer, what is wanted instead of them, in order."""


def as_they_are(forecasts: Sequence[Forecast], queries: Sequence[PredictionQuery]) -> Sequence[Forecast]:  # noqa: ARG001 - a writer is told both
    """Write nothing: for whoever wants the forecasts themselves."""
    return forecasts


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
class Reloaded:
    """Show what serves after a reload.

    Attributes:
        previous_version: What served before; None if it was the same.
        at: When this was so.
        workers, workers_serving: All workers of the server, and those that serve it.
    """

    model_name: str
    model_version: str
    previous_version: str | None
    at: dt.datetime
    workers: int
    workers_serving: int


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
