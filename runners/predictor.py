"""Answers queries: each on its own merits, those that arrive together with one pass through the arrays.

What needs memory only joins the batch of its model on the event loop; what
needs a replay of old matches is described in a thread first.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

from runners.batcher import Batcher, answer_together
from runners.describing import recalled
from runners.errors import ModelUnavailable, Overloaded, PredictionFailure
from runners.queries import Forecast, PredictionQuery
from runners.questions import Question, make_out
from runners.remote import RemoteScorer
from runners.runner import Answer, Runner
from runners.shelf import Shelf
from runners.world import World

log = logging.getLogger("football.predictor")

Made: TypeAlias = Question | PredictionFailure
Batch: TypeAlias = dict[int, Question]  # by place among the queries; all of one model

REPLAY_RETRY_S: Final = 10
MOST_REPLAYS: Final = 16  # queries that may wait for a replay of old matches, each of which can take seconds


class Predictor:
    """Answer from the served models and the latest world.

    Args:
        shelf: The served models.
        world: Gives the latest world, None before the first.
        on_batch: Told of each batch: its size, and the seconds that its oldest question waited.
        remote: Scores described matches in a service of its own; None scores them here.
    """

    def __init__(
        self,
        shelf: Shelf,
        world: Callable[[], World | None],
        *,
        on_batch: Callable[[int, float], None] = lambda _rows, _waited_s: None,
        remote: RemoteScorer | None = None,
    ) -> None:
        self._shelf, self._world, self._on_batch, self._remote = shelf, world, on_batch, remote
        self._runners: dict[str, Runner] = {}
        self._batchers: dict[str, Batcher[Question, Answer]] = {}
        self._replays = ThreadPoolExecutor(max_workers=1, thread_name_prefix="old-matches")
        self._replays_waiting = 0
        self._recalling: Counter[str] = Counter()  # by model tag
        self.last_prediction_at: dt.datetime | None = None

    async def predict(self, queries: Sequence[PredictionQuery], *, deadline: float = math.inf) -> list[Answer]:
        """Answer queries in order; a query that fails yields its failure and harms no other.

        Args:
            queries: Of any models.
            deadline: By ``time.monotonic``; a question that would begin later fails instead.
        """
        made_out = self._make_out(queries)
        if not all(isinstance(question, PredictionFailure) or question.is_at_hand for question in made_out):
            made_out = await self._recalled(made_out)
        batches = _by_model(made_out)
        if len(batches) == 1:  # which spares most callers a task
            asked = [await self._ask(batch, deadline) for batch in batches]
        else:
            asked = await asyncio.gather(*(self._ask(batch, deadline) for batch in batches))
        return _joined(made_out, batches, asked)

    def predict_now(self, queries: Sequence[PredictionQuery]) -> list[Answer]:
        """Answer queries in order, in this thread, replays included; for programs that serve nobody else."""
        made_out = self._make_out(queries)
        batches = _by_model(made_out)
        return _joined(made_out, batches, [self._answer_now(batch) for batch in batches])

    def is_asked(self, tag: str) -> bool:
        """Return whether questions to a model wait."""
        batcher = self._batchers.get(tag)
        return self._recalling[tag] > 0 or (batcher is not None and batcher.waiting > 0)

    def forget(self, tag: str) -> None:
        """Drop what is kept of a model that is let go."""
        self._runners.pop(tag, None)
        self._batchers.pop(tag, None)

    def close(self) -> None:
        """End the thread for old matches."""
        self._replays.shutdown(wait=False, cancel_futures=True)

    def _make_out(self, queries: Sequence[PredictionQuery]) -> list[Made]:
        world = self._world()
        if world is None:
            waiting = ModelUnavailable("The matches are not read yet. Ask again in a moment.")
            return [waiting for _ in queries]
        now = dt.datetime.now(dt.UTC)
        return [self._one(query, world, now) for query in queries]

    def _one(self, query: PredictionQuery, world: World, now: dt.datetime) -> Made:
        try:
            return make_out(query, self._shelf, world, now)
        except PredictionFailure as failure:
            return failure
        except Exception:
            log.exception("a query could not be made out")
            return PredictionFailure("The query could not be made out.")

    def _answer_now(self, batch: Batch) -> list[Answer]:
        questions = list(batch.values())
        answers = answer_together(self._runner(batch).answer, questions)
        return [_told(answer, question) for answer, question in zip(answers, questions, strict=True)]

    async def _ask(self, batch: Batch, deadline: float) -> list[Answer]:
        questions = list(batch.values())
        if self._remote is not None and self._remote.has(questions[0].model.tag):
            answers = await self._answered_remotely(self._runner(batch), questions, self._remote)
        else:
            try:
                answers = await self._batcher(batch).ask(questions, deadline=deadline)
            except Overloaded as overloaded:
                return [overloaded] * len(questions)
        self.last_prediction_at = dt.datetime.now(dt.UTC)
        return [_told(answer, question) for answer, question in zip(answers, questions, strict=True)]

    async def _answered_remotely(
        self, runner: Runner, questions: Sequence[Question], remote: RemoteScorer
    ) -> list[Answer | Exception]:
        """Answer questions of one model with scores from elsewhere; when they fail together, each is tried alone."""
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
            alone = (self._answered_remotely(runner, [question], remote) for question in questions)
            return [answer for answers in await asyncio.gather(*alone) for answer in answers]

    async def _recalled(self, made_out: Sequence[Made]) -> list[Made]:
        """Return the questions with the features of old matches, fetched in a thread."""
        far = {i: made for i, made in enumerate(made_out) if isinstance(made, Question) and not made.is_at_hand}
        if self._replays_waiting >= MOST_REPLAYS:
            overloaded = Overloaded(retry_after_s=REPLAY_RETRY_S)
            return [overloaded if place in far else made for place, made in enumerate(made_out)]
        self._replays_waiting += 1
        tags = Counter(question.model.tag for question in far.values())
        self._recalling += tags
        try:
            work = asyncio.get_running_loop().run_in_executor(self._replays, recalled, list(far.values()))
            known = dict(zip(far, await work, strict=True))
        finally:
            self._replays_waiting -= 1
            self._recalling -= tags
        return [known.get(place, made) for place, made in enumerate(made_out)]

    def _batcher(self, batch: Batch) -> Batcher[Question, Answer]:
        model = next(iter(batch.values())).model
        batcher = self._batchers.get(model.tag)
        if batcher is None:
            batcher = Batcher(self._runner(batch).answer, on_batch=self._on_batch)
            self._batchers[model.tag] = batcher
        return batcher

    def _runner(self, batch: Batch) -> Runner:
        model = next(iter(batch.values())).model
        runner = self._runners.get(model.tag)
        if runner is None:
            runner = self._runners[model.tag] = Runner(model)
        return runner


def _by_model(made_out: Sequence[Made]) -> list[Batch]:
    """Group the questions, by their places, by the models that they are for."""
    batches: dict[str, Batch] = defaultdict(dict)
    for place, made in enumerate(made_out):
        if isinstance(made, Question):
            batches[made.model.tag][place] = made
    return list(batches.values())


def _joined(made_out: Sequence[Made], batches: Sequence[Batch], answers: Sequence[Sequence[Answer]]) -> list[Answer]:
    """Return what became of each query, in order: its failure, or the answer of its batch."""
    found: dict[int, Answer] = {i: made for i, made in enumerate(made_out) if isinstance(made, PredictionFailure)}
    for batch, given in zip(batches, answers, strict=True):
        found |= zip(batch, given, strict=True)
    return [found[place] for place in range(len(made_out))]


def _told(answer: Answer | Exception, question: Question) -> Answer:
    """Return what the caller may know; an error of the inside stays in the log."""
    if isinstance(answer, Forecast | PredictionFailure):
        return answer
    log.error("a forecast failed", exc_info=answer, extra={"match_id": question.match.match_id})
    return PredictionFailure("The forecast could not be computed.")
