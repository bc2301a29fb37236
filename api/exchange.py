"""One request and its answer, as the handlers see them; the ASGI messages stay in application.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

import msgspec

from api.headers import JSON_MEDIA_TYPE

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]


UNMATCHED: Final = "unmatched"


class Call(msgspec.Struct):
    """Hold one request, and what is learned of it on its way.

    Attributes:
        raw_path: As sent, percent-encoded.
        query: The raw query string.
        started: ``time.perf_counter()`` when the request arrived.
        address: Where it comes from.
        template: Of the route, once it is found; few values, fit for logs and metrics.
        parameters: Decoded segments of the path by name.
        route_headers: Sent with every answer of the route, errors included.
        body: Once it is read.
        predictions: How many forecasts were asked for, once that is known.
        refused_as: The code of what it was refused with; empty where it was not.
    """

    request_id: str
    method: str
    raw_path: bytes
    query: bytes
    headers: Sequence[Header]
    receive: Receive
    started: float
    address: str = ""
    template: str = UNMATCHED
    parameters: Mapping[str, str] = {}
    route_headers: Sequence[Header] = ()
    body: bytes = b""
    predictions: int = 0
    refused_as: str = ""


class Answer(msgspec.Struct, frozen=True):
    """Hold what goes back, without the headers that every answer has."""

    status: int
    body: bytes
    media_type: bytes = JSON_MEDIA_TYPE
    headers: Sequence[Header] = ()


Handler = Callable[[Call], Awaitable[Answer]]
