"""Judging on matches that have been played since: RPS and log loss as of kick-off, with paired intervals."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.gate.bounds import Bounds
from deploy.gate.report import Check
from deploy.gate.sample import Question
from deploy.gate.scores import Proba, frequencies, log_loss, paired, ranked_probability_score
from deploy.gate.soundness import faults_of, proba_of

_Answer = Mapping[str, Any]
_Score = Callable[[Proba, int], float]
_KINDS: Final[Mapping[str, _Score]] = {"RPS": ranked_probability_score, "log loss": log_loss}


@dataclass(frozen=True, slots=True)
class Scored:
    """Hold a played match, what both said of it, and who has not learned from it."""

    ours: Proba
    theirs: Proba
    outcome: int
    is_asked: bool
    is_unseen: bool


def score_check(
    questions: Sequence[Question],
    candidate: Sequence[_Answer | None],
    rival: Sequence[_Answer | None] | None,
    bounds: Bounds,
) -> Check:
    """Judge the candidate beside the release that serves, and beside one who knows how often each outcome happens."""
    played = _played(questions, candidate, candidate if rival is None else rival)
    if len(played) < max(bounds.fewest_scored, 2):
        return Check("score", "not judged", reason=f"{len(played)} played matches are too few to say")
    outcomes = [one.outcome for one in played]
    ours = {name: [score(one.ours, one.outcome) for one in played] for name, score in _KINDS.items()}
    figures = {"matches": float(len(played)), "asked": float(sum(one.is_asked for one in played))}
    figures["unseen"] = float(sum(one.is_unseen for one in played))
    figures |= {name: statistics.mean(each) for name, each in ours.items()}
    found = f"RPS {figures['RPS']:.4f}, log loss {figures['log loss']:.4f} on {len(played)} played matches, "
    found += f"{figures['unseen']:.0f} of them not learned from"
    blind = frequencies(outcomes)
    limits = [("RPS", "the frequencies of the outcomes", [blind] * len(played), 0.0)]
    if rival is not None:
        theirs = [one.theirs for one in played]
        limits += [("RPS", "what serves", theirs, bounds.worse_rps)]
        limits += [("log loss", "what serves", theirs, bounds.worse_log_loss)]
    reasons = []
    for name, other, probas, limit in limits:
        gap = paired(ours[name], [_KINDS[name](proba, one) for proba, one in zip(probas, outcomes, strict=True)])
        figures |= {f"{name} minus {other}{part}": getattr(gap, key) for part, key in _PARTS.items()}
        if other == "what serves":
            found += f"; {name} minus what serves {gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"
        if gap.low > limit:
            reasons.append(f"worse than {other} by {gap.mean:.4f} {name}, {gap.low:.4f} at least")
    bound = "for sure not worse than the frequencies of the outcomes"
    if rival is not None:
        bound += f", nor than what serves by {bounds.worse_rps:g} RPS or {bounds.worse_log_loss:g} log loss"
    return Check("score", "refused" if reasons else "passed", found, bound, "; ".join(reasons), figures)


_PARTS: Final = {"": "mean", ", low": "low", ", high": "high"}


def outcome_of(answer: _Answer) -> int | None:
    """Return 0 home, 1 draw, 2 away where the match of an answer has been played; else None.

    >>> outcome_of({"metadata": {"match": {"status": "played", "home_goals": 1, "away_goals": 2}}})
    2
    """
    match = answer["metadata"]["match"]
    if match["status"] != "played" or match["home_goals"] is None or match["away_goals"] is None:
        return None
    home, away = match["home_goals"], match["away_goals"]
    return 0 if home > away else 1 if home == away else 2


def _played(
    questions: Sequence[Question], candidate: Sequence[_Answer | None], rival: Sequence[_Answer | None]
) -> list[Scored]:
    return [
        Scored(proba_of(ours), proba_of(theirs), outcome, question.is_recorded, _is_unseen(ours))
        for question, ours, theirs in zip(questions, candidate, rival, strict=True)
        if ours is not None and theirs is not None and not (faults_of(ours) or faults_of(theirs))
        if (outcome := outcome_of(theirs)) is not None
    ]


def _is_unseen(answer: _Answer) -> bool:
    """Return whether the model has not learned from the match; both times are UTC, RFC 3339 with Z."""
    facts = answer["metadata"]
    return str(facts["match"]["kickoff"]) >= str(facts["trained_until"])
