"""The two servers of an examination: the candidate's, and that of the release that serves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from deploy.gate.cell import Server
from deploy.gate.rounds import Pair, ask_both
from deploy.gate.sample import Question, newest_played

_NOT_YET: Final = frozenset({0, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Sides:
    """Hold both; ``rival`` is None where nothing serves."""

    candidate: Server
    rival: Server | None

    @property
    def knowing(self) -> Server:
        """Return who is asked what matches there are."""
        return self.rival or self.candidate

    @property
    def trained_until(self) -> str:
        """Return from when on no model of either knows a result; UTC, RFC 3339 with Z."""
        return max((str(model.get("trained_until")) for one in self._both for model in _models(one)), default="")

    def asked(self, questions: Sequence[Question]) -> list[Pair]:
        """Ask both one by one."""
        return ask_both(self.candidate.ask, None if self.rival is None else self.rival.ask, questions)

    def know_the_past(self, within_s: float) -> bool:
        """Wait until both have replayed old matches; return whether they have."""
        questions = newest_played(self.knowing.ask, 1)
        end = time.monotonic() + within_s
        return all(_answers(one, question, end) for one in self._both for question in questions)

    @property
    def _both(self) -> tuple[Server, ...]:
        return (self.candidate,) if self.rival is None else (self.candidate, self.rival)


def _answers(server: Server, question: Question, end: float) -> bool:
    """Ask until the answer is not that it takes too long."""
    while time.monotonic() < end:
        if server.ask.predict(question.body).status not in _NOT_YET:
            return True
    return False


def _models(server: Server) -> list[dict[str, Any]]:
    listed = server.ask.get("/v1/predictions/models").content
    return list(listed.get("models", [])) if isinstance(listed, dict) else []
