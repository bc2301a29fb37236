"""One examination from start to report: over HTTP only, so that a bento of any age can be examined."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from deploy.gate import checks
from deploy.gate.cell import Cell, DidNotStart, Server
from deploy.gate.last_words import reason_in
from deploy.gate.network import CUT, is_cut
from deploy.gate.report import Check, Report, Sample, not_judged
from deploy.gate.rounds import Pair, ask_together
from deploy.gate.sample import Question, distinct, meetings, newest_played, played_since, recorded_questions
from deploy.gate.scoring import score_check
from deploy.gate.sides import Sides
from deploy.gate.task import Task
from deploy.state import now

_WARM_UP: Final = 10
_MOST_ROUNDS: Final = 3


class Examination:
    """Look at one bento, and stop where nothing more can be learned."""

    def __init__(self, task: Task) -> None:
        self._task, self._bounds = task, task.bounds
        self._checks: list[Check] = []
        self._sample = Sample()
        self._compared_with: str | None = None
        self._knows_past = False

    def report(self) -> Report:
        """Do it, and say what was found."""
        at, began = now(), time.monotonic()
        network = self._task.why_connected or (CUT if is_cut() else "not cut off: the process still has a route")
        self._look()
        done = {check.name for check in self._checks}
        missed = not_judged([name for name in checks.NAMES if name not in done], "an earlier check failed")
        took_s = round(time.monotonic() - began, 1)
        told = (*self._checks, *missed)
        return Report(self._task.tag, self._compared_with, at, took_s, network, self._sample, told)

    def _look(self) -> None:
        task = self._task
        cell = Cell(Path(task.cell), task.plan, self._bounds)
        candidate = cell.start(Path(task.folder), task.tag)
        current = None if task.current is None else cell.start(*task.current)
        if not self._is_up(candidate):
            return
        self.judge(Sides(candidate, None if current is None else self._rival(current)))

    def judge(self, sides: Sides) -> list[Check]:
        """Ask servers that are ready, and return what was found so far."""
        listed = sides.candidate.ask.get("/v1/predictions/models").content
        if self._add(checks.model_check(listed, self._task.pinned)):
            questions = self._questions(sides)
            if self._answers(sides.candidate, sides.asked(questions[:_WARM_UP])):
                pairs = sides.asked(questions)
                if self._answers(sides.candidate, pairs) and pairs:
                    self._compare(sides, questions, pairs)
        return self._checks

    def _is_up(self, candidate: Server) -> bool:
        within_s = self._bounds.ready_within_s
        try:
            seconds = candidate.wait_ready(within_s)
        except DidNotStart as error:
            return self._add(Check("start", "refused", reason=str(error)))
        bound = f"at most {within_s:g} s"
        return self._add(Check("start", "passed", f"ready after {seconds:.1f} s", bound, figures={"s": seconds}))

    def _rival(self, current: Server) -> Server | None:
        """Return the server of the release that serves; it is no fault of the candidate if that one does not start."""
        try:
            current.wait_ready(self._bounds.ready_within_s)
        except DidNotStart as error:
            told = f"{self._task.current_tag}, which serves, did not start here: {error}"
            self._checks.append(Check("comparison", "not judged", reason=told))
            return None
        self._compared_with = self._task.current_tag
        return current

    def _questions(self, sides: Sides) -> list[Question]:
        """Return what to ask: what callers asked, and meetings of teams where that is too little."""
        most = self._bounds.questions
        recorded = recorded_questions(Path(self._task.requests), most, sides.trained_until)
        near = [question for question in recorded if not question.is_past]
        far = [question for question in recorded if question.is_past]
        if far or sides.rival is None:
            self._knows_past = sides.know_the_past(self._bounds.past_within_s)
        questions = [*near, *far] if self._knows_past else near
        stored: list[Question] = []
        if len(questions) < self._bounds.fewest_recorded:
            stored = meetings(sides.knowing.ask, most - len(questions))
        self._sample = Sample(len(questions), len(stored), len(recorded) - len(questions))
        return distinct((*questions, *stored), most)

    def _answers(self, candidate: Server, pairs: list[Pair]) -> bool:
        """Judge the answers; what the warm-up finds well is judged again with all."""
        check = checks.answers_check(pairs, self._task.pinned, lambda: reason_in(candidate.log()))
        self._checks = [one for one in self._checks if one.name != check.name]
        return self._add(check)

    def _compare(self, sides: Sides, questions: list[Question], pairs: list[Pair]) -> None:
        rounds = [pairs]
        while checks.latency_check(rounds, self._bounds).verdict == "refused" and len(rounds) < _MOST_ROUNDS:
            rounds.append(sides.asked(questions))
        every = distinct((*questions, *self._played(sides)), len(questions) + self._bounds.scored)
        ours, failure = ask_together(sides.candidate.ask, every)
        theirs = None if sides.rival is None else ask_together(sides.rival.ask, every)[0]
        self._checks += [
            checks.markets_check(ours, failure, pairs),
            checks.latency_check(rounds, self._bounds),
            checks.memory_check(sides.candidate.memory_mb(), self._bounds),
            checks.change_check(pairs, self._bounds),
            score_check(every, ours, theirs, self._bounds),
        ]

    def _played(self, sides: Sides) -> list[Question]:
        """Return what to score beside the questions: where the past is not at hand, what neither has learned from."""
        if self._knows_past:
            return newest_played(sides.knowing.ask, self._bounds.scored)
        return played_since(sides.knowing.ask, sides.trained_until, self._bounds.scored)

    def _add(self, check: Check) -> bool:
        self._checks.append(check)
        return check.verdict != "refused"
