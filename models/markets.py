"""Every market of a match, read off its one score grid, so that they cannot contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

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


@dataclass(frozen=True, slots=True)
class MarketTable:
    """Hold the markets of n matches, one row a match; probabilities throughout.

    All stand side by side, as they are sent on; the properties are views of them.

    Attributes:
        numbers: Expected goals of home and away; over, under and push of each of OVER_UNDER_LINES; both teams score, or
            not; home or draw, home or away, draw or away; home and away if no draw; home covers, away covers and push of
            each of HANDICAP_LINES; each of the k likeliest scores, likeliest first, and all others together.
            Shape (n, m).
        counts: Home and away goals of each score; lowest and highest of the central interval of home, away and total
            goals. Shape (n, 2 k + 6).
    """

    numbers: Array
    counts: Counts

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def expected_goals(self) -> Array:
        """Return home, away. Shape (n, 2)."""
        return self.numbers[:, _EXPECTED]

    @property
    def over(self) -> Array:
        """Return more goals in total than each of OVER_UNDER_LINES. Shape (n, 6)."""
        return self.numbers[:, _TOTALS][:, 0::3]

    @property
    def under(self) -> Array:
        """Return fewer goals in total than each of OVER_UNDER_LINES. Shape (n, 6)."""
        return self.numbers[:, _TOTALS][:, 1::3]

    @property
    def both_teams_to_score(self) -> Array:
        """Return that both teams score. Shape (n,)."""
        return self.numbers[:, _BOTH.start]

    @property
    def double_chance(self) -> Array:
        """Return home or draw, home or away, draw or away. Shape (n, 3)."""
        return self.numbers[:, _DOUBLE]

    @property
    def draw_no_bet(self) -> Array:
        """Return home, away, given that it is no draw. Shape (n, 2)."""
        return self.numbers[:, _NO_BET]

    @property
    def handicap_home(self) -> Array:
        """Return that home covers each of HANDICAP_LINES, which are on the home team. Shape (n, 11)."""
        return self.numbers[:, _HANDICAPS][:, 0::3]

    @property
    def handicap_away(self) -> Array:
        """Return that away covers. Shape (n, 11)."""
        return self.numbers[:, _HANDICAPS][:, 1::3]

    @property
    def handicap_push(self) -> Array:
        """Return that the stake comes back. Shape (n, 11)."""
        return self.numbers[:, _HANDICAPS][:, 2::3]

    @property
    def score_home(self) -> Counts:
        """Return the home goals of the likeliest scores, likeliest first. Shape (n, k)."""
        return self.counts[:, :-_INTERVAL_ENDS:2]

    @property
    def score_away(self) -> Counts:
        """Return their away goals. Shape (n, k)."""
        return self.counts[:, 1:-_INTERVAL_ENDS:2]

    @property
    def score_proba(self) -> Array:
        """Return their probabilities. Shape (n, k)."""
        return self.numbers[:, _HANDICAPS.stop : -1]

    @property
    def other_scores(self) -> Array:
        """Return the probability of all other scores. Shape (n,)."""
        return self.numbers[:, -1]

    @property
    def goal_interval(self) -> Counts:
        """Return lowest and highest of the central interval of home, away and total goals. Shape (n, 3, 2).

        Goals are whole, so an interval holds at least its nominal coverage.
        """
        return self.counts[:, -_INTERVAL_ENDS:].reshape(-1, 3, 2)


def read_markets(
    grid: Array, *, proba: Array | None = None, scores: int = SCORES, coverage: float = INTERVAL_COVERAGE
) -> MarketTable:
    """Read every market off score grids.

    A worker does this for a few matches at a time, thousands of times a second, so what can be summed is summed at once.

    Args:
        grid: Shape (n, SIZE, SIZE); every grid sums to 1.
        proba: ``outcome_proba(grid)``, where it is at hand.
        scores: How many of the most likely scores to list; equally likely ones by fewer home, then away goals.
        coverage: Nominal coverage of the goal intervals, within (0, 1).
    """
    if proba is None:
        proba = outcome_proba(grid)
    sums = _sums(grid)
    sides = sums[:, _SIDES].reshape(-1, 2, SIZE)
    numbers = np.zeros((len(grid), _HANDICAPS.stop + scores + 1))
    numbers[:, _EXPECTED] = np.add.reduce(sides * _GOALS, axis=2)
    numbers[:, _RANGE_COLUMN] = np.add.reduceat(sums, _RANGE_ENDS, axis=1)[:, ::2]
    numbers[:, _BOTH.start] = sums[:, -1]
    np.subtract(1.0, sums[:, -1], out=numbers[:, _BOTH.start + 1])
    np.add(proba[:, _DOUBLE_FIRST], proba[:, _DOUBLE_SECOND], out=numbers[:, _DOUBLE])
    numbers[:, _NO_BET] = draw_no_bet(proba)
    counts = np.empty((len(grid), 2 * scores + _INTERVAL_ENDS), dtype=np.int64)
    counts[:, :-_INTERVAL_ENDS:2], counts[:, 1:-_INTERVAL_ENDS:2], likeliest = most_likely_scores(grid, scores)
    numbers[:, _HANDICAPS.stop : -1] = likeliest
    rest = np.add.reduce(sides[:, 0], axis=1) - np.add.reduce(likeliest, axis=1)
    np.maximum(rest, 0.0, out=numbers[:, -1])
    # A sum of two hundred cells may pass 1 by a rounding.
    chances = numbers[:, _TOTALS.start :]
    np.minimum(chances, 1.0, out=chances)
    counts[:, -_INTERVAL_ENDS:-2] = central_interval(sides, coverage).reshape(-1, 4)
    counts[:, -2:] = central_interval(sums[:, _BY_TOTAL], coverage)
    return MarketTable(numbers, counts)


def _consecutive(*sizes: int) -> list[slice]:
    ends = [0, *accumulate(sizes)]
    return [slice(start, end) for start, end in pairwise(ends)]


# Where the markets stand among the numbers.
_EXPECTED, _TOTALS, _BOTH, _DOUBLE, _NO_BET, _HANDICAPS = _consecutive(
    2, 3 * len(OVER_UNDER_LINES), 2, 3, 2, 3 * len(HANDICAP_LINES)
)
_INTERVAL_ENDS: Final = 6
_DOUBLE_FIRST, _DOUBLE_SECOND = [0, 0, 1], [1, 2, 2]  # outcomes of home or draw, home or away, draw or away

_HOME, _AWAY = (goals.ravel() for goals in np.indices((SIZE, SIZE)))
_GOALS: Final = np.arange(SIZE, dtype=np.float64)
_TOTAL_GOALS: Final = np.arange(2 * MAX_GOALS + 1)
_MARGINS: Final = np.arange(-MAX_GOALS, MAX_GOALS + 1)


def _grouped(*keys: Counts) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the cells in the order of each key, one key behind the other, and where each value of a key begins."""
    orders = [np.argsort(key, kind="stable") for key in keys]
    starts = [np.searchsorted(key[order], np.unique(key)) for key, order in zip(keys, orders, strict=True)]
    offsets = np.arange(len(keys)) * SIZE * SIZE
    return np.concatenate(orders), np.concatenate([s + o for s, o in zip(starts, offsets, strict=True)])


