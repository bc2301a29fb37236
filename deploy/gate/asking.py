"""Asking a server over HTTP, with the time it took; what goes wrong is an answer, too."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

_OK: Final = 200
_SHOWN: Final = 300
_IDLE_S: Final = 2.0
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold what came back.

    Attributes:
        status: Of HTTP; 0 where none came.
        content: The decoded answer; None where there is none.
        failure: Why there is none, in words; empty where there is one.
        is_late: Whether the time for an answer was over.
        seconds: From sending to the last byte.
    """

    status: int
    content: Any
    failure: str
    is_late: bool
    seconds: float

    @property
    def is_declined(self) -> bool:
        """Return whether the server says that the question cannot be answered, and is well itself."""
        return 400 <= self.status < 500


class Asker:
    """Ask one server, one question at a time, over one connection. Lighter than httpx, whose work would count as the server's.

    Args:
        within_s: The longest that is waited for an answer.
    """

    def __init__(self, host: str, port: int, within_s: float) -> None:
        self._host, self._port, self._within_s = host, port, within_s
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def predict(self, question: Mapping[str, Any]) -> Reply:
        """Have one prediction computed anew."""
        return self.post("/v1/predictions/predict", {**question, "force_recalculate": True})

    def predict_all(self, questions: Sequence[Mapping[str, Any]]) -> Reply:
        """Have many computed together, with every market."""
        asked = [{**question, "prediction_type": "probability", "force_recalculate": True} for question in questions]
        return self.post("/v1/predictions/predict/batch", {"requests": asked})

    def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send JSON and wait for JSON."""
        return self._timed("POST", path, msgspec.json.encode(body))

    def get(self, path: str) -> Reply:
        """Read something."""
        return self._timed("GET", path, None)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _timed(self, method: str, path: str, body: bytes | None) -> Reply:
        began = time.perf_counter()
        try:
            status, payload = self._exchanged(method, path, body)
            content = msgspec.json.decode(payload)  # NaN and Infinity are no JSON, and are refused here
        except TimeoutError:
            self.close()
            return Reply(0, None, f"no answer within {self._within_s:g} s", True, time.perf_counter() - began)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            told = f"the connection broke off ({type(error).__name__}: {error})"
            return Reply(0, None, told, False, time.perf_counter() - began)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Reply(_OK, None, f"the answer is no JSON: {error}", False, time.perf_counter() - began)
        seconds = time.perf_counter() - began
        if status >= 300 or status < _OK:
            return Reply(status, None, f"status {status}: {payload[:_SHOWN].decode(errors='replace')}", False, seconds)
        return Reply(status, content, "", False, seconds)

    def _exchanged(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        if time.monotonic() - self._used_at > _IDLE_S:
            self.close()  # the server may be closing it just now
        if self._connection is not None:
            return self._once(self._connection, method, path, body)
        self._connection = http.client.HTTPConnection(self._host, self._port, timeout=self._within_s)
        return self._once(self._connection, method, path, body)

    def _once(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None
    ) -> tuple[int, bytes]:
        connection.request(method, path, body=body, headers={} if body is None else _JSON)
        answer = connection.getresponse()
        payload = answer.read()
        self._used_at = time.monotonic()
        return answer.status, payload
