"""The features of the same match with the sides named the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from features.frame import FeatureFrame

# Numbers of the home side against the away side: they change their sign.
SIGNED: Final = ("elo_difference", "pi_goal_difference", "head_to_head_margin")
_SIDES: Final = (("home", "away"), ("away", "home"))


def mirrored(frame: FeatureFrame) -> FeatureFrame:
    """Return the frame as it would be with home and away exchanged; true for matches at a neutral venue only.

    >>> import numpy as np
    >>> frame = FeatureFrame(("elo_home", "elo_away", "elo_difference"), np.array([[1600.0, 1500.0, 100.0]]))
    >>> mirrored(frame).values.tolist()
    [[1500.0, 1600.0, -100.0]]
    """
    values = frame.values[:, partners(frame.names)]
    values[:, [place for place, name in enumerate(frame.names) if name in SIGNED]] *= -1.0
    return FeatureFrame(frame.names, values)


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
