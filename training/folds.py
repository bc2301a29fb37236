"""Walk-forward scores of choices, fold by fold: each fold is a refit and the matches until the next one.

A fold is walked by ``training.walk_forward`` with a model made anew, so it can be scored in any order and in any
process, and gives the same bits there.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from models.choices import Choices
from models.estimator import OutcomeModel
from models.scores import ranked_probability_score
from training.history import History
from training.run import Plan
from training.seasons import Window
from training.walk_forward import Forecasts, walk_forward


class FoldScore(NamedTuple):
    """Hold the sum of the RPS over the matches of a fold, and how many they are."""

    total: float
    matches: int

    @property
    def mean(self) -> float:
        """Return the RPS of the usual match of the fold."""
        return self.total / self.matches


def mean_rps(scores: Sequence[FoldScore]) -> float:
    """Return the mean over all matches of the folds.

    >>> mean_rps([FoldScore(1.0, 4), FoldScore(0.5, 4)])
    0.1875
    """
    return sum(score.total for score in scores) / sum(score.matches for score in scores)


@dataclass(frozen=True, slots=True)
class Folds:
    """Score choices on the folds of the searched window.

    Attributes:
        history: Only matches of before the window's end: what comes later is not there to be looked at.
        plan: Seed, threads and windows of the model; its configuration is not used.
        starts: First day of each fold, in order.
    """

    history: History
    plan: Plan
    window: Window
    refit_days: int
    competitions: tuple[str, ...] | None
    starts: tuple[int, ...]

    @classmethod
    def of(
        cls, history: History, plan: Plan, window: Window, *, refit_days: int, competitions: tuple[str, ...] | None
    ) -> Folds:
        """Cut a window into folds of so many days; days without a match make none."""
        history = history.before(window.end)
        wanted = history.between(*window)
        if competitions is not None:
            wanted = wanted.take(np.isin(wanted.matches.competition, list(competitions)))
        blocks = np.unique((wanted.matches.day - window.first) // refit_days)
        starts = tuple(window.first + refit_days * int(block) for block in blocks)
        return cls(history, plan, window, refit_days, competitions, starts)

    def __len__(self) -> int:
        return len(self.starts)

    def score(self, choices: Choices, fold: int) -> FoldScore:
        """Return how a model with these choices did on a fold, having learned from all days before it."""
        start = self.starts[fold]
        end = min(start + self.refit_days, self.window.end)
        forecasts = walked(
            self.history, self.plan, {"model": choices}, Window(start, end), self.refit_days, self.competitions
        )
        rps = ranked_probability_score(forecasts.proba["model"], forecasts.matches.outcome)
        return FoldScore(float(rps.sum()), len(rps))


def walked(
    history: History,
    plan: Plan,
    choices: dict[str, Choices],
    window: Window,
    refit_days: int,
    competitions: tuple[str, ...] | None,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the names are the documentation
) -> Forecasts:
    """Walk models with choices through a window side by side, as a backtest does; their forecasts go by their names."""

    def models() -> list[OutcomeModel]:
        made = {"seed": plan.seed, "threads": plan.threads, "validation_days": plan.validation_days}
        return [replace(chosen.model(**made), name=name) for name, chosen in choices.items()]

    return walk_forward(
        history,
        models,
        first_day=window.first,
        end_day=window.end,
        refit_days=refit_days,
        competitions=competitions,
        warm_up_days=plan.warm_up_days,
        on_progress=on_progress,
    )


Submit = Callable[[Choices, int], "Future[FoldScore]"]
_folds: Folds | None = None  # of a process that scores for another one


@contextmanager
def scoring(folds: Folds, *, jobs: int) -> Iterator[Submit]:
    """Give the function that has a fold scored: here and now for one job, else in as many processes."""
    if jobs == 1:
        yield lambda choices, fold: _done(folds.score, choices, fold)
        return
    # Started anew rather than forked: a fork of a process whose boosting threads have run may hang.
    context = multiprocessing.get_context("spawn")
    with _closing(ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(folds,))) as pool:
        yield lambda choices, fold: pool.submit(_score, choices, fold)


def _done(score: Callable[[Choices, int], FoldScore], choices: Choices, fold: int) -> Future[FoldScore]:
    future: Future[FoldScore] = Future()
    future.set_result(score(choices, fold))
    return future


@contextmanager
def _closing(pool: Executor) -> Iterator[Executor]:
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(folds: Any) -> None:
    global _folds  # noqa: PLW0603 - the history is sent once a process, not once a fold
    _folds = folds
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that it scores for is gone: killed, it cannot say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _score(choices: Choices, fold: int) -> FoldScore:
    if _folds is None:
        raise RuntimeError("this process was not given the folds to score")
    return _folds.score(choices, fold)
