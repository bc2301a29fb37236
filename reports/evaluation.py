"""The page about forecasts of a past window: its sections in order, and what to see first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from reports.calibration import calibration, coverage
from reports.comparison import course, groups, headline, overall, verdict
from reports.forecasting import confidence, misses
from reports.importance import Importance, importance
from reports.page import Page, Section
from reports.subject import Subject
from reports.wording import NONE, SPACE, between, number, share, signed
from training.history import date_of

SOURCES: Final = (
    (
        "RPS is the ranked probability score divided by two, log loss is in nats, Brier is summed over the three outcomes, "
        "ECE is over ten bins, averaged over the outcomes."
    ),
    (
        "Intervals of differences: paired bootstrap over match days (Efron & Tibshirani 1993). Of frequencies: Wilson (1927). "
        "Slope: Cox (1958). Running means: cluster ratio estimator (Cochran 1977)."
    ),
    (
        "What a model looks at: parts are Shapley values (Lundberg et al. 2018, 2020), permutation is Breiman's (2001) for groups "
        "of features, partial dependence Friedman's (2001)."
    ),
)


def evaluation_page(subject: Subject, *, promised: float, saved: Importance | None = None) -> Page:
    """Return the page about forecasts.

    Args:
        promised: Coverage of the prediction sets, within (0, 1).
        saved: Of a saved model; the section is left out without one.

    Raises:
        InvalidForecast: If the coverage is not within (0, 1).
    """
    told = overall(subject)
    sections: list[Section] = [
        headline(subject, told),
        calibration(subject),
        groups(subject),
        confidence(subject),
        coverage(subject, promised),
        *([importance(saved)] if saved is not None else []),
        misses(subject),
        course(subject),
    ]
    return Page(
        title="Forecasts and results",
        summary=f"{_window(subject)} {verdict(subject, told)}",
        tiles=_tiles(subject, told),
        sections=sections,
        sources=SOURCES,
    )


def _window(subject: Subject) -> str:
    day, codes = subject.matches.day, sorted(set(subject.matches.competition))
    fits = len(np.unique(subject.forecasts.trained_until))
    named = ", ".join(codes) if len(codes) <= 8 else f"{len(codes)} competitions"
    return (
        f"{len(subject.matches):,} matches from {date_of(int(day.min()))} to {date_of(int(day.max()))} ({named}), each "
        f"predicted from what was known before it; the models were fitted {fits} {'time' if fits == 1 else 'times'}."
    )


def _tiles(subject: Subject, told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    ours, best = told["scores"][subject.model], subject.best_baseline
    theirs = None if best is None else told["scores"][best]
    beside = "no baseline" if best is None else subject.title(best)

    def remark(score: str) -> str:
        if theirs is None:
            return beside
        return f"{beside}: {share(theirs[score]) if score == 'accuracy' else number(theirs[score])}"

    lead = None if best is None else told["difference"][best]["rps"]
    return [
        ("RPS, lower is better", number(ours["rps"]), remark("rps")),
        (
            f"RPS, ours minus {'the best baseline' if best is None else beside}",
            NONE if lead is None else signed(lead["mean"]),
            beside if lead is None else f"95{SPACE}%: {between(signed(lead['low']), signed(lead['high']))}",
        ),
        ("log loss, lower is better", number(ours["log_loss"]), remark("log_loss")),
        ("accuracy, higher is better", share(ours["accuracy"]), remark("accuracy")),
        ("ECE, lower is better", number(ours["ece"]), remark("ece")),
    ]
