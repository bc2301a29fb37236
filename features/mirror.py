"""The features of the same match with the sides named the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from features.frame import FeatureFrame

# Numbers of the home side against the away side: they change their sign.
SIGNED: Final = ("elo_difference", "pi_goal_difference", "head_to_head_margin")
_SIDES: Final = (("home", "away"), ("away", "home"))


@dataclass(frozen=True, slots=True)
class Mirror:
    """Hold how columns change with the sides, for those who turn rows of the same columns again and again.

    Attributes:
        places: Of each column's counterpart. Shape (f,).
        signs: That it comes with, 1 or -1. Shape (f,).
    """

    places: NDArray[np.intp]
    signs: NDArray[np.float64]

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """Return the mirror of columns of these names."""
        signs = np.array([-1.0 if name in SIGNED else 1.0 for name in names])
        return cls(np.array(partners(names), dtype=np.intp), signs)

    def turned(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows with the sides the other way round. Shape (n, f)."""
        turned: NDArray[np.float64] = values.take(self.places, axis=1) * self.signs
        return turned


def mirrored(frame: FeatureFrame) -> FeatureFrame:
    """Return the frame as it would be with home and away exchanged; true for matches at a neutral venue only.

    >>> import numpy as np
    >>> frame = FeatureFrame(("elo_home", "elo_away", "elo_difference"), np.array([[1600.0, 1500.0, 100.0]]))
    >>> mirrored(frame).values.tolist()
    [[1500.0, 1600.0, -100.0]]
    """
    return FeatureFrame(frame.names, Mirror.of(frame.names).turned(frame.values))


def partners(names: Sequence[str]) -> list[int]:
    """Return the place of each column's counterpart on the other side; of one that has none, its own.

    >>> partners(("elo_home", "draw_rate", "elo_away"))
    [2, 1, 0]
    """
    place = {name: number for number, name in enumerate(names)}
    return [place.get(_other_side(name), number) for number, name in enumerate(names)]


def _other_side(name: str) -> str:
    for side, other in _SIDES:
        if name.endswith(f"_{side}"):
            return f"{name.removesuffix(side)}{other}"
    return name
