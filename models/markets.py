"""Every market of a match, read off its one score grid, so that they cannot contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidForecast
from models.prediction_sets import central_interval
from models.score_grid import MAX_GOALS, SIZE, Array, outcome_proba

Counts = NDArray[np.int64]

OVER_UNDER_LINES: Final = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5)
HANDICAP_LINES: Final = (-2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
SCORES: Final = 10
INTERVAL_COVERAGE: Final = 0.8

_HOME, _AWAY = (goals.ravel() for goals in np.indices((SIZE, SIZE)))
_BY_TOTAL: Final = np.argsort(_HOME + _AWAY, kind="stable")
_TOTAL_START: Final = np.searchsorted((_HOME + _AWAY)[_BY_TOTAL], np.arange(2 * MAX_GOALS + 1))
_BY_MARGIN: Final = np.argsort(_HOME - _AWAY, kind="stable")
_MARGIN_START: Final = np.searchsorted((_HOME - _AWAY)[_BY_MARGIN], np.arange(-MAX_GOALS, MAX_GOALS + 1))


class _Lines(NamedTuple):
    """Hold where betting lines fall among the columns of a distribution over whole numbers."""

    first_not_below: NDArray[np.intp]
    first_above: NDArray[np.intp]
    at: NDArray[np.intp]
    is_whole: NDArray[np.bool_]


def _place(lines: Array, lowest: int) -> _Lines:
    """Place lines among the ``_COLUMNS`` numbers from ``lowest`` up."""
    first_not_below = np.clip(np.ceil(lines) - lowest, 0, _COLUMNS).astype(np.intp)
    first_above = np.clip(np.floor(lines) + 1 - lowest, 0, _COLUMNS).astype(np.intp)
    at = np.minimum(first_not_below, _COLUMNS - 1)
    return _Lines(first_not_below, first_above, at, first_above > first_not_below)


_COLUMNS: Final = 2 * MAX_GOALS + 1
_PLACED_TOTALS: Final = _place(np.array(OVER_UNDER_LINES), 0)
# The home team covers where its margin exceeds minus the line.
_PLACED_MARGINS: Final = _place(-np.array(HANDICAP_LINES), -MAX_GOALS)


@dataclass(frozen=True, slots=True)
class MarketTable:
    """Hold the markets of n matches, one row a match; probabilities throughout.

    Attributes:
        expected_goals: Home, away. Shape (n, 2).
        over, under: More, fewer goals in total than each of OVER_UNDER_LINES. Shape (n, 6).
        both_teams_to_score: Shape (n,).
        double_chance: Home or draw, home or away, draw or away. Shape (n, 3).
        draw_no_bet: Home, away, given that it is no draw. Shape (n, 2).
        handicap_home, handicap_push, handicap_away: Home covers, stake back, away covers, for each of
            HANDICAP_LINES on the home team. Shape (n, 11).
        score_home, score_away: Goals of the k most likely scores, most likely first. Shape (n, k).
        score_proba: Their probabilities. Shape (n, k).
        other_scores: Probability of all other scores. Shape (n,).
        goal_interval: Lowest and highest of the central interval of home, away and total goals. Shape (n, 3, 2).
        interval_coverage: Nominal coverage of those intervals; goals are whole, so they hold at least that much.
    """

    expected_goals: Array
    over: Array
    under: Array
    both_teams_to_score: Array
    double_chance: Array
    draw_no_bet: Array
    handicap_home: Array
    handicap_push: Array
    handicap_away: Array
    score_home: Counts
    score_away: Counts
    score_proba: Array
    other_scores: Array
    goal_interval: Counts
    interval_coverage: float

    def __len__(self) -> int:
        return len(self.both_teams_to_score)


def read_markets(
    grid: Array, *, proba: Array | None = None, scores: int = SCORES, coverage: float = INTERVAL_COVERAGE
) -> MarketTable:
    """Read every market off score grids.

    Args:
        grid: Shape (n, SIZE, SIZE); every grid sums to 1.
        proba: ``outcome_proba(grid)``, where it is at hand.
        scores: How many of the most likely scores to list; equally likely ones by fewer home, then away goals.
        coverage: Nominal coverage of the goal intervals, within (0, 1).
    """
    if proba is None:
        proba = outcome_proba(grid)
    home, draw, away = proba[:, 0], proba[:, 1], proba[:, 2]
    total = total_distribution(grid)
    home_goals, away_goals = grid.sum(axis=2), grid.sum(axis=1)
    under, _, over = _split(total, _PLACED_TOTALS)
    away_covers, push, home_covers = _split(margin_distribution(grid), _PLACED_MARGINS)
    score_home, score_away, score_proba = most_likely_scores(grid, scores)
    return MarketTable(
        expected_goals=np.stack([_mean(home_goals), _mean(away_goals)], axis=1),
        over=over,
        under=under,
        both_teams_to_score=grid[:, 1:, 1:].sum(axis=(1, 2)),
        double_chance=np.stack([home + draw, home + away, draw + away], axis=1),
        draw_no_bet=draw_no_bet(proba),
        handicap_home=home_covers,
        handicap_push=push,
        handicap_away=away_covers,
        score_home=score_home,
        score_away=score_away,
        score_proba=score_proba,
        other_scores=np.maximum(grid.sum(axis=(1, 2)) - score_proba.sum(axis=1), 0.0),
        goal_interval=_intervals(home_goals, away_goals, total, coverage),
        interval_coverage=coverage,
    )


def _intervals(home_goals: Array, away_goals: Array, total: Array, coverage: float) -> Counts:
    """Return the central intervals of home, away and total goals. Shape (n, 3, 2)."""
    sides = central_interval(np.concatenate([home_goals, away_goals]), coverage)
    return np.stack([sides[: len(home_goals)], sides[len(home_goals) :], central_interval(total, coverage)], axis=1)


def total_distribution(grid: Array) -> Array:
    """Return the probabilities of 0, 1, ... goals in total. Shape (n, 2 * MAX_GOALS + 1)."""
    return np.add.reduceat(np.take(_cells(grid), _BY_TOTAL, axis=1), _TOTAL_START, axis=1)


def margin_distribution(grid: Array) -> Array:
    """Return the probabilities of home minus away goals from -MAX_GOALS up. Shape (n, 2 * MAX_GOALS + 1)."""
    return np.add.reduceat(np.take(_cells(grid), _BY_MARGIN, axis=1), _MARGIN_START, axis=1)


def asian_handicap(grid: Array, line: float) -> Array:
    """Return how likely the home team covers a handicap, the stake comes back, and the away team covers.

    A quarter line puts half the stake on each neighbouring line, so its three parts are the means of theirs.

    Args:
        grid: Shape (n, SIZE, SIZE).
        line: Goals given to the home team, in quarters; -1.0 means it must win by two.

    Returns:
        Shape (n, 3); rows sum to 1.

    Raises:
        InvalidForecast: If the line is not a multiple of 0.25.

    >>> one_nil = np.zeros((1, SIZE, SIZE))
    >>> one_nil[0, 1, 0] = 1.0
    >>> asian_handicap(one_nil, -1.0), asian_handicap(one_nil, -0.75)
    (array([[0., 1., 0.]]), array([[0.5, 0.5, 0. ]]))
    """
    if line * 4 % 1 != 0:
        raise InvalidForecast(f"given handicap line {line!r}, expected a multiple of 0.25 such as -0.75")
    if line * 2 % 1 != 0:
        return (asian_handicap(grid, line - 0.25) + asian_handicap(grid, line + 0.25)) / 2.0
    away, push, home = _split(margin_distribution(grid), _place(np.array([-line]), -MAX_GOALS))
    return np.concatenate([home, push, away], axis=1)


def draw_no_bet(proba: Array) -> Array:
    """Return home and away given that the match is no draw, shape (n, 2); a half each where only the draw is possible.

    >>> draw_no_bet(np.array([[0.5, 0.2, 0.3]]))
    array([[0.625, 0.375]])
    """
    decisive = proba[:, 0] + proba[:, 2]
    home = np.divide(proba[:, 0], decisive, out=np.full(len(proba), 0.5), where=decisive > 0.0)
    return np.stack([home, 1.0 - home], axis=1)


def most_likely_scores(grid: Array, count: int) -> tuple[Counts, Counts, Array]:
    """Return home goals, away goals and probability of the most likely scores, most likely first. Shape (n, count).

    Of equally likely scores the one with fewer home goals comes first, then the one with fewer away goals.
    """
    cells = _cells(grid)
    least = np.partition(cells, -count, axis=1)[:, -count, None]
    chosen = cells >= least
    if (chosen.sum(axis=1) > count).any():  # others are as likely as the last one
        chosen = _first_of_equals(cells, least, count)
    position = np.nonzero(chosen)[1].reshape(len(cells), count)
    row = np.arange(len(cells))[:, None]
    position = position[row, np.argsort(-cells[row, position], axis=1, kind="stable")]
    return _HOME[position], _AWAY[position], cells[row, position]


def _first_of_equals(cells: Array, least: Array, count: int) -> NDArray[np.bool_]:
    is_above, is_tied = cells > least, cells == least
    room = count - is_above.sum(axis=1, keepdims=True)
    chosen: NDArray[np.bool_] = is_above | (is_tied & (np.cumsum(is_tied, axis=1) <= room))
    return chosen


def _cells(grid: Array) -> Array:
    return grid.reshape(len(grid), SIZE * SIZE)


def _mean(distribution: Array) -> Array:
    mean: Array = (distribution * np.arange(distribution.shape[1])).sum(axis=1)
    return mean


def _split(distribution: Array, lines: _Lines) -> tuple[Array, Array, Array]:
    """Return the probabilities below, at and above each line, shape (n, lines)."""
    nothing = np.zeros((len(distribution), 1))
    below = np.concatenate([nothing, np.cumsum(distribution, axis=1)], axis=1)
    above = np.concatenate([np.cumsum(distribution[:, ::-1], axis=1)[:, ::-1], nothing], axis=1)
    at = distribution[:, lines.at] * lines.is_whole
    return below[:, lines.first_not_below], at, above[:, lines.first_above]
