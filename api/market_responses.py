"""The market blocks of a forecast, as callers get them; all are read off one score grid."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

Probability: TypeAlias = Annotated[float, Meta(ge=0.0, le=1.0)]
Outcome: TypeAlias = Literal["home_win", "draw", "away_win"]
Count: TypeAlias = Annotated[int, Meta(ge=0)]


class ExpectedGoals(msgspec.Struct, frozen=True, kw_only=True):
    """Mean goals of each side."""

    home: Annotated[float, Meta(ge=0.0)]
    away: Annotated[float, Meta(ge=0.0)]


class OverUnder(msgspec.Struct, frozen=True, kw_only=True):
    """One line of total goals; push is the chance of exactly that many, 0 on half lines."""

    line: float
    over: Probability
    under: Probability
    push: Probability


class BothTeamsToScore(msgspec.Struct, frozen=True, kw_only=True):
    """Whether each side scores at least once."""

    yes: Probability
    no: Probability


class DoubleChance(msgspec.Struct, frozen=True, kw_only=True):
    """Two outcomes of three together."""

    home_or_draw: Probability
    home_or_away: Probability
    draw_or_away: Probability


class DrawNoBet(msgspec.Struct, frozen=True, kw_only=True):
    """The chance of each side to win, given that one does."""

    home: Probability
    away: Probability


class AsianHandicap(msgspec.Struct, frozen=True, kw_only=True):
    """One handicap line on the home team: the chance that each side covers it, or neither (push)."""

    line: float
    home: Probability
    away: Probability
    push: Probability


class ScoreChance(msgspec.Struct, frozen=True, kw_only=True):
    """The chance of one exact score."""

    home: Count
    away: Count
    probability: Probability


class CorrectScore(msgspec.Struct, frozen=True, kw_only=True):
    """The most likely scores, and other for all the rest together."""

    scores: list[ScoreChance]
    other: Probability


class PredictionSet(msgspec.Struct, frozen=True, kw_only=True):
    """Outcomes, most likely first, that hold what happens as often as the stated coverage says (conformal prediction).

    A model with too few matches to learn that from takes its probabilities at their word, and covers more.
    """

    coverage: Probability
    outcomes: list[Outcome]
    probability: Annotated[float, Meta(ge=0.0, le=1.000001, description="Chance that one of them happens.")]
    abstain: Annotated[bool, Meta(description="True where no outcome can be ruled out: the set says nothing.")]


class ProbabilityRange(msgspec.Struct, frozen=True, kw_only=True):
    """Lowest and highest probability of a central interval."""

    low: Probability
    high: Probability


class ProbabilityIntervals(msgspec.Struct, frozen=True, kw_only=True):
    """How unsure each probability is, at the stated coverage; wide for new teams and old data."""

    coverage: Probability
    home_win: ProbabilityRange
    draw: ProbabilityRange
    away_win: ProbabilityRange


class GoalInterval(msgspec.Struct, frozen=True, kw_only=True):
    """Lowest and highest number of goals of a central interval, both included."""

    low: Count
    high: Count


class Intervals(msgspec.Struct, frozen=True, kw_only=True):
    """Central intervals of the goals, at the stated nominal coverage."""

    coverage: Probability
    home: GoalInterval
    away: GoalInterval
    total: GoalInterval
