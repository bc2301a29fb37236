"""From arrays of a batch to one forecast a query.

Market lines and scores are made only when they are looked at: most callers
want three probabilities, not thirty objects.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from models.markets import HANDICAP_LINES, OVER_UNDER_LINES, MarketTable
from runners.queries import Contribution, Forecast, Line, Markets, Score
from runners.questions import Question

T = TypeVar("T")


class OnDemand(Sequence[T], Generic[T]):
    """Make the items of a sequence when they are read."""

    __slots__ = ("_make", "_size")

    def __init__(self, size: int, make: Callable[[int], T]) -> None:
        self._size, self._make = size, make

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        """Return one item, or a list of some."""
        if isinstance(index, slice):
            return [self._make(i) for i in range(*index.indices(self._size))]
        return self._make(range(self._size)[index])


@dataclass(frozen=True, slots=True)
class Computed:
    """Hold what was computed for n questions of one model.

    Attributes:
        values: Features as used, overrides included. Shape (n, f).
        proba: Shape (n, 3).
        contributions: Shape (n, f, 3), None if nobody asked.
        versions, newest: What was known: digest and newest kick-off of each.
    """

    names: tuple[str, ...]
    values: Array
    proba: Array
    markets: MarketTable
    contributions: Array | None
    versions: Sequence[str]
    newest: Sequence[int | None]


def forecasts(questions: Sequence[Question], computed: Computed) -> list[Forecast]:
    """Return the forecasts of questions of one model, in order."""
    proba: list[tuple[float, float, float]] = [(row[0], row[1], row[2]) for row in computed.proba.tolist()]
    markets = markets_of(computed.markets)
    strangers = _strangers(computed)
    return [
        Forecast(
            match=question.match,
            proba=proba[i],
            markets=markets[i],
            model_name=question.model.name,
            model_version=question.model.version,
            model_type=question.model.artifact.model_type,
            features_used=question.model.model.names,
            as_of=question.as_of,
            feature_state_version=computed.versions[i],
            newest_result_at=_instant(computed.newest[i]),
            trained_until=question.model.artifact.trained_until,
            degraded=(*question.degraded, *_unknown_teams(question, strangers[i])),
            overridden=tuple(question.query.overrides),
            explanation=_explanation(computed, i) if question.query.explain else None,
        )
        for i, question in enumerate(questions)
    ]


def markets_of(table: MarketTable) -> list[Markets]:
    """Return the markets of each row of a table."""
    goals, both = table.expected_goals.tolist(), table.both_teams_to_score.tolist()
    chance, decisive = table.double_chance.tolist(), table.draw_no_bet.tolist()
    others, intervals = table.other_scores.tolist(), table.goal_interval.tolist()
    return [
        Markets(
            expected_home_goals=goals[i][0],
            expected_away_goals=goals[i][1],
            over_under=_totals(table, i),
            both_teams_to_score=both[i],
            double_chance=(chance[i][0], chance[i][1], chance[i][2]),
            draw_no_bet=(decisive[i][0], decisive[i][1]),
            asian_handicap=_handicaps(table, i),
            correct_score=_scores(table, i),
            other_scores=others[i],
            goal_intervals={
                name: (ends[0], ends[1]) for name, ends in zip(("home", "away", "total"), intervals[i], strict=True)
            },
            interval_coverage=table.interval_coverage,
        )
        for i in range(len(table))
    ]


def _totals(table: MarketTable, row: int) -> Sequence[Line]:
    return OnDemand(
        len(OVER_UNDER_LINES),
        lambda k: Line(OVER_UNDER_LINES[k], float(table.over[row, k]), float(table.under[row, k])),
    )


def _handicaps(table: MarketTable, row: int) -> Sequence[Line]:
    return OnDemand(
        len(HANDICAP_LINES),
        lambda k: Line(
            HANDICAP_LINES[k],
            float(table.handicap_home[row, k]),
            float(table.handicap_away[row, k]),
            float(table.handicap_push[row, k]),
        ),
    )


def _scores(table: MarketTable, row: int) -> Sequence[Score]:
    return OnDemand(
        table.score_proba.shape[1],
        lambda k: Score(int(table.score_home[row, k]), int(table.score_away[row, k]), float(table.score_proba[row, k])),
    )


def _strangers(computed: Computed) -> NDArray[np.bool_]:
    """Return for home and away whether the side has no match on record. Shape (n, 2)."""
    sides = [computed.names.index(f"matches_known_{side}") for side in ("home", "away")]
    strangers: NDArray[np.bool_] = computed.values[:, sides] == 0.0
    return strangers


def _unknown_teams(question: Question, is_stranger: NDArray[np.bool_]) -> tuple[str, ...]:
    if not is_stranger.any():
        return ()
    teams = (question.match.home_team, question.match.away_team)
    unknown = [team for team, stranger in zip(teams, is_stranger.tolist(), strict=True) if stranger]
    return tuple(f"team_unknown: no earlier match of {team} is on record" for team in unknown)


def _explanation(computed: Computed, row: int) -> list[Contribution]:
    assert computed.contributions is not None
    moved = computed.contributions[row].tolist()
    values = [None if np.isnan(value) else float(value) for value in computed.values[row]]
    return [
        Contribution(name, value, home, draw, away)
        for name, value, (home, draw, away) in zip(computed.names, values, moved, strict=True)
    ]


def _instant(kickoff: int | None) -> dt.datetime | None:
    return None if kickoff is None else dt.datetime.fromtimestamp(kickoff, tz=dt.UTC)
