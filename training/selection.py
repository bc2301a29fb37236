"""Champion against challenger: a search, one look at an untouched season, and a decision with its evidence.

The best choices that the search found are the challenger. They are promoted only if a paired test on the newest
complete season, which the search has not seen, says that they are better.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.storages import RDBStorage

import features
import models
from models.choices import Choices
from models.scores import paired_bootstrap, ranked_probability_score
from store.reads import data_digest
from training.folds import Folds, walked
from training.history import History
from training.paired_test import error_rate_of_look, sign_flip_test
from training.report import drawn_together
from training.run import Plan
from training.search import Budget, Found, Progress, search
from training.search_space import version
from training.seasons import Window, Windows
from training.studies import LOOKS, open_study, recorded_looks, study_name

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
PROMOTED: Final = "promoted the challenger"
WOULD_PROMOTE: Final = "found the challenger better, and did not promote it, as was asked"
KEPT: Final = "kept the champion"
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Rules:
    """Hold by which rules a selection is made.

    Attributes:
        refit_days: Days between fits, in the search and in the decision.
        error_rate: Chance, over all looks at one untouched season, of promoting a challenger that is not better.
        promotes: Whether a better challenger is to be promoted, or only told of.
    """

    windows: Windows
    refit_days: int
    error_rate: float
    promotes: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """Hold what was decided.

    Attributes:
        is_promoted: Whether the challenger was shown to be better and is to take the champion's place.
        challenger: The best choices that the search found.
        evidence: Everything the decision rests on, plain data for the model card.
    """

    is_promoted: bool
    challenger: Choices
    evidence: dict[str, Any]


def select(
    history: History,
    storage: RDBStorage,
    plan: Plan,
    rules: Rules,
    budget: Budget,
    *,
    on_progress: Progress,
    now: Clock = lambda: dt.datetime.now(dt.UTC),
) -> Decision:
    """Search, and decide between the best choices found and those of the plan, which are the champion's.

    Args:
        storage: From ``training.studies.opened``.
        on_progress: Called with what is being done, how many are done and how many are to be done.

    Raises:
        TooLittleData: If there is too little to fit before the first fold.
    """
    champion = plan.configuration.choices
    windows = rules.windows
    folds = Folds.of(history, plan, windows.searched, refit_days=rules.refit_days, competitions=windows.competitions)
    study = open_study(storage, _name(folds, plan, rules))
    found = search(study, folds, champion, budget, on_progress=on_progress)
    searched = _of_the_search(study.study_name, found, champion, rules)
    if found.best == champion or found.best_rps >= found.champion_rps:
        reason = f"no trial was better than the champion on the searched seasons (RPS {found.champion_rps:.5f})"
        return Decision(False, found.best, _evidence(KEPT, reason, searched, None, now))
    look = _Look(storage, study, rules, _contest(history, plan, rules, found.best))
    test = look.take(history, plan, found.best, on_progress, now)
    is_better = test["p"] < test["error_rate_of_this_look"]
    decision = KEPT if not is_better else PROMOTED if rules.promotes else WOULD_PROMOTE
    reason = _told(test, "is below" if is_better else "is not below")
    return Decision(is_better and rules.promotes, found.best, _evidence(decision, reason, searched, test, now))


def _name(folds: Folds, plan: Plan, rules: Rules) -> str:
    return study_name(
        data=data_digest(folds.history.matches),
        searched=tuple(rules.windows.searched),
        competitions=rules.windows.competitions,
        refit_days=rules.refit_days,
        seed=plan.seed,
        validation_days=plan.validation_days,
        warm_up_days=plan.warm_up_days,
        space=version(),
        code=_code_digest(),
    )


def _code_digest() -> str:
    """Return a digest of the models' and the features' source: after a change of it trials are no longer comparable."""
    folders = [Path(package.__file__ or "").parent for package in (models, features)]
    files = sorted(file for folder in folders for file in folder.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _of_the_search(study: str, found: Found, champion: Choices, rules: Rules) -> dict[str, Any]:
    return {
        "study": study,
        **rules.windows.to_plain(),
        "refit_days": rules.refit_days,
        "error_rate": rules.error_rate,
        "objective": "mean RPS of walk-forward forecasts of the searched seasons",
        "trials": found.trials,
        "trials_cut_short": found.pruned,
        "best_trial": found.best_trial,
        "searched_rps": {CHAMPION: found.champion_rps, CHALLENGER: found.best_rps},
        "champion": champion.to_plain(),
        "challenger": found.best.to_plain(),
    }


def _evidence(
    decision: str, reason: str, searched: Mapping[str, Any], test: Mapping[str, Any] | None, now: Clock
) -> dict[str, Any]:
    on = now().date().isoformat()
    return {"decision": decision, "reason": reason, "decided_on": on, **searched, "test": test}


def _told(test: Mapping[str, Any], relation: str) -> str:
    return f"p = {test['p']:.4f} {relation} {test['error_rate_of_this_look']:.4f} on the untouched season"


def _contest(history: History, plan: Plan, rules: Rules, challenger: Choices) -> dict[str, Any]:
    """Return what makes two looks one and the same: asked again, they give the same answer."""
    windows = rules.windows
    return {
        "untouched": list(windows.untouched),
        "competitions": None if windows.competitions is None else list(windows.competitions),
        "data": data_digest(history.before(windows.untouched.end).matches),
        "refit_days": rules.refit_days,
        "seed": plan.seed,
        "champion": plan.configuration.choices.to_plain(),
        "challenger": challenger.to_plain(),
    }


@dataclass(frozen=True, slots=True)
class _Look:
    """Take one look at the untouched season, and record it."""

    storage: RDBStorage
    study: optuna.Study
    rules: Rules
    contest: dict[str, Any]

    def take(
        self, history: History, plan: Plan, challenger: Choices, on_progress: Progress, now: Clock
    ) -> dict[str, Any]:
        """Return the paired comparison, and what it may spend of the error rate."""
        before = self._others()
        spent = error_rate_of_look(self.rules.error_rate, len(before) + 1)
        # Recorded before it is taken: a run that is killed in between has not looked for nothing.
        self._record(now)
        windows = self.rules.windows
        forecasts = walked(
            history.before(windows.untouched.end),
            plan,
            {CHAMPION: plan.configuration.choices, CHALLENGER: challenger},
            windows.untouched,
            self.rules.refit_days,
            windows.competitions,
            on_progress=lambda done, total: on_progress("untouched", done, total),
        )
        outcome = forecasts.matches.outcome
        rps = {name: ranked_probability_score(proba, outcome) for name, proba in forecasts.proba.items()}
        weeks = drawn_together(forecasts.matches.day, "week")
        test = sign_flip_test(rps[CHALLENGER] - rps[CHAMPION], weeks, seed=plan.seed)
        interval = paired_bootstrap(rps[CHALLENGER], rps[CHAMPION], weeks, seed=plan.seed)
        return {
            "method": "one-sided sign-flip test on the sums of RPS differences by week",
            "matches": len(outcome),
            "weeks": test.groups,
            "rps": {name: float(values.mean()) for name, values in rps.items()},
            "difference": interval._asdict(),
            "p": test.p,
            "look": len(before) + 1,
            "looks_before": [{"at": look["at"], "study": look["study"]} for look in before],
            "error_rate_of_this_look": spent,
        }

    def _others(self) -> list[Mapping[str, Any]]:
        """Return the looks that were taken at any of these matches before this one."""
        looks = [look for look in recorded_looks(self.storage) if _sees_the_same(look["contest"], self.contest)]
        same = [place for place, look in enumerate(looks) if look["contest"] == self.contest]
        return looks[: same[0]] if same else looks

    def _record(self, now: Clock) -> None:
        if not any(look["contest"] == self.contest for look in recorded_looks(self.storage)):
            looks = self.study.user_attrs.get(LOOKS, [])
            look = {"at": now().isoformat(timespec="microseconds"), "study": self.study.study_name}
            self.study.set_user_attr(LOOKS, [*looks, {**look, "contest": self.contest}])


def _sees_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if not Window(*one["untouched"]).overlaps(Window(*other["untouched"])):
        return False
    chosen = [look["competitions"] for look in (one, other)]
    return None in chosen or not set(chosen[0]).isdisjoint(chosen[1])
