"""Answers queries: each on its own merits, those that arrive together with one pass through the arrays.

What needs memory only is answered in its batch, on the event loop; what needs a
replay of old matches has them described in a thread first, and joins a later batch.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import math
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from runners.batcher import Batcher, answer_together
from runners.describing import recalled
from runners.errors import ModelUnavailable, Overloaded, PredictionFailure
from runners.loading import LoadedModel
from runners.queries import Forecast, PredictionQuery, Writer, as_they_are
from runners.questions import Question, make_out
from runners.remote import RemoteScorer
from runners.runner import Answer, Runner
from runners.shelf import Shelf
from runners.world import World

log = logging.getLogger("football.predictor")

W = TypeVar("W")

Batch: TypeAlias = dict[int, Question]  # by place among the jobs; all of one model

REPLAY_RETRY_S: Final = 10
MOST_REPLAYS: Final = 16  # queries that may wait for a replay of old matches, each of which can take seconds


class Job(NamedTuple):
    """Hold a query on its way through a batch.

    Attributes:
        writer: Turns its forecast into what the caller wants.
        question: The query made out, where that was done before.
    """

    query: PredictionQuery
    writer: Writer[Any]
    question: Question | None = None


class Predictor:
    """Answer from the served models and the latest world.

    Args:
        shelf: The served models.
        world: Gives the latest world, None before the first.
        on_batch: Told of each batch: its size, and the seconds that its oldest job waited.
        remote: Scores described matches in a service of its own; None scores them here.
        most_wait_s: Who would wait longer to be computed is refused.
    """

    def __init__(
        self,
        shelf: Shelf,
        world: Callable[[], World | None],
        *,
        on_batch: Callable[[int, float], None] = lambda _rows, _waited_s: None,
        remote: RemoteScorer | None = None,
        most_wait_s: float = math.inf,
    ) -> None:
        self._shelf, self._world, self._remote = shelf, world, remote
        self._runners: dict[str, Runner] = {}
        self._batcher: Batcher[Job, Any] = Batcher(self._answered, on_batch=on_batch, most_wait_s=most_wait_s)
        self._replays = ThreadPoolExecutor(max_workers=1, thread_name_prefix="old-matches")
        self._replays_waiting = 0
        self._recalling: Counter[str] = Counter()  # by model tag
        self.last_prediction_at: dt.datetime | None = None

    async def written(
        self, queries: Sequence[PredictionQuery], writer: Writer[W], *, deadline: float = math.inf
    ) -> list[W | PredictionFailure]:
        """Answer queries in order; a query that fails yields its failure and harms no other.

        Args:
            queries: Of any models.
            writer: Called once with all forecasts of a batch that it is to write.
            deadline: By ``time.monotonic``; a question that would begin later fails instead.
        """
        answers = await self._asked([Job(query, writer) for query in queries], deadline)
        far = [place for place, answer in enumerate(answers) if isinstance(answer, Question)]
        if far:
            jobs = await self._recalled([Job(queries[place], writer, answers[place]) for place in far])
            again = iter(await self._asked([job for job in jobs if isinstance(job, Job)], deadline))
            for place, job in zip(far, jobs, strict=True):
                answers[place] = next(again) if isinstance(job, Job) else job
        return [_told(answer, query) for answer, query in zip(answers, queries, strict=True)]

    def predict_now(self, queries: Sequence[PredictionQuery]) -> list[Answer]:
        """Answer queries in order, in this thread, replays included; for programs that serve nobody else."""
        jobs = [Job(query, as_they_are) for query in queries]
        answers = answer_together(self._answered, jobs)
        for place, answer in enumerate(answers):
            if isinstance(answer, Question):
                known = Job(queries[place], as_they_are, recalled([answer])[0])
                (answers[place],) = answer_together(self._answered, [known])
        return [_told(answer, query) for answer, query in zip(answers, queries, strict=True)]

    def is_asked(self, tag: str) -> bool:
        """Return whether questions to a model wait, or to another one of the same version."""
        version = tag.partition(":")[2]
        return self._recalling[tag] > 0 or any(job.query.model_version == version for job in self._batcher.queued)

    def forget(self, tag: str) -> None:
        """Drop what is kept of a model that is let go."""
        self._runners.pop(tag, None)

    def close(self) -> None:
        """End the thread for old matches."""
        self._replays.shutdown(wait=False, cancel_futures=True)

    async def _asked(self, jobs: Sequence[Job], deadline: float) -> list[Any]:
        if not jobs:
            return []
        if self._remote is not None:
            return await self._answered_elsewhere(jobs, self._remote)
        try:
            return await self._batcher.ask(jobs, deadline=deadline)
        except Overloaded as overloaded:
            return [overloaded] * len(jobs)

    def _answered(self, jobs: Sequence[Job]) -> list[Any]:
        """Answer the jobs of one batch; a question that needs a replay comes back as it is."""
        answers = self._make_out(jobs)
        for batch in _by_model(answers):
            questions = list(batch.values())
            for place, answer in zip(batch, self._runner(questions[0].model).answer(questions), strict=True):
                answers[place] = answer
        return self._written(answers, jobs)

    async def _answered_elsewhere(self, jobs: Sequence[Job], remote: RemoteScorer) -> list[Any]:
        """Answer jobs with scores from another service, and those that it has no model for from here."""
        answers = self._make_out(jobs)
        batches = _by_model(answers)
        questions = [list(batch.values()) for batch in batches]
        runners = [self._runner(one[0].model) for one in questions]  # now, as a model may be let go meanwhile
        scored = (self._scored_elsewhere(r, one, remote) for r, one in zip(runners, questions, strict=True))
        found = await asyncio.gather(*scored)
        for batch, given in zip(batches, found, strict=True):
            for place, answer in zip(batch, given, strict=True):
                answers[place] = answer
        pairs = list(zip(answers, jobs, strict=True))
        return answer_together(lambda some: self._written([one for one, _ in some], [job for _, job in some]), pairs)

    async def _scored_elsewhere(self, runner: Runner, questions: Sequence[Question], remote: RemoteScorer) -> list[Any]:
        """Answer questions of one model; when they fail together, each is tried alone."""
        if not remote.has(runner.model.tag):
            return answer_together(runner.answer, questions)
        try:
            described = runner.describe(questions)
            scores = await remote.score(runner.model.tag, described.values)
            return [*runner.forecasts(questions, described, scores)]
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach the other questions
            if len(questions) == 1:
                return [error]
            log.warning(
                "scores failed; questions are asked alone", extra={"items": len(questions), "reason": str(error)}
            )
            alone = (self._scored_elsewhere(runner, [question], remote) for question in questions)
            return [answer for answers in await asyncio.gather(*alone) for answer in answers]

    async def _recalled(self, jobs: Sequence[Job]) -> list[Job | PredictionFailure]:
        """Return the jobs with the features of their old matches, fetched in a thread."""
        if self._replays_waiting >= MOST_REPLAYS:
            return [Overloaded(retry_after_s=REPLAY_RETRY_S)] * len(jobs)
        questions = [job.question for job in jobs if job.question is not None]
        self._replays_waiting += len(questions)
        is_over = threading.Event()
        tags = Counter(question.model.tag for question in questions)
        self._recalling += tags
        try:
            known = await asyncio.get_running_loop().run_in_executor(self._replays, recalled, questions, is_over.is_set)
        finally:
            is_over.set()
            self._replays_waiting -= len(questions)
            self._recalling -= tags
        return [job._replace(question=question) for job, question in zip(jobs, known, strict=True)]

    def _make_out(self, jobs: Sequence[Job]) -> list[Any]:
        world = self._world()
        if world is None:
            waiting = ModelUnavailable("The matches are not read yet. Ask again in a moment.")
            return [waiting for _ in jobs]
        now = dt.datetime.now(dt.UTC)
        return [job.question or self._one(job.query, world, now) for job in jobs]

    def _one(self, query: PredictionQuery, world: World, now: dt.datetime) -> Question | PredictionFailure:
        try:
            return make_out(query, self._shelf, world, now)
        except PredictionFailure as failure:
            return failure
        except Exception:
            log.exception("a query could not be made out")
            return PredictionFailure("The query could not be made out.")

    def _written(self, answers: list[Any], jobs: Sequence[Job]) -> list[Any]:
        """Have the forecasts among the answers written; all else stays. Raises RuntimeError if a text is missing."""
        by_writer: dict[Writer[Any], list[int]] = defaultdict(list)
        for place, answer in enumerate(answers):
            if isinstance(answer, Forecast):
                by_writer[jobs[place].writer].append(place)
        for writer, places in by_writer.items():
            texts = writer([answers[place] for place in places], [jobs[place].query for place in places])
            if len(texts) != len(places):
                raise RuntimeError(f"{len(texts)} texts of {len(places)} forecasts")
            for place, text in zip(places, texts, strict=True):
                answers[place] = text
        if by_writer:
            self.last_prediction_at = dt.datetime.now(dt.UTC)
        return answers

    def _runner(self, model: LoadedModel) -> Runner:
        runner = self._runners.get(model.tag)
        if runner is None:
            runner = self._runners[model.tag] = Runner(model)
        return runner


def _by_model(made_out: Sequence[object]) -> list[Batch]:
    """Group the questions that need no replay, by their places, by the models that they are for."""
    batches: dict[str, Batch] = defaultdict(dict)
    for place, made in enumerate(made_out):
        if isinstance(made, Question) and made.is_at_hand:
            batches[made.model.tag][place] = made
    return list(batches.values())


def _told(answer: Any, query: PredictionQuery) -> Any:
    """Return what the caller may know; an error of the inside stays in the log."""
    if not isinstance(answer, Exception) or isinstance(answer, PredictionFailure):
        return answer
    log.error("a forecast failed", exc_info=answer, extra={"match_id": query.match_id})
    return PredictionFailure("The forecast could not be computed.")
