"""One round of questions: both servers are asked the same, in turn, so that a busy machine is busy for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.gate.asking import Asker, Reply
from deploy.gate.sample import Question

MOST_LATE: Final = 3
_TOGETHER: Final = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """Hold a question and both answers; ``rival`` is None where nothing serves to compare with."""

    question: Question
    candidate: Reply
    rival: Reply | None

    @property
    def is_fair(self) -> bool:
        """Return whether the question can be answered: one that both decline says nothing of the candidate."""
        return not (self.candidate.is_declined and (self.rival is None or self.rival.is_declined))


def ask_both(candidate: Asker, rival: Asker | None, questions: Sequence[Question]) -> list[Pair]:
    """Ask all questions one by one; stop where the candidate leaves too many unanswered for too long."""
    pairs: list[Pair] = []
    late = 0
    for number, question in enumerate(questions):
        if rival is None:
            ours, theirs = candidate.predict(question.body), None
        elif number % 2:
            ours, theirs = candidate.predict(question.body), rival.predict(question.body)
        else:  # who is asked first finds the caches of the processor as the other left them
            theirs = rival.predict(question.body)
            ours = candidate.predict(question.body)
        pairs.append(Pair(question, ours, theirs))
        late += ours.is_late
        if late == MOST_LATE:
            break
    return pairs


def ask_together(ask: Asker, questions: Sequence[Question]) -> tuple[list[Mapping[str, Any] | None], str]:
    """Ask many questions in batches, with every market.

    Returns:
        An answer each, None where it was refused; and why a whole batch failed, empty if none did.
    """
    answers: list[Mapping[str, Any] | None] = []
    for first in range(0, len(questions), _TOGETHER):
        some = questions[first : first + _TOGETHER]
        reply = ask.predict_all([question.body for question in some])
        if reply.failure:
            return [*answers, *[None] * (len(questions) - len(answers))], reply.failure
        entries = list(reply.content.get("predictions", [])) if isinstance(reply.content, dict) else []
        if len(entries) != len(some):
            return [None] * len(questions), f"a batch of {len(some)} got {len(entries)} answers"
        answers += [None if not isinstance(one, dict) or "error" in one else one for one in entries]
    return answers, ""
