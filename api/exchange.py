"""One request and its answer, as the handlers see them; the ASGI messages stay in application.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.headers import JSON_MEDIA_TYPE

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]


@dataclass(slots=True)
class Call:
    """Hold one request after routing.

    Attributes:
        parameters: Decoded segments of the path by name.
        query: The raw query string.
        started: ``time.perf_counter()`` when the request arrived.
        predictions: Set by the handler: how many forecasts were asked for; goes to the access log.
    """

    request_id: str
    parameters: Mapping[str, str]
    query: bytes
    headers: Sequence[Header]
    receive: Receive
    started: float
    predictions: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what goes back, without the headers that every answer has."""

    status: int
    body: bytes
    media_type: bytes = JSON_MEDIA_TYPE
    headers: list[Header] = field(default_factory=list)


Handler = Callable[[Call], Awaitable[Answer]]
