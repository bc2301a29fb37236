"""What the documentation says of one route; the OpenAPI document and /docs are written from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from api.access.scopes import Scope
from api.errors import Code
from api.requests import NoQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Describe one route.

    Attributes:
        identifier: Unique name, for generated clients.
        scope: What a key must have to be let in, where keys are asked for.
        request: Schema of the body, None where none is read.
        is_body_optional: True where an empty body stands for the defaults.
        answer: Schema of the answer; None where it is not JSON of ours.
        query: Schema of the query string.
        refusals: Codes that this route can answer with, beyond those that any route can.
        example: A body that can be sent as it is.
        example_answer: What comes back, shortened where it is long.
        other_answers: Schemas of further answers by status.
    """

    identifier: str
    scope: Scope
    tag: str
    summary: str
    description: str = ""
    request: str | None = None
    is_body_optional: bool = False
    answer: str | None = None
    status: int = 200
    media_type: str = "application/json"
    query: type[msgspec.Struct] = NoQuery
    refusals: tuple[Code, ...] = ()
    example: Any = None
    example_answer: Any = None
    other_answers: tuple[tuple[int, str, str], ...] = ()
    is_deprecated: bool = False

    @property
    def all_refusals(self) -> tuple[Code, ...]:
        """Return every code that the route can answer with, in the order of their statuses."""
        general = {
            Code.INVALID_REQUEST,
            Code.UNAUTHENTICATED,
            Code.FORBIDDEN,
            Code.RATE_LIMITED,
            Code.OVERLOADED,
            Code.INTERNAL_ERROR,
        }
        if self.request is not None:
            general |= {Code.INVALID_JSON, Code.BODY_TIMEOUT, Code.BODY_TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE}
        return tuple(code for code in Code if code in general or code in self.refusals)
