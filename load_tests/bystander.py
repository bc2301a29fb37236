"""A caller who does no harm and asks on while others do."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Self

PAUSE_S = 0.02
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Question:
    """Hold what it asks."""

    method: str
    path: str
    body: bytes = b""
    key: str = ""


class Bystander:
    """Ask all the while, over a kept connection and a new one in turn, and keep what went wrong."""

    def __init__(self, port: int, question: Question) -> None:
        self.asked, self.failed = 0, 0
        self._port, self._question = port, question
        self._seconds: list[float] = []
        self._headers = {"content-type": "application/json"} if question.body else {}
        if question.key:
            self._headers["authorization"] = f"Bearer {question.key}"
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """End."""
        self._is_over.set()
        self._thread.join()

    @property
    def p99_ms(self) -> float:
        """Return the 99th percentile of its times."""
        ordered = sorted(self._seconds)
        return 1e3 * ordered[int(0.99 * (len(ordered) - 1))] if ordered else float("nan")

    def _run(self) -> None:
        kept = HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_S)
        while not self._is_over.wait(PAUSE_S):
            connection = kept if self.asked % 2 else HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_S)
            self._ask(connection)
            if connection is not kept:
                connection.close()
        kept.close()

    def _ask(self, connection: HTTPConnection) -> None:
        begun = time.perf_counter()
        self.asked += 1
        try:
            connection.request(self._question.method, self._question.path, self._question.body, self._headers)
            answer = connection.getresponse()
            answer.read()
            self.failed += answer.status != 200
        except (OSError, HTTPException):
            self.failed += 1
            connection.close()
        self._seconds.append(time.perf_counter() - begun)
