"""Request bodies: read with a bound, decoded by a schema, refused with the path of the field.

A body is JSON or it is not (400); JSON that a schema refuses is another matter (422).
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TypeVar

import msgspec

from api.errors import Code, Refusal
from api.exchange import Call
from api.headers import header, require_json
from api.violations import refusal_of_violation, shortened

T = TypeVar("T")


def _named_once(pairs: list[tuple[str, object]]) -> None:
    """Take the fields of one object; raise ValueError if a name comes twice."""
    if len({name for name, _ in pairs}) != len(pairs):
        repeated = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"it names {shortened(repeated)!r} twice in one object")


# Python's own reader is the one that shows all fields of an object. Numbers are nobody's business here.
_names = json.JSONDecoder(object_pairs_hook=_named_once, parse_int=lambda _: None, parse_float=lambda _: None)
# With a hook, 1e999 becomes infinity instead of an error, so that the key that holds it can be named.
_plain = msgspec.json.Decoder(float_hook=float)


class CallerLeft(Exception):
    """Say that the caller closed the connection before the body was complete."""


async def read_body(call: Call, *, limit_bytes: int) -> bytes:
    """Return the whole body, never holding more than the limit plus one chunk.

    Raises:
        Refusal: 413 as soon as the declared or received length passes the limit; 415 if a body is not JSON.
        CallerLeft: If the connection closed first.
    """
    if (declared := header(call.headers, b"content-length")) is not None and _exceeds(declared, limit_bytes):
        raise _too_large(limit_bytes)
    chunks: list[bytes] = []
    total = 0
    while True:
        message = await call.receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        chunk = message.get("body", b"")
        total += len(chunk)
        if total > limit_bytes:
            raise _too_large(limit_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    if total:
        require_json(call.headers)
    call.body = b"".join(chunks)
    return call.body


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode a body by its schema.

    Raises:
        Refusal: 400 INVALID_JSON if it is empty or not JSON, 422 INVALID_REQUEST with the path otherwise.
    """
    if not body:
        raise Refusal(Code.INVALID_JSON, "The body is empty, expected a JSON object. Send one.")
    try:
        decoded = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise refusal_of_violation(error, content=plain_json(body), schema=_name_of(decoder)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error) from error
    refuse_repeated_names(body)
    return decoded


def refuse_repeated_names(body: bytes) -> None:
    """Raise Refusal (400) if an object anywhere in a JSON text names a field twice.

    Readers differ in which of the two they believe (RFC 8259, section 4), so that what a proxy or a log saw need not be
    what was answered.
    """
    try:
        _names.decode(body.decode())
    except json.JSONDecodeError:
        return  # what stands in a list of raw values, which is not read before ``plain_json``
    except (ValueError, RecursionError) as error:
        raise _not_json(error) from error


def decode_item(item: msgspec.Raw, decoder: msgspec.json.Decoder[T], *, root: str) -> T:
    """Decode one item of a list of raw values; ``root`` says where it stands, such as ``$.requests[3]``."""
    try:
        return decoder.decode(item)
    except msgspec.ValidationError as error:
        raise refusal_of_violation(error, content=plain_json(item), root=root, schema=_name_of(decoder)) from error


def plain_json(body: bytes | msgspec.Raw) -> object:
    """Decode JSON into plain data, whatever its shape; None if a number in it is beyond all reason.

    Raises:
        Refusal: 400 if it is not JSON. A list of raw values is cut out of a body without
            looking at the text inside, so this is also how such a body is checked as a whole.
    """
    try:
        return _plain.decode(body)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error) from error


def require_at_most(limit: int, given: int, field: str) -> None:
    """Raise Refusal (422) if a list is longer than the settings allow."""
    if given > limit:
        raise Refusal(
            Code.INVALID_REQUEST,
            f"{given} {field} were given, expected 1 to {limit}. Send them in several calls.",
            path=f"$.{field}",
            details={"given": given, "maximum": limit},
        )


def _name_of(decoder: msgspec.json.Decoder[T]) -> str:
    return str(getattr(decoder.type, "__name__", decoder.type))


def _exceeds(declared: bytes, limit_bytes: int) -> bool:
    return declared.isdigit() and (len(declared) > 15 or int(declared) > limit_bytes)


def _too_large(limit_bytes: int) -> Refusal:
    return Refusal(
        Code.BODY_TOO_LARGE,
        f"The body is longer than {limit_bytes} bytes, the most that is read. Send fewer items at a time.",
        details={"max_body_bytes": limit_bytes},
    )


def too_slow(seconds: float) -> Refusal:
    """Return the refusal (408) of a body that did not come to its end in time; its connection cannot be used again."""
    refusal = Refusal(
        Code.BODY_TIMEOUT,
        f"The body did not come to its end within {seconds:g} s. Send it at once.",
        details={"body_timeout_s": seconds},
    )
    refusal.headers.append((b"connection", b"close"))
    return refusal


def _not_json(error: Exception) -> Refusal:
    if isinstance(error, RecursionError):
        reason = "it is nested too deeply"
    elif isinstance(error, UnicodeDecodeError):
        reason = "it is not UTF-8"
    else:
        reason = str(error).removeprefix("JSON is malformed: ")
    return Refusal(Code.INVALID_JSON, f"The body is not JSON: {reason}. Send one JSON object in UTF-8.")
