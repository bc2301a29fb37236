"""Single values as sources write them, each by an explicit format."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from ingest.errors import RowRefused

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_BRITISH_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})")
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?::\d{2})?")

# Two-digit years of 70 and later are of the last century; football-data's files begin in 1993.
_CENTURY_PIVOT = 70


@lru_cache(maxsize=1 << 15)
def iso_day(text: str) -> dt.date:
    """Read a date written YYYY-MM-DD.

    Raises:
        RowRefused: If it is not, or no such day exists.
    """
    try:
        if _ISO_DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError as error:
        raise RowRefused(f"date {text!r} does not exist ({error})") from error
    raise RowRefused(f"date {text!r} is not written YYYY-MM-DD")


@lru_cache(maxsize=1 << 15)
def british_day(text: str) -> dt.date:
    """Read a date written dd/mm/yy or dd/mm/yyyy.

    Raises:
        RowRefused: If it is not, or no such day exists.

    >>> british_day("14/08/15"), british_day("26/12/1993")
    (datetime.date(2015, 8, 14), datetime.date(1993, 12, 26))
    """
    found = _BRITISH_DAY.fullmatch(text)
    if found is None:
        raise RowRefused(f"date {text!r} is not written dd/mm/yy or dd/mm/yyyy")
    year = int(found[3])
    if len(found[3]) == 2:
        year += 1900 if year >= _CENTURY_PIVOT else 2000
    try:
        return dt.date(year, int(found[2]), int(found[1]))
    except ValueError as error:
        raise RowRefused(f"date {text!r} does not exist ({error}); it is read as day/month/year") from error


@lru_cache(maxsize=4096)
def time_of_day(text: str) -> dt.time | None:
    """Read a time written HH:MM, None where there is none.

    Raises:
        RowRefused: If it is anything else.
    """
    if not text:
        return None
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise RowRefused(f"time {text!r} is not written HH:MM")
    return dt.time(int(found[1]), int(found[2]))


@lru_cache(maxsize=4096)
def count(text: str, column: str) -> int | None:
    """Read a whole number such as "3" or "3.0", None where there is none.

    Raises:
        RowRefused: If it is anything else.
    """
    number = real(text, column)
    if number is None:
        return None
    if not number.is_integer():
        raise RowRefused(f"{column} is {text!r}; expected a whole number")
    return int(number)


def real(text: str, column: str) -> float | None:
    """Read a finite number, None where there is none.

    Raises:
        RowRefused: If it is anything else.
    """
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if abs(number) == float("inf") or number != number:  # noqa: PLR0124 - only NaN differs from itself
        raise RowRefused(f"{column} is {text!r}; expected a number")
    return number
