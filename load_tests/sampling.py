"""Checks of answers while the load is on: a few a second, over a connection of its own.

A load generator counts statuses; that the bodies are right it cannot say.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any, Self

PERIOD_S = 0.2
Check = Callable[[Any], str | None]


class Sampler:
    """Ask now and then in the background and keep what was wrong.

    Args:
        port: Of the server on 127.0.0.1.
        paths, bodies: Paired and asked in turn, from the end, so as not to run along with the load.
        check: Returns what is wrong with a decoded answer, or None.
    """

    def __init__(self, port: int, paths: Sequence[str], bodies: Sequence[bytes], check: Check) -> None:
        self.asked = 0
        self.wrong: list[str] = []
        self._port = port
        self._paths, self._bodies = paths, bodies
        self._check = check
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Cease."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(PERIOD_S):
            place = -1 - self.asked
            path = self._paths[place % len(self._paths)]
            body = self._bodies[place % len(self._bodies)]
            problem = ask(self._port, path, body, self._check)
            self.asked += 1
            if problem is not None:
                self.wrong.append(problem)


def ask(port: int, path: str, body: bytes, check: Check) -> str | None:
    """Send one request and return what is wrong with its answer, or None."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            return f"status {answer.status}: {content[:200]!r}"
        return check(json.loads(content))
    except (OSError, HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def settle(port: int, path: str, body: bytes, check: Check, *, seconds: float = 45.0) -> float:
    """Ask until an answer is right and return the seconds that it took; a server may be ready before its past is read.

    Raises:
        ValueError: If none is right within the time; shows the last.
    """
    begun = time.perf_counter()
    while (problem := ask(port, path, body, check)) is not None:
        if time.perf_counter() - begun > seconds:
            raise ValueError(f"no right answer to {path} within {seconds:.0f} s: {problem}")
        time.sleep(PERIOD_S)
    return time.perf_counter() - begun


def prediction_problem(answer: Any, *, is_cached: bool | None = None) -> str | None:
    """Return what is wrong with one prediction, or None.

    >>> prediction_problem({"home_win_prob": 0.5, "draw_prob": 0.3, "away_win_prob": 0.1})
    'the probabilities sum to 0.9, expected 1'
    """
    try:
        total = sum(answer[name] for name in ("home_win_prob", "draw_prob", "away_win_prob"))
    except (KeyError, TypeError):
        return f"no prediction: {str(answer)[:200]}"
    if abs(total - 1.0) > 1e-5:
        return f"the probabilities sum to {total:.6g}, expected 1"
    if is_cached is not None and answer.get("cached") is not is_cached:
        return f"cached is {answer.get('cached')}, expected {is_cached}"
    return None


def full_prediction_problem(answer: Any, *, is_cached: bool | None = None) -> str | None:
    """Return what is wrong with one prediction that should carry all market blocks, or None."""
    missing = [name for name in ("over_under", "correct_score", "asian_handicap") if not answer.get(name)]
    return f"without {missing}" if missing else prediction_problem(answer, is_cached=is_cached)


def batch_problem(answer: Any, *, size: int) -> str | None:
    """Return what is wrong with a batch answer, or None."""
    if answer.get("successful_predictions") != size:
        return f"{answer.get('successful_predictions')} predictions of {size}"
    return next((problem for entry in answer["predictions"] if (problem := prediction_problem(entry))), None)
