"""Numbers as they are printed: a real minus sign, digits that fit the quantity, intervals that do not break in a line."""

from __future__ import annotations

import math
from collections.abc import Mapping

NONE = "–"
SPACE = "\N{NO-BREAK SPACE}"


def number(value: float, digits: int = 4) -> str:
    """Return a number with so many decimals; a dash for what could not be computed.

    >>> number(-0.00125, 5), number(float("nan")), number(float("inf"))
    ('−0.00125', '–', '∞')
    """
    return NONE if math.isnan(value) else _typeset(f"{value:.{digits}f}")


def signed(value: float, digits: int = 5) -> str:
    """Return a difference with its sign.

    >>> signed(0.5, 2), signed(-0.5, 2)
    ('+0.50', '−0.50')
    """
    return NONE if math.isnan(value) else _typeset(f"{value:+.{digits}f}")


def share(value: float, digits: int = 1) -> str:
    r"""Return a share as a percentage.

    >>> share(0.5284)
    '52.8\xa0%'
    """
    return NONE if math.isnan(value) else f"{100.0 * value:.{digits}f}{SPACE}%"


def between(low: str, high: str) -> str:
    r"""Return the words for an interval.

    >>> between("1", "2")
    '1\xa0to\xa02'
    """
    return f"{low}{SPACE}to{SPACE}{high}"


def difference(told: Mapping[str, float], digits: int = 5) -> str:
    r"""Return a mean difference with its interval, which may go to a line of its own.

    >>> difference({"mean": -0.25, "low": -0.5, "high": 0.125}, 3)
    '−0.250 (−0.500\xa0to\xa0+0.125)'
    """
    return f"{signed(told['mean'], digits)} ({between(signed(told['low'], digits), signed(told['high'], digits))})"


def _typeset(text: str) -> str:
    return text.replace("-", "−").replace("inf", "∞")
