"""The search: trials of choices, scored fold by fold, the hopeless ones cut short.

The objective is the mean RPS of walk-forward forecasts of the searched seasons, the score in which reports compare and
the decision is made. The defaults are the first trial. One process talks to the study; the others only score.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Final

import optuna
from optuna.trial import TrialState

from models.choices import Choices
from training.folds import Folds, FoldScore, Submit, mean_rps, scoring
from training.search_space import choices_of, point_of
from training.studies import begun, next_trial

SCORES: Final = "scores"  # of a trial: total and matches of each fold
_CHAMPION: Final = "champion"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Budget:
    """Hold how long a search may go on.

    Attributes:
        trials: Of the study in all, those of earlier runs included.
        timeout_s: Seconds after which no further trial is begun; None for no end.
        jobs: Processes that score.
    """

    trials: int
    timeout_s: float | None = None
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """Hold what a search came to.

    Attributes:
        champion_rps, best_rps: Mean RPS over the searched seasons of the champion, and of the best trial.
        best, best_trial: Choices of the best trial, and its number.
        trials, pruned: Of the study so far, and how many of them were cut short.
    """

    champion_rps: float
    best_rps: float
    best: Choices
    best_trial: int
    trials: int
    pruned: int


@dataclass(slots=True)
class _Run:
    """Hold a trial under way."""

    trial: optuna.Trial
    choices: Choices
    scores: list[FoldScore] = field(default_factory=list)


def search(study: optuna.Study, folds: Folds, champion: Choices, budget: Budget, *, on_progress: Progress) -> Found:
    """Search until the study has its trials or the time is up, and return the best trial beside the champion.

    Args:
        study: From ``training.studies.open_study``; what it has done already is not done again.
        champion: Scored beside the trials on the same folds, as it may lie outside of the space.
        on_progress: Called with what is being done, how many are done and how many are to be done.
    """
    ends = None if budget.timeout_s is None else time.monotonic() + budget.timeout_s
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(point_of(Choices()))
    with scoring(folds, jobs=budget.jobs) as submit:
        known = {champion: _champion_scores(study, folds, champion, submit, on_progress)}
        _Search(study, folds, budget, ends, known, submit, on_progress).go_on()
    best = study.best_trial
    states = [trial.state for trial in begun(study)]
    return Found(
        champion_rps=mean_rps(known[champion]),
        best_rps=float(best.values[0]),
        best=choices_of(best.params),
        best_trial=best.number,
        trials=len(states),
        pruned=states.count(TrialState.PRUNED),
    )


def _champion_scores(
    study: optuna.Study, folds: Folds, champion: Choices, submit: Submit, on_progress: Progress
) -> list[FoldScore]:
    """Return the champion's scores, from the study where they are known already."""
    plain = champion.to_plain()
    kept: Mapping[str, Any] = study.user_attrs.get(_CHAMPION, {})
    if kept.get("choices") == plain:
        return [FoldScore(*pair) for pair in kept[SCORES]]
    scores = []
    on_progress("champion", 0, len(folds))
    for done, score in enumerate([submit(champion, fold) for fold in range(len(folds))], start=1):
        scores.append(score.result())
        on_progress("champion", done, len(folds))
    study.set_user_attr(_CHAMPION, {"choices": plain, SCORES: [list(score) for score in scores]})
    return scores


@dataclass(slots=True)
class _Search:
    """Keep as many trials under way as there are processes, each a fold at a time."""

    study: optuna.Study
    folds: Folds
    budget: Budget
    ends: float | None
    known: Mapping[Choices, list[FoldScore]]
    submit: Submit
    on_progress: Progress
    under_way: dict[Future[FoldScore], _Run] = field(default_factory=dict)

    def go_on(self) -> None:
        """Begin, score and finish trials until there is no more to do."""
        while self._begin_trials() or self.under_way:
            self._tell_progress()
            done, _ = wait(self.under_way, return_when=FIRST_COMPLETED)
            for future in done:
                self._scored(self.under_way.pop(future), future.result())
        self._tell_progress()

    def _begin_trials(self) -> bool:
        """Begin trials as far as processes, budget and time allow; return whether any was."""
        before = len(self.under_way)
        while len(self.under_way) < self.budget.jobs and self._may_begin():
            trial = next_trial(self.study, seed=self.folds.plan.seed, jobs=self.budget.jobs)
            self._score_next(_Run(trial, choices_of(trial.params)))
        return len(self.under_way) > before

    def _may_begin(self) -> bool:
        trials = begun(self.study)
        is_late = self.ends is not None and time.monotonic() >= self.ends
        # The first trial is begun however little time was given: without one there is no answer.
        return len(trials) < self.budget.trials and not (is_late and trials)

    def _score_next(self, run: _Run) -> None:
        fold = len(run.scores)
        if run.choices in self.known:
            future: Future[FoldScore] = Future()
            future.set_result(self.known[run.choices][fold])
        else:
            future = self.submit(run.choices, fold)
        self.under_way[future] = run

    def _scored(self, run: _Run, score: FoldScore) -> None:
        run.trial.report(score.mean, step=len(run.scores))
        run.scores.append(score)
        if len(run.scores) == len(self.folds):
            run.trial.set_user_attr(SCORES, [list(one) for one in run.scores])
            self.study.tell(run.trial, mean_rps(run.scores))
        elif run.trial.should_prune():
            self.study.tell(run.trial, state=TrialState.PRUNED)
        else:
            self._score_next(run)

    def _tell_progress(self) -> None:
        finished = [trial for trial in begun(self.study) if trial.state.is_finished()]
        self.on_progress("trials", len(finished), max(self.budget.trials, len(finished)))
