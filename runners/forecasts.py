"""From arrays of a batch to one forecast a query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from features.batch import Array
from models.conformal import COVERAGE
from models.doubt import proba_interval
from models.ensemble import Answers
from models.markets import HANDICAP_LINES, INTERVAL_COVERAGE, OVER_UNDER_LINES, SCORES, MarketTable
from runners.contributions import ForecastExplanation
from runners.degraded import Reason
from runners.queries import Certainty, Forecast, Markets, MarketShape
from runners.questions import Question

OUTCOMES: Final = 3
_ENDS: Final = slice(OUTCOMES, 3 * OUTCOMES)


@dataclass(frozen=True, slots=True)
class Computed:
    """Hold what was computed for n questions of one model.

    Attributes:
        values: Features as used, overrides included. Shape (n, f).
        scores: As ``packed`` lays them out. Shape (n, width).
        explained: Why, by place; of those who asked only.
        versions, newest: What was known: digest and newest kick-off of each.
    """

    names: tuple[str, ...]
    values: Array
    scores: Array
    explained: Mapping[int, ForecastExplanation]
    versions: Sequence[str]
    newest: Sequence[int | None]


def forecasts(questions: Sequence[Question], computed: Computed) -> list[Forecast]:
    """Return the forecasts of questions of one model, in order."""
    heads = computed.scores[:, : _ENDS.stop].tolist()
    markets = markets_of(computed.scores)
    strangers = _strangers(computed)
    missing = _missing_members(questions)
    return [
        Forecast(
            match=question.match,
            proba=(heads[i][0], heads[i][1], heads[i][2]),
            certainty=Certainty(COVERAGE, _set_threshold(question), heads[i][_ENDS]),
            markets=markets[i],
            model_name=question.model.name,
            model_version=question.model.version,
            model_type=question.model.artifact.model_type,
            features_used=question.model.model.names,
            as_of=question.as_of,
            feature_state_version=computed.versions[i],
            newest_result_at=_instant(computed.newest[i]),
            trained_until=question.model.artifact.trained_until,
            degraded=(*question.degraded, *_unknown_teams(question, strangers[i]), *missing),
            overridden=tuple(question.query.overrides),
            explanation=computed.explained.get(i),
        )
        for i, question in enumerate(questions)
    ]


def packed(answers: Answers, table: MarketTable) -> Array:
    """Return what was said of n matches in one array.

    Each row holds the three outcomes, lowest and highest probability of each, and numbers and counts as ``Markets``
    states them. Shape (n, WIDTH).
    """
    ends = proba_interval(answers.proba, answers.spread, COVERAGE).reshape(-1, 2 * OUTCOMES)
    return np.concatenate([answers.proba, ends, table.numbers, table.counts], axis=1)


def markets_of(scores: Array) -> list[Markets]:
    """Return the markets of each packed row."""
    first_count = _ENDS.stop + SHAPE.numbers
    numbers = scores[:, _ENDS.stop : first_count].tolist()
    counts = scores[:, first_count:].astype(np.int64).tolist()
    return [Markets(SHAPE, own_numbers, own_counts) for own_numbers, own_counts in zip(numbers, counts, strict=True)]


SHAPE: Final = MarketShape(OVER_UNDER_LINES, HANDICAP_LINES, scores=SCORES, interval_coverage=INTERVAL_COVERAGE)
WIDTH: Final = _ENDS.stop + SHAPE.numbers + SHAPE.counts
"""Columns of a packed row."""


def _set_threshold(question: Question) -> float:
    return question.model.model.sets.threshold(question.match.competition)


def _strangers(computed: Computed) -> list[list[bool]]:
    """Return for home and away whether the side has no match on record. n rows of two."""
    sides = [computed.names.index(f"matches_known_{side}") for side in ("home", "away")]
    strangers: list[list[bool]] = (computed.values[:, sides] == 0.0).tolist()
    return strangers


def _unknown_teams(question: Question, is_stranger: list[bool]) -> tuple[str, ...]:
    if not any(is_stranger):
        return ()
    teams = (question.match.home_team, question.match.away_team)
    unknown = [team for team, stranger in zip(teams, is_stranger, strict=True) if stranger]
    return tuple(Reason.TEAM_UNKNOWN.told(f"no earlier match of {team} is on record") for team in unknown)


def _missing_members(questions: Sequence[Question]) -> tuple[str, ...]:
    if not questions:
        return ()
    silent = questions[0].model.model.missing()
    return tuple(Reason.MEMBER_MISSING.told(f"{name} does not speak in this model") for name in silent)


def _instant(kickoff: int | None) -> dt.datetime | None:
    return None if kickoff is None else dt.datetime.fromtimestamp(kickoff, tz=dt.UTC)
