"""What bookmakers' odds say of a match once the bookmaker's margin is taken out.

Inverse decimal odds sum to more than 1; the excess is the overround. How it is spread over the outcomes is not
told, so each method is an assumption. Knows columns as home, draw, away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise

Array = NDArray[np.float64]

# Rounding can put the far end of an exact bracket on the wrong side of zero.
_WIDER: Final = 1.001


def overround(decimal_odds: Array) -> Array:
    """Return what the inverse odds sum to above 1; negative where they sum to less, NaN where an odd is missing.

    Args:
        decimal_odds: Shape (n, 3), above 1; NaN where not on offer.

    Returns:
        Shape (n,).

    Raises:
        ValueError: If the shape is another, or an odd is 1 or less, or infinite.

    >>> overround(np.array([[1.6, 3.2, 3.2]])).round(9)
    array([0.25])
    """
    _check(decimal_odds)
    total: Array = (1.0 / decimal_odds).sum(axis=1) - 1.0
    return total


def multiplicative(decimal_odds: Array) -> Array:
    """Return probabilities proportional to the inverse odds: every outcome bears its share of the overround.

    Args:
        decimal_odds: Shape (n, 3), above 1. A row with a NaN gives a row of NaN.

    Returns:
        Shape (n, 3); rows sum to 1.

    Raises:
        ValueError: As ``overround``.

    Source: called basic normalization by Štrumbelj (2014), Int. J. Forecasting 30(4).

    >>> multiplicative(np.array([[1.6, 3.2, 3.2]])).round(9)
    array([[0.5 , 0.25, 0.25]])
    """
    _check(decimal_odds)
    return _normalised(1.0 / decimal_odds)


def power(decimal_odds: Array) -> Array:
    """Return the inverse odds raised to the one power k, a row its own, that makes them sum to 1.

    With an overround k is above 1, and outsiders lose the larger share. Shapes and errors as in ``multiplicative``.

    Source: Vovk & Zhdanov (2009), JMLR 10, who credit Khutsishvili; Clarke, Kovalchik & Ingram (2017), Am. J. Sports
    Science 5(6). The inverse odds below are 2/3, 2/3 and 1/3; their squares sum to 1.

    >>> (power(np.array([[1.5, 1.5, 3.0]])) * 9).round(9)
    array([[4., 4., 1.]])
    """
    _check(decimal_odds)
    return _by_row(decimal_odds, _power)


def shin(decimal_odds: Array) -> Array:
    """Return the probabilities by which a bookmaker sets such odds who fears that a share z of the stakes knows more.

    With B the sum of the inverse odds q, p = (sqrt(z^2 + 4 (1 - z) q^2 / B) - z) / (2 (1 - z)), and z in 0-1 makes
    the p of a row sum to 1. The bookmaker shortens outsiders most. Where B is 1 or less there is no margin that
    insiders could explain; such a row is ``multiplicative``. Shapes and errors as there.

    Source: Shin (1993), Economic Journal 103; the equation for z is Jullien & Salanié's (1994), Economic Journal 104,
    solved by bracketing as their iteration takes hundreds of steps where z is small. In the example z is 3/28.

    >>> shin(1 / np.array([[0.495, 0.495, 0.22]])).round(9)
    array([[0.42, 0.42, 0.16]])
    """
    _check(decimal_odds)
    return _by_row(decimal_odds, _shin)


METHODS: Final[Mapping[str, Callable[[Array], Array]]] = MappingProxyType(
    {"shin": shin, "power": power, "multiplicative": multiplicative}
)
"""The ways to take out the overround, by name."""


def _by_row(decimal_odds: Array, solve: Callable[[Array], Array]) -> Array:
    """Solve the complete rows; the others stay unknown."""
    known = ~np.isnan(decimal_odds).any(axis=1)
    proba = np.full(decimal_odds.shape, np.nan)
    if known.any():
        proba[known] = _normalised(solve(1.0 / decimal_odds[known]))
    return proba


def _power(inverse: Array) -> Array:
    log = np.log(inverse).T

    def excess(k: Array, home: Array, draw: Array, away: Array) -> Array:
        total: Array = np.exp(k * home) + np.exp(k * draw) + np.exp(k * away) - 1.0
        return total

    # At 0 the powers sum to 3; they sum to 1 at the latest where the favourite's alone is 1/3.
    furthest = -np.log(3.0) / log.max(axis=0) * _WIDER
    k = _root(excess, furthest, (log[0], log[1], log[2]))
    return np.asarray(np.exp(k * log).T)


def _shin(inverse: Array) -> Array:
    total = inverse.sum(axis=1)
    square = (inverse**2 / total[:, None]).T

    def excess(z: Array, home: Array, draw: Array, away: Array) -> Array:
        known: Array = _given(z, home) + _given(z, draw) + _given(z, away) - 1.0
        return known

    # p falls as z grows, so there is one root, and it lies in 0-1 where the sum is above 1 without insiders.
    has_margin = excess(np.zeros(len(total)), *square) > 0.0
    proba = inverse.copy()
    if has_margin.any():
        chosen = square[:, has_margin]
        z = _root(excess, np.ones(chosen.shape[1]), (chosen[0], chosen[1], chosen[2]))
        proba[has_margin] = _given(z, chosen).T
    return proba


def _given(z: Array, square: Array) -> Array:
    """Return p of z and q^2 / B; the fraction is turned over, for the textbook's loses its digits as z nears 1."""
    return np.asarray(2.0 * square / (np.sqrt(z**2 + 4.0 * (1.0 - z) * square) + z))


def _root(excess: Callable[..., Array], furthest: Array, arguments: tuple[Array, Array, Array]) -> Array:
    found = elementwise.find_root(excess, (np.zeros_like(furthest), furthest), args=arguments)
    if not np.all(found.success):
        raise ArithmeticError(f"no overround was found for {np.sum(~found.success)} rows; this is a mistake of ours")
    return np.asarray(found.x)


def _normalised(weights: Array) -> Array:
    proba: Array = weights / weights.sum(axis=1, keepdims=True)
    return proba


def _check(decimal_odds: Array) -> None:
    if decimal_odds.ndim != 2 or decimal_odds.shape[1] != 3:
        raise ValueError(f"given odds of shape {decimal_odds.shape}, expected (n, 3): home, draw, away")
    wrong = np.argwhere((decimal_odds <= 1.0) | np.isinf(decimal_odds))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"row {row}: {decimal_odds[row, column]} are no decimal odds; "
            "expected a number above 1, or NaN where there are none"
        )
