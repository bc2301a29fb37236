"""Headers in and out: request ids, media types, HTTP dates."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Iterable
from email.utils import format_datetime
from itertools import count

from api.errors import Code, Refusal

JSON_MEDIA_TYPE = b"application/json"

_VALID_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_DECLARES_JSON = re.compile(rb'application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*', re.IGNORECASE)

Headers = Iterable[tuple[bytes, bytes]]


def header(headers: Headers, name: bytes) -> bytes | None:
    """Return the first value of a header; names arrive in lower case (ASGI)."""
    for key, value in headers:
        if key == name:
            return value
    return None


class RequestIds:
    """Give each request an id: the caller's own, or a random prefix of this worker and a running number."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)

    def of(self, headers: Headers) -> str:
        """Return the caller's X-Request-ID if it is valid, else a new one of 32 characters.

        Valid is 1 to 128 characters of ``A-Z a-z 0-9 . _ : -``, so that an id can
        be written into a log line and back into a header as it is.
        """
        given = header(headers, b"x-request-id")
        if given is not None and _VALID_REQUEST_ID.fullmatch(given):
            return given.decode("ascii")
        return f"{self._prefix}{next(self._numbers):016x}"


def require_json(headers: Headers) -> None:
    """Raise Refusal (415) unless the body is declared as JSON in UTF-8 without content coding."""
    given = header(headers, b"content-type")
    if given != JSON_MEDIA_TYPE and (given is None or not _DECLARES_JSON.fullmatch(given.strip())):
        shown = "no Content-Type" if given is None else f"Content-Type {given[:100].decode('latin-1')!r}"
        raise Refusal(
            Code.UNSUPPORTED_MEDIA_TYPE,
            f"The body came with {shown}, expected application/json (UTF-8). Set that header.",
        )
    coding = header(headers, b"content-encoding")
    if coding is not None and coding.strip().lower() not in {b"", b"identity"}:
        raise Refusal(
            Code.UNSUPPORTED_MEDIA_TYPE,
            f"The body came with Content-Encoding {coding[:100].decode('latin-1')!r}, expected none. Send it plain.",
        )


def http_date(moment: dt.datetime) -> str:
    """Write a time as HTTP does (RFC 9110, 5.6.7).

    >>> http_date(dt.datetime(2026, 12, 24, 12, 0, tzinfo=dt.UTC))
    'Thu, 24 Dec 2026 12:00:00 GMT'
    """
    return format_datetime(moment.astimezone(dt.UTC), usegmt=True)


def structured_date(moment: dt.datetime) -> str:
    """Write a time as a structured-field date (RFC 9651, 3.3.7), as ``Deprecation`` wants it (RFC 9745).

    >>> structured_date(dt.datetime(1970, 1, 2, tzinfo=dt.UTC))
    '@86400'
    """
    return f"@{int(moment.timestamp())}"
