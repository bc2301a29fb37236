"""One training run: walk, evaluate on the latest window, fit on everything, save with a model card."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from features.matches import MatchTable
from models.boosted import OUTCOMES
from models.ensemble import Ensemble
from models.estimator import OutcomeModel
from runners.artifact import Artifact
from store.reads import data_digest
from training.calibration_gain import calibration_gain
from training.configuration import Configuration
from training.coverage import coverage_of
from training.explanations import MOST_FEATURES, explanations
from training.history import History, TooLittleData, date_of, walk
from training.interval_width import interval_width
from training.permutation import Permutation
from training.report import report
from training.saving import check_name, make_golden, save
from training.walk_forward import FEWEST_TO_FIT, baselines, walk_forward

EVALUATION_REFIT_DAYS = 90
CHOOSE_EVERY_DAYS = 60  # below the refits' 90 by more than a pause in the fixtures, so that none is missed
Stage = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold the choices of a training run.

    Attributes:
        seed: The same seed and data give the same model to the bit on one machine.
        validation_days: Length of the evaluation window at the end of the data, and of the window that stops the boosting.
        warm_up_days: Days at the start of the data that only warm the features up.
        threads: Of the boosting library.
        configuration: What the model is made with, and why.
    """

    model_name: str
    seed: int
    validation_days: int
    warm_up_days: int
    threads: int
    configuration: Configuration = field(default_factory=Configuration)

    def model(self) -> Ensemble:
        """Return a fresh model to fit."""
        choices = self.configuration.choices
        return choices.model(seed=self.seed, threads=self.threads, validation_days=self.validation_days)

    def models(self) -> list[OutcomeModel]:
        """Return a model and baselines for a walk through time; the model chooses anew every two months."""
        return [replace(self.model(), choose_every_days=CHOOSE_EVERY_DAYS), *baselines()]


@dataclass(frozen=True, slots=True)
class Trained:
    """Hold what a training run made."""

    tag: str
    card: dict[str, Any]


def train(matches: MatchTable, plan: Plan, *, on_stage: Stage) -> Trained:
    """Train on every played match of a table, save the model and return its tag and card.

    Args:
        on_stage: Called with the name of the stage, the steps done and the steps in all.

    Raises:
        ModelNameInvalid: If no model can be saved under the plan's name.
        TooLittleData: If there is too little to fit, or to evaluate on.
    """
    check_name(plan.model_name)
    on_stage("features", 0, 1)
    transform, history = walk(matches)
    on_stage("features", 1, 1)
    permutation = Permutation(seed=plan.seed)
    evaluation = _evaluate(history, plan, permutation, on_stage)
    on_stage("final fit", 0, 1)
    learned = history.after_warm_up(plan.warm_up_days)
    model = plan.model().fit(learned.matches, learned.features)
    on_stage("final fit", 1, 1)
    on_stage("importance", 0, 1)
    card = _card(history, learned, model, evaluation, plan)
    card["explanations"] = explanations(model, learned, permutation)
    on_stage("importance", 1, 1)
    artifact = Artifact(
        model_type=model.name,
        trained_until=_instant(transform.last_day + 1),
        data_digest=data_digest(history.matches),
        data_matches=len(history),
        competitions=sorted(set(history.matches.competition)),
        feature_names=list(model.names),
        card=card,
        golden=make_golden(transform, model, history.matches),
        seed=plan.seed,
    )
    return Trained(save(plan.model_name, transform, model, artifact), card)


def _evaluate(history: History, plan: Plan, permutation: Permutation, on_stage: Stage) -> dict[str, Any]:
    end = int(history.matches.day.max()) + 1
    first = end - plan.validation_days
    fewest = len(history.after_warm_up(plan.warm_up_days).before(first))
    if fewest < FEWEST_TO_FIT:
        raise TooLittleData(
            f"{len(history)} played matches leave {fewest} to learn from before an evaluation window of "
            f"{plan.validation_days} days; at least {FEWEST_TO_FIT} are needed. Ingest more seasons"
        )
    forecasts = walk_forward(
        history,
        plan.models,
        first_day=first,
        end_day=end,
        refit_days=EVALUATION_REFIT_DAYS,
        warm_up_days=plan.warm_up_days,
        on_progress=lambda done, total: on_stage("evaluation", done, total),
        watch=permutation.watch,
    )
    window = {
        "from": date_of(first).isoformat(),
        "to": date_of(end - 1).isoformat(),
        "refit_days": EVALUATION_REFIT_DAYS,
    }
    name = plan.model().name
    return {
        "window": window,
        **report(forecasts, model=name, seed=plan.seed),
        "coverage": coverage_of(forecasts, model=name).to_plain(),
        "calibration": calibration_gain(forecasts, model=name, seed=plan.seed),
        "interval_width": interval_width(forecasts, model=name),
    }


def _card(
    history: History, learned: History, model: Ensemble, evaluation: dict[str, Any], plan: Plan
) -> dict[str, Any]:
    days = history.matches.day
    return {
        "model_type": model.name,
        "data": {
            "from": date_of(int(days.min())).isoformat(),
            "to": date_of(int(days.max())).isoformat(),
            "matches": len(history),
            "matches_learned_from": len(learned),
            "matches_with_xg": int((~np.isnan(history.matches.home_xg)).sum()),
            "competitions": sorted(set(history.matches.competition)),
        },
        "features": len(model.names),
        "rounds": model.boosted.rounds,
        "trees": model.boosted.rounds * OUTCOMES + model.goals.rounds,
        "goal_rounds": model.goals.rounds,
        "configuration": plan.configuration.to_plain(),
        "choice": model.evidence,
        "seed": plan.seed,
        "importance": dict(list(model.importance().items())[:MOST_FEATURES]),
        "evaluation": evaluation,
    }


def _instant(day: int) -> dt.datetime:
    return dt.datetime.combine(date_of(day), dt.time(), tzinfo=dt.UTC)
