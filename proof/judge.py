"""Is this answer the one that the version it names gives? Each is compared with the oracle as it comes in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from proof.questions import Question
from proof.records import Trouble

Proba: TypeAlias = tuple[float, float, float]  # home, draw, away
Oracle: TypeAlias = Mapping[str, Mapping[str, Proba]]
"""Probabilities by model version and match id."""

TOLERANCE: Final = 1e-9


class _Prediction(msgspec.Struct):
    """Read what is compared of one prediction; an item that was refused has an error instead."""

    match_id: str | None = None
    home_win_prob: float = math.nan
    draw_prob: float = math.nan
    away_win_prob: float = math.nan
    model_version: str = ""
    error: str = ""


class _Batch(msgspec.Struct):
    predictions: list[_Prediction]


_single = msgspec.json.Decoder(_Prediction)
_batch = msgspec.json.Decoder(_Batch)


class Judge:
    """Compare answers with an oracle."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    def of(self, question: Question, status: int, body: bytes) -> tuple[Trouble, str]:
        """Return what is wrong with an answer, and the version that it names, where it names one."""
        if not 200 <= status < 300:
            return "status", ""
        try:
            found = _batch.decode(body).predictions if question.is_batch else [_single.decode(body)]
        except msgspec.MsgspecError:
            return "unreadable", ""
        if len(found) != len(question.match_ids):
            return "unreadable", ""
        if any(one.error for one in found):
            return "item refused", ""
        version = found[0].model_version
        return self._compared(question, found, version), version

    def _compared(self, question: Question, found: list[_Prediction], version: str) -> Trouble:
        truth = self._oracle.get(version)
        if truth is None:
            return "unknown version" if version else "unreadable"
        for match_id, one in zip(question.match_ids, found, strict=True):
            if one.match_id != match_id:
                return "other match"
            if one.model_version != version:
                return "mixed versions"
            given = (one.home_win_prob, one.draw_prob, one.away_win_prob)
            # Written so that a NaN is no match.
            if not all(abs(a - b) <= TOLERANCE for a, b in zip(given, truth[match_id], strict=True)):
                return "other numbers"
        return ""
