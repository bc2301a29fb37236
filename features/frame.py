"""Feature values with their names: one row a match, one column a feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FeatureFrame:
    """Hold feature values; NaN is a value that cannot be known.

    Attributes:
        names: The f column names, without repeats.
        values: Shape (n, f).
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(
                f"values of shape {self.values.shape} do not fit {len(self.names)} names; expected (n, {len(self.names)})"
            )
        if len(set(self.names)) != len(self.names):
            raise ValueError("feature names repeat; each column needs a name of its own")

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column, shape (n,). Raises KeyError with the known names if there is none of that name."""
        return self.values[:, self._position(name)]

    def select(self, names: Sequence[str]) -> Self:
        """Return the named columns in the given order. Raises KeyError as ``column`` does."""
        wanted = tuple(names)
        if wanted == self.names:
            return self
        places = list(map(self._position, wanted))
        return type(self)(wanted, self.values.take(places, axis=1))

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return the chosen rows (indices, a mask or a slice)."""
        return type(self)(self.names, self.values[rows])

    def replace(self, row: int, overrides: Mapping[str, float]) -> None:
        """Write values into one row, in place. Raises KeyError as ``column`` does."""
        for name, value in overrides.items():
            self.values[row, self._position(name)] = value

    def _position(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"no feature is called {name!r}; this frame has {', '.join(self.names)}") from None

    @classmethod
    def from_columns(cls, columns: Mapping[str, NDArray[np.float64]]) -> Self:
        """Build a frame from equally long columns."""
        return cls(tuple(columns), np.column_stack(list(columns.values())).astype(np.float64, copy=False))
