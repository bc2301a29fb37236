"""Growing columns of state: one row a team, a competition or a pairing.

Row 0 belongs to nobody: it stays blank, so that a team never seen before can
be looked up like any other and shows its blank values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NOBODY = 0


class Codes:
    """Number texts in the order of their first appearance, from 1; 0 is the unknown one.

    >>> codes = Codes()
    >>> codes.learn(["a", "b", "a"]).tolist(), codes.look_up(["b", "c"]).tolist()
    ([1, 2, 1], [2, 0])
    """

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.numbers) + 1

    def learn(self, texts: Any) -> NDArray[np.int64]:
        """Return the numbers of texts, giving new ones to those not seen before."""
        numbers = self.numbers
        return np.array([numbers.setdefault(text, len(numbers) + 1) for text in texts], dtype=np.int64)

    def look_up(self, texts: Any) -> NDArray[np.int64]:
        """Return the numbers of texts, 0 for those never learned; changes nothing."""
        numbers = self.numbers
        return np.array([numbers.get(text, NOBODY) for text in texts], dtype=np.int64)


class Ledger:
    """Hold named columns that grow together, each with the value of a blank row.

    >>> ledger = Ledger(rating=1500.0)
    >>> ledger.grow(3)
    >>> ledger["rating"][:3].tolist()
    [1500.0, 1500.0, 1500.0]
    """

    def __init__(self, **blank: float | NDArray[np.float64]) -> None:
        self.blank = {name: np.asarray(value, dtype=np.float64) for name, value in blank.items()}
        self.columns = {name: self._rows(name, 1) for name in self.blank}

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.columns[name]

    def grow(self, size: int) -> None:
        """Make room for at least ``size`` rows; existing rows keep their values."""
        have = len(next(iter(self.columns.values())))
        if size <= have:
            return
        room = max(size, 2 * have) - have
        for name, column in self.columns.items():
            self.columns[name] = np.concatenate([column, self._rows(name, room)])

    def _rows(self, name: str, count: int) -> NDArray[np.float64]:
        blank = self.blank[name]
        return np.broadcast_to(blank, (count, *blank.shape)).copy()


def row_sums(rows: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Add up values that belong to the same ledger row. Shape (size,).

    >>> row_sums(np.array([1, 1, 2]), np.array([0.5, 0.25, 3.0]), 4).tolist()
    [0.0, 0.75, 3.0, 0.0]
    """
    sums: NDArray[np.float64] = np.bincount(rows, weights=values, minlength=size)[:size].astype(np.float64, copy=False)
    return sums


def known_or(
    column: NDArray[np.float64], rows: NDArray[np.int64], otherwise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the values of a column's rows, or the other value where the row is nobody's. Shape (n,).

    >>> known_or(np.array([0.0, 7.0]), np.array([1, 0]), np.array([5.0, 5.0])).tolist()
    [7.0, 5.0]
    """
    return np.where(rows == NOBODY, otherwise, column[rows])


def follow(column: NDArray[np.float64], rows: NDArray[np.int64], values: NDArray[np.float64], step: float) -> None:
    """Move each touched row of a column a step per value towards the mean of its values, in place.

    >>> mean = np.array([0.0, 0.0])
    >>> follow(mean, np.array([1, 1]), np.array([1.0, 3.0]), 0.1)
    >>> mean.tolist()
    [0.0, 0.4]
    """
    size = len(column)
    count = row_sums(rows, np.ones(len(rows)), size)
    above = row_sums(rows, values - column[rows], size)
    column += step * above / np.maximum(1.0, step * count)