# Sums of cells: of each total, of each margin, of each number of home and of away goals, and where both teams score.
_CELLS, _SUM_START = _grouped(_HOME + _AWAY, _HOME - _AWAY, _HOME, _AWAY)
_BY_TOTAL, _BY_MARGIN, _SIDES = _consecutive(len(_TOTAL_GOALS), len(_MARGINS), 2 * SIZE)
_SUM_START = np.append(_SUM_START, len(_CELLS))
_CELLS = np.append(_CELLS, np.flatnonzero((_HOME > 0) & (_AWAY > 0)))


def _ranges() -> tuple[list[int], list[int]]:
    """Return the columns of the numbers that sum a range of totals or margins, and the first and last end of each range.

    Where a part of a line can hold nothing, such as the push of a half line, there is no range, and the number stays 0.
    """
    columns: list[int] = []
    ends: list[int] = []
    lines: list[tuple[float, int, Counts, int]]
    lines = [(line, _TOTALS.start + 3 * i, _TOTAL_GOALS, _BY_TOTAL.start) for i, line in enumerate(OVER_UNDER_LINES)]
    # The home team covers where its margin exceeds minus the line.
    lines += [(-line, _HANDICAPS.start + 3 * i, _MARGINS, _BY_MARGIN.start) for i, line in enumerate(HANDICAP_LINES)]
    for line, column, values, first in lines:
        below, not_above = int((values < line).sum()), int((values <= line).sum())
        for part, (start, end) in enumerate([(not_above, len(values)), (0, below), (below, not_above)]):
            if start < end:
                columns.append(column + part)
                ends += [first + start, first + end]
    return columns, ends


