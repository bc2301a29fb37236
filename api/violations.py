"""What a schema refused, in the caller's words: a message and the path of the field at fault.

msgspec puts the path at the end of its message and leaves it out at the root;
it says ``[...]`` for a key of an object. Both are completed here.
"""

from __future__ import annotations

import math
import re
from typing import Final

import msgspec

from api.errors import Code, Refusal

_NAMED_FIELD: Final = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)
_PATH: Final = re.compile(r"(.*) - at (?:`key` in )?`(\$[^`]*)`", re.DOTALL)
_LONGEST_ECHO: Final = 100


def refusal_of_violation(
    error: msgspec.ValidationError, *, content: object = None, root: str = "$", schema: str
) -> Refusal:
    """Return the 422 for what a schema refused.

    Args:
        error: What msgspec raised.
        content: The refused value as plain data, so that a bad key of an object can be named.
        root: Where the refused value stands in the request, such as ``$.requests[3]``.
        schema: Name of the published schema, for the advice.
    """
    message, path = _split(str(error))
    path = shortened(_with_key(path, content))
    return Refusal(
        Code.INVALID_REQUEST,
        f"{_sentence(message)} at {root}{path[1:]}. The schema {schema} in /openapi.json says what is accepted.",
        path=f"{root}{path[1:]}",
    )


def shortened(text: str) -> str:
    """Return text short enough to be repeated to the caller.

    >>> shortened("x" * 200) == "x" * 100 + "..."
    True
    """
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "..."


def _split(text: str) -> tuple[str, str]:
    if named := _NAMED_FIELD.fullmatch(text):
        return text.replace(named[1], shortened(named[1])), f"$.{named[1]}"
    if placed := _PATH.fullmatch(text):
        return placed[1], placed[2]
    return text, "$"


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{shortened(message[1:])}"


def _with_key(path: str, content: object) -> str:
    """Replace a trailing ``[...]`` by the first key whose value is not a finite number."""
    name, marker, _ = path.removeprefix("$.").partition("[...]")
    if not marker or not isinstance(content, dict) or not isinstance(content.get(name), dict):
        return path.replace("[...]", "")
    at_fault = next((key for key, value in content[name].items() if not _is_number(value)), None)
    return f"$.{name}" if at_fault is None else f"$.{name}.{at_fault}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False
