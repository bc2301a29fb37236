"""Query strings: parsed strictly, decoded by a schema, refused with the name of the parameter."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import UnsetType

from api.errors import Code, Refusal
from api.questions import in_utc
from api.violations import refusal_of_violation, shortened

S = TypeVar("S", bound=msgspec.Struct)

_LAST_INSTANT = dt.time(23, 59, 59, 999_999, tzinfo=dt.UTC)


def decode_query(query: bytes, schema: type[S]) -> S:
    """Return the parameters of a query string by its schema.

    Raises:
        Refusal: 422 with a path such as ``$.query.limit``, if one is unknown, repeated or unacceptable.
    """
    if not query:
        return schema()
    values: dict[str, str] = {}
    for name, value in _pairs(query):
        if name in values:
            raise _refused(name, f"The query parameter {shortened(name)!r} is given twice. Give it once.")
        values[name] = value
    try:
        return msgspec.convert(values, schema, strict=False)
    except msgspec.ValidationError as error:
        raise refusal_of_violation(error, root="$.query", schema="of the operation") from error


def instant_of(text: str | UnsetType, name: str, *, is_end: bool = False) -> dt.datetime | None:
    """Return the instant that a date or time stands for; a date is its first instant, or its last for an end.

    >>> instant_of("2026-11-24", "from").isoformat()
    '2026-11-24T00:00:00+00:00'

    Raises:
        Refusal: 422 if it is neither a date nor an RFC 3339 time with an offset.
    """
    if isinstance(text, UnsetType):
        return None
    try:
        if len(text) == len("2026-11-24"):
            day = msgspec.convert(text, dt.date)  # date.fromisoformat would also take 2026-W48-2
            return dt.datetime.combine(day, _LAST_INSTANT if is_end else dt.time(tzinfo=dt.UTC))
        moment: dt.datetime | None = msgspec.convert(text, dt.datetime)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _refused(
            name,
            f"The query parameter {name} is {shortened(text)!r}, expected a date such as 2026-11-24 or a time such as"
            " 2026-11-24T15:30:00Z.",
        )
    return in_utc(moment, path=f"$.query.{name}")


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=50
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise Refusal(
            Code.INVALID_REQUEST,
            "The query string cannot be read, expected name=value pairs joined by &, percent-encoded UTF-8.",
            path="$.query",
        ) from error


def _refused(name: str, message: str) -> Refusal:
    return Refusal(Code.INVALID_REQUEST, message, path=f"$.query.{shortened(name)}")
