"""Bookmakers' view, only where odds were on offer before kick-off."""

from __future__ import annotations

from features.batch import Array, Columns

OUTCOMES = ("home", "draw", "away")


def describe_odds(decimal_odds: Array) -> Columns:
    """Return implied probabilities with the overround spread proportionally, and the overround itself.

    Args:
        decimal_odds: Shape (n, 3), home, draw, away; NaN where not on offer.

    >>> import numpy as np
    >>> describe_odds(np.array([[2.0, 4.0, 4.0]]))["odds_home"].tolist()
    [0.5]
    """
    inverse = 1.0 / decimal_odds
    total = inverse[:, 0] + inverse[:, 1] + inverse[:, 2]
    columns = {f"odds_{outcome}": inverse[:, i] / total for i, outcome in enumerate(OUTCOMES)}
    return columns | {"odds_overround": total - 1.0}
