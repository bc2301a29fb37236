"""Whether an answer holds together, whatever the model behind it thinks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from deploy.gate.scores import Proba

TOLERANCE: Final = 1e-6
_OUTCOMES: Final = ("home_win", "draw", "away_win")
_FIELDS: Final = ("home_win_prob", "draw_prob", "away_win_prob")


def proba_of(answer: Mapping[str, Any]) -> Proba:
    """Return home, draw, away of an answer without faults."""
    home, draw, away = (float(answer[field]) for field in _FIELDS)
    return home, draw, away


def faults_of(answer: Any) -> list[str]:
    """Return what is wrong with an answer, in words; empty where it holds together.

    >>> faults_of({"home_win_prob": None})
    ['home_win_prob is None']
    """
    try:
        return list(_faults(answer))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"it is no prediction: {type(error).__name__} {error}"]


def _faults(answer: Mapping[str, Any]) -> Iterator[str]:
    for field in _FIELDS:
        if not _is_probability(answer[field]):
            yield f"{field} is {answer[field]}"
            return
    proba = proba_of(answer)
    if abs(sum(proba) - 1.0) > TOLERANCE:
        yield f"home, draw and away sum to {sum(proba):.7g}"
        return
    if not abs(answer["confidence"] - max(proba)) <= TOLERANCE:  # so that NaN is a fault, too
        yield f"confidence is {answer['confidence']}, the largest probability {max(proba)}"
    if proba[_OUTCOMES.index(answer["predicted_outcome"])] < max(proba) - TOLERANCE:
        yield f"predicted_outcome is {answer['predicted_outcome']}, which is not the likeliest"
    for name, total in _totals(answer, proba):
        if not abs(total) <= TOLERANCE:  # the same
            yield f"{name} is off by {total:.3g}"


def _totals(answer: Mapping[str, Any], proba: Proba) -> Iterator[tuple[str, float]]:
    """Return what must be zero, by what it says of the markets."""
    home, draw, away = proba
    if double := answer.get("double_chance"):
        yield "double_chance.home_or_draw", double["home_or_draw"] - home - draw
        yield "double_chance.home_or_away", double["home_or_away"] - home - away
        yield "double_chance.draw_or_away", double["draw_or_away"] - draw - away
    if no_bet := answer.get("draw_no_bet"):
        yield "draw_no_bet", no_bet["home"] + no_bet["away"] - 1.0
    for line in answer.get("over_under") or []:
        yield f"over_under {line['line']}", line["over"] + line["under"] + line["push"] - 1.0
    for line in answer.get("asian_handicap") or []:
        yield f"asian_handicap {line['line']}", line["home"] + line["away"] + line["push"] - 1.0
    if both := answer.get("both_teams_to_score"):
        yield "both_teams_to_score", both["yes"] + both["no"] - 1.0
    if scores := answer.get("correct_score"):
        yield "correct_score", sum(one["probability"] for one in scores["scores"]) + scores["other"] - 1.0
    if goals := answer.get("expected_goals"):
        yield "expected_goals", 0.0 if all(_is_rate(goals[side]) for side in ("home", "away")) else math.nan


def _is_probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0


def _is_rate(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0.0
