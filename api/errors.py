"""What the API refuses, and the one place where errors become codes and codes become statuses.

Refusal                 a request that cannot be answered; raised by the API itself
PredictionFailure       raised or returned by the runners; ``refusal_of`` turns it into a Refusal
anything else           500 INTERNAL_ERROR; its text goes to the log, never to the caller
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from runners import errors as failures


class Code(StrEnum):
    """Name what went wrong; callers branch on this, never on the message."""

    INVALID_JSON = "INVALID_JSON"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    MODEL_NOT_FOUND = "MODEL_NOT_FOUND"
    MODEL_VERSION_NOT_FOUND = "MODEL_VERSION_NOT_FOUND"
    MATCH_NOT_FOUND = "MATCH_NOT_FOUND"
    TEAM_NOT_FOUND = "TEAM_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    BODY_TIMEOUT = "BODY_TIMEOUT"
    GONE = "GONE"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    INVALID_REQUEST = "INVALID_REQUEST"
    FEATURE_INVALID = "FEATURE_INVALID"
    FEATURE_MISSING = "FEATURE_MISSING"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    MODEL_UNAVAILABLE = "MODEL_UNAVAILABLE"
    OVERLOADED = "OVERLOADED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"


STATUS: Final[Mapping[Code, int]] = {
    Code.INVALID_JSON: 400,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.MODEL_NOT_FOUND: 404,
    Code.MODEL_VERSION_NOT_FOUND: 404,
    Code.MATCH_NOT_FOUND: 404,
    Code.TEAM_NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.BODY_TIMEOUT: 408,
    Code.GONE: 410,
    Code.BODY_TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.INVALID_REQUEST: 422,
    Code.FEATURE_INVALID: 422,
    Code.FEATURE_MISSING: 422,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL_ERROR: 500,
    Code.MODEL_UNAVAILABLE: 503,
    Code.OVERLOADED: 503,
    Code.DEADLINE_EXCEEDED: 504,
}

MEANING: Final[Mapping[Code, str]] = {
    Code.INVALID_JSON: "The body is not JSON, names a field of an object twice, or is empty where one is needed.",
    Code.UNAUTHENTICATED: "A key is needed, and none was sent, or one that is unknown, revoked or expired.",
    Code.FORBIDDEN: "The key does not open this, or this server does not do it; the message says which, and what to do.",
    Code.NOT_FOUND: "No such path, or no such competition. A word of the API in the place of a model's name is no such path.",
    Code.MODEL_NOT_FOUND: "No model of that name; details list the known ones.",
    Code.MODEL_VERSION_NOT_FOUND: "The model store has no such version of the model; details list the loaded ones.",
    Code.MATCH_NOT_FOUND: "No match of that id.",
    Code.TEAM_NOT_FOUND: "No team of that name; details list the nearest ones.",
    Code.METHOD_NOT_ALLOWED: "The path exists, the method does not; Allow lists those that do.",
    Code.BODY_TIMEOUT: "The body did not come to its end in time; the connection is closed.",
    Code.GONE: "The old API has ended; details name its successor.",
    Code.BODY_TOO_LARGE: "The body is longer than the service reads.",
    Code.UNSUPPORTED_MEDIA_TYPE: "The body is not declared as application/json in UTF-8 without content coding.",
    Code.INVALID_REQUEST: "A field or parameter is missing, unknown, of a wrong type or contradicts another.",
    Code.FEATURE_INVALID: "A feature override is unknown or out of range.",
    Code.FEATURE_MISSING: "The model needs a feature that cannot be computed for this match.",
    Code.RATE_LIMITED: "The caller asks for more than his share; Retry-After says when to ask again.",
    Code.INTERNAL_ERROR: "The service failed; quote the request id to its operator.",
    Code.MODEL_UNAVAILABLE: "The model cannot answer now; Retry-After says when to ask again.",
    Code.OVERLOADED: "More is asked than can be answered in time; Retry-After says when to ask again.",
    Code.DEADLINE_EXCEEDED: "The answer took longer than the service allows.",
}

_CODE_OF_FAILURE: Final[Mapping[type[failures.PredictionFailure], Code]] = {
    failures.ModelNotFound: Code.MODEL_NOT_FOUND,
    failures.ModelVersionNotFound: Code.MODEL_VERSION_NOT_FOUND,
    failures.ModelUnavailable: Code.MODEL_UNAVAILABLE,
    failures.MatchNotFound: Code.MATCH_NOT_FOUND,
    failures.TeamNotFound: Code.TEAM_NOT_FOUND,
    failures.CompetitionNotFound: Code.NOT_FOUND,
    failures.FeatureInvalid: Code.FEATURE_INVALID,
    failures.FeatureMissing: Code.FEATURE_MISSING,
    failures.ReloadIsOff: Code.FORBIDDEN,
    failures.QueryInvalid: Code.INVALID_REQUEST,
    failures.Overloaded: Code.OVERLOADED,
    failures.DeadlinePassed: Code.DEADLINE_EXCEEDED,
}


class Refusal(Exception):
    """Hold what the caller is told: code, message, path of the field at fault, more details."""

    def __init__(
        self, code: Code, message: str, *, path: str | None = None, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path
        self.details: dict[str, object] = {**(details or {})}
        self.headers: list[tuple[bytes, bytes]] = []
        if path is not None:
            self.details["path"] = path

    @property
    def status(self) -> int:
        """Return the HTTP status of the code."""
        return STATUS[self.code]


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """Every answer that is not a success has this one shape."""

    error: Code
    message: str
    details: dict[str, Any]
    request_id: str
    timestamp: dt.datetime


def refusal_of(
    failure: failures.PredictionFailure, *, places: Mapping[str, str] | None = None, prefix: str = "$"
) -> Refusal:
    """Turn a failure of the runners into what the caller is told.

    Args:
        failure: One of a class not listed above is an internal error, and its text stays inside.
        places: Where the caller put a value, if not in the body: ``{"$.match_id": "$.path.match_id"}``.
        prefix: Where the question stands in the body, such as ``$.requests[3]``.
    """
    code = _CODE_OF_FAILURE.get(type(failure))
    if code is None:
        return internal_error()
    path = None if failure.path is None else (places or {}).get(failure.path, f"{prefix}{failure.path[1:]}")
    refusal = Refusal(code, failure.message, path=path, details=failure.details)
    if isinstance(failure, failures.Overloaded):
        refusal.headers.append((b"retry-after", str(failure.retry_after_s).encode()))
    return refusal


def internal_error() -> Refusal:
    """Return the refusal that tells the caller nothing of the inside."""
    return Refusal(
        Code.INTERNAL_ERROR,
        "The service failed to answer a request that may have been right. Try again; if it stays, quote request_id.",
    )


def body_of(refusal: Refusal, *, request_id: str, timestamp: dt.datetime) -> Error:
    """Return the one error shape for a refusal."""
    return Error(
        error=refusal.code,
        message=refusal.message,
        details=refusal.details,
        request_id=request_id,
        timestamp=timestamp,
    )
