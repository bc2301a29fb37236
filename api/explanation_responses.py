"""Why a forecast is what it is, as callers get it: where every match starts, and what each feature adds to that."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.market_responses import Probability


class OutcomeLogOdds(msgspec.Struct, frozen=True, kw_only=True):
    """Log-odds of each outcome, or a part of them; centred, so that the three add up to zero."""

    home_win: float
    draw: float
    away_win: float


class OutcomeProbabilities(msgspec.Struct, frozen=True, kw_only=True):
    """Probability of each outcome; the three add up to one."""

    home_win: Probability
    draw: Probability
    away_win: Probability


class ProbabilityParts(msgspec.Struct, frozen=True, kw_only=True):
    """How far each outcome's probability was moved: 0.05 is five points up; the three add up to zero.

    Parts that work against each other may be larger than 1.
    """

    home_win: float
    draw: float
    away_win: float


class ExplanationBase(msgspec.Struct, frozen=True, kw_only=True):
    """What the model says of the usual match between clubs that are known as well as these."""

    log_odds: OutcomeLogOdds
    probability: OutcomeProbabilities


class FeatureContribution(msgspec.Struct, frozen=True, kw_only=True):
    """How far one feature moved the forecast away from the usual match; value is null where it was unknown."""

    feature: str
    value: float | None
    log_odds: OutcomeLogOdds
    probability: ProbabilityParts


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why the forecast is what it is, as sums.

    Base and all contributions add up to margin, the probabilities of the base and all contributions to the
    forecast's probabilities.
    """

    base: ExplanationBase
    margin: Annotated[OutcomeLogOdds, Meta(description="Log-odds of the forecast.")]
    contributions: Annotated[
        list[FeatureContribution],
        Meta(
            description="Every feature the model sees, by its largest part in probability: the first ones matter most."
            " All of them are listed, so that the sums hold; most of the later ones move next to nothing."
        ),
    ]