_RANGE_COLUMN, _RANGE_ENDS = _ranges()


def total_distribution(grid: Array) -> Array:
    """Return the probabilities of 0, 1, ... goals in total. Shape (n, 2 * MAX_GOALS + 1)."""
    return _sums(grid)[:, _BY_TOTAL]


def margin_distribution(grid: Array) -> Array:
    """Return the probabilities of home minus away goals from -MAX_GOALS up. Shape (n, 2 * MAX_GOALS + 1)."""
    return _sums(grid)[:, _BY_MARGIN]


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
    margins = margin_distribution(grid)
    lead = _MARGINS + line  # 0 gives the stake back
    parts = [margins[:, side].sum(axis=1) for side in (lead > 0.0, lead == 0.0, lead < 0.0)]
    return np.stack(parts, axis=1)


def draw_no_bet(proba: Array) -> Array:
    """Return home and away given that the match is no draw, shape (n, 2); a half each where only the draw is possible.

    >>> draw_no_bet(np.array([[0.5, 0.2, 0.3]]))
    array([[0.625, 0.375]])
    """
    decisive = proba[:, 0] + proba[:, 2]
    never = decisive <= 0.0
    home = (proba[:, 0] + 0.5 * never) / (decisive + never)
    return np.stack([home, 1.0 - home], axis=1)


def most_likely_scores(grid: Array, count: int) -> tuple[Counts, Counts, Array]:
    """Return home goals, away goals and probability of the most likely scores, most likely first. Shape (n, count).

    Of equally likely scores the one with fewer home goals comes first, then the one with fewer away goals.
    """
    cells = _cells(grid)
    least = np.partition(cells, -count, axis=1)[:, -count, None]
    chosen = cells >= least
    if np.count_nonzero(chosen) > count * len(cells):  # others are as likely as the last one
        chosen = _first_of_equals(cells, least, count)
    place = np.flatnonzero(chosen).reshape(-1, count)
    order = np.argsort(-cells.take(place), axis=1, kind="stable") + np.arange(0, place.size, count)[:, None]
    place = place.take(order)
    cell = place % (SIZE * SIZE)
    return _HOME.take(cell), _AWAY.take(cell), cells.take(place)


def _first_of_equals(cells: Array, least: Array, count: int) -> NDArray[np.bool_]:
    is_above, is_tied = cells > least, cells == least
    room = count - is_above.sum(axis=1, keepdims=True)
    chosen: NDArray[np.bool_] = is_above | (is_tied & (np.cumsum(is_tied, axis=1) <= room))
    return chosen


def _sums(grid: Array) -> Array:
    """Return the sums of cells that the markets are made of, one row a grid."""
    return np.add.reduceat(_cells(grid).take(_CELLS, axis=1), _SUM_START, axis=1)


def _cells(grid: Array) -> Array:
    return grid.reshape(len(grid), SIZE * SIZE)
