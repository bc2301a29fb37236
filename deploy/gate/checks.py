"""What is judged of a candidate, each by itself: from what was seen to a verdict with its reason."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from deploy.gate.bounds import Bounds
from deploy.gate.report import Check, Verdict
from deploy.gate.rounds import Pair
from deploy.gate.sample import Question
from deploy.gate.scores import Proba, quantile
from deploy.gate.soundness import TOLERANCE, faults_of, proba_of

NAMES: Final = ("start", "model", "answers", "markets", "latency", "memory", "change", "score")
"""In the order in which they are looked at."""

_SHARE: Final = 0.99
_OUTCOMES: Final = ("home", "draw", "away")
_Answer = Mapping[str, Any]


def model_check(listed: Any, pinned: Collection[str]) -> Check:
    """Judge whether the server serves models that its bento pins, and no other."""
    models = listed.get("models", []) if isinstance(listed, dict) else []
    served = sorted(f"{model.get('model_name')}:{model.get('model_version')}" for model in models)
    strange = [tag for tag in served if tag not in pinned]
    wrong = f"not pinned: {', '.join(strange)}" if strange else "" if served else "it serves no model"
    return Check("model", _verdict(wrong), ", ".join(served), f"pinned are {', '.join(sorted(pinned))}", wrong)


def answers_check(pairs: Sequence[Pair], pinned: Collection[str], last_words: Callable[[], str]) -> Check:
    """Judge whether every question is answered, by a pinned model, with three probabilities that sum to 1."""
    fair = [pair for pair in pairs if pair.is_fair]
    faults = [(pair.question, fault) for pair in fair if (fault := _fault(pair, pinned))]
    found = f"{len(fair) - len(faults)} of {len(fair)} hold together"
    if not pairs:
        return Check("answers", "not judged", reason="the store has no teams to ask about")
    if not fair:
        return Check("answers", "refused", reason=f"no question is answered: {pairs[0].candidate.failure}")
    reason = ""
    if faults:
        question, fault = faults[0]
        reason = f"{msgspec.json.encode(question.body).decode()}: {fault}"
        if any(pair.candidate.status == 0 or pair.candidate.status >= 500 for pair in fair):
            reason += f" (logged: {last_words()})"
    return Check("answers", _verdict(reason), found, "all", reason, {"asked": len(fair), "faulty": len(faults)})


def markets_check(together: Sequence[_Answer | None], failure: str, pairs: Sequence[Pair]) -> Check:
    """Judge whether answers with every market hold together, and whether batches answer what single requests do."""
    if failure:
        return Check("markets", "refused", reason=f"a batch failed: {failure}")
    answered = [answer for answer in together if answer is not None]
    faults = [fault for answer in answered for fault in faults_of(answer)]
    for pair, answer in zip(pairs, together, strict=False):  # the pairs' questions come first in the batches
        if pair.is_fair and answer is None:
            faults.append("answered alone, refused in a batch")
        elif answer is not None and pair.candidate.content is not None and not faults_of(answer):
            off = _distance(proba_of(answer), proba_of(pair.candidate.content))
            if off > TOLERANCE:
                faults.append(f"alone and in a batch differ by {off:.3g}")
    found = f"{len(answered)} answers with every market, {len(faults)} faults"
    reason = faults[0] if faults else ""
    return Check("markets", _verdict(reason), found, "none", reason, {"faults": len(faults)})


def latency_check(rounds: Sequence[Sequence[Pair]], bounds: Bounds) -> Check:
    """Judge by the best of some rounds: a disturbance passes, slowness stays."""
    checks = [_one_latency(pairs, bounds) for pairs in rounds]
    return next((check for check in checks if check.verdict == "passed"), checks[-1])


def _one_latency(pairs: Sequence[Pair], bounds: Bounds) -> Check:
    both = [(one.candidate.seconds, one.rival.seconds if one.rival else 0.0) for one in pairs if one.is_fair]
    ours, theirs = [[side * 1e3 for side in sides] for sides in zip(*both, strict=True)]
    median, p99 = statistics.median(ours), quantile(ours, _SHARE)
    figures = {"median_ms": median, "p99_ms": p99, "asked": len(ours)}
    if not any(theirs):
        slow = f"p99 {p99:.1f} ms" if p99 > bounds.most_p99_alone_ms else ""
        bound = f"p99 at most {bounds.most_p99_alone_ms:g} ms, as nothing serves to compare with"
        return Check("latency", _verdict(slow), f"median {median:.1f} ms, p99 {p99:.1f} ms", bound, slow, figures)
    usual, usual_p99 = statistics.median(theirs), quantile(theirs, _SHARE)
    most = max(bounds.least_slow_median_ms, bounds.most_slowdown * usual)
    most_p99 = max(bounds.least_slow_p99_ms, bounds.most_slowdown * usual_p99)
    slow = "; ".join(name for name, is_slow in (("median", median > most), ("p99", p99 > most_p99)) if is_slow)
    found = f"median {median:.1f} ms, p99 {p99:.1f} ms; what serves {usual:.1f} and {usual_p99:.1f} ms"
    figures |= {"current_median_ms": usual, "current_p99_ms": usual_p99}
    bound = f"at most {most:.1f} and {most_p99:.1f} ms"
    return Check("latency", _verdict(slow), found, bound, slow and f"too slow by its {slow}", figures)


def memory_check(megabytes: float, bounds: Bounds) -> Check:
    """Judge the resident memory of a server with one worker."""
    reason = "it takes too much" if megabytes > bounds.most_memory_mb else ""
    bound = f"at most {bounds.most_memory_mb:g} MB"
    return Check("memory", _verdict(reason), f"{megabytes:.0f} MB", bound, reason, {"mb": megabytes})


def change_check(pairs: Sequence[Pair], bounds: Bounds) -> Check:
    """Judge how far the probabilities are from those of the release that serves, question by question."""
    changes = [change for pair in pairs if (change := _change(pair)) is not None]
    if not changes:
        return Check("change", "not judged", reason="nothing that serves could be compared with")
    sizes = [size for size, _, _ in changes]
    largest, question, told = max(changes, key=lambda change: change[0])
    p99 = quantile(sizes, _SHARE)
    figures = {"p99": p99, "max": largest, "mean": sum(sizes) / len(sizes), "compared": len(sizes)}
    found = f"p99 {p99:.3f}, largest {largest:.3f} of {len(sizes)}"
    bound = f"at most {bounds.most_change_p99:g} and {bounds.most_change:g}"
    far = p99 > bounds.most_change_p99 or largest > bounds.most_change
    reason = f"too far: {msgspec.json.encode(question.body).decode()} has {told}" if far else ""
    return Check("change", _verdict(reason), found, bound, reason, figures)


def _fault(pair: Pair, pinned: Collection[str]) -> str:
    reply = pair.candidate
    if reply.failure:
        return reply.failure
    if faults := faults_of(reply.content):
        return faults[0]
    model = f"{reply.content.get('model_name')}:{reply.content.get('model_version')}"
    return "" if model in pinned else f"it was answered by {model}, which the bento does not pin"


def _change(pair: Pair) -> tuple[float, Question, str] | None:
    ours = pair.candidate.content
    theirs = None if pair.rival is None else pair.rival.content
    if ours is None or theirs is None or faults_of(ours) or faults_of(theirs):
        return None
    new, old = proba_of(ours), proba_of(theirs)
    size = _distance(new, old)
    place = max(range(3), key=lambda outcome: abs(new[outcome] - old[outcome]))
    return size, pair.question, f"{_OUTCOMES[place]} at {new[place]:.3f}, what serves says {old[place]:.3f}"


def _distance(one: Proba, other: Proba) -> float:
    return max(abs(ours - theirs) for ours, theirs in zip(one, other, strict=True))


def _verdict(reason: str) -> Verdict:
    return "refused" if reason else "passed"
