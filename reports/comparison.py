"""Sections that set ours beside the baselines: overall, by season and competition, and as the window goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from models.scores import accuracy, brier, ranked_probability_score
from reports.comparison_plots import forest, running_difference, running_means
from reports.page import Plot, Section, Table
from reports.subject import Subject
from reports.wording import difference, number, share
from training.learning_curve import learning_curve
from training.report import COMPARED, FEWEST_PER_GROUP, by_group, section

HEADLINE: Final = {**COMPARED, "brier": brier, "accuracy": accuracy}
TITLES: Final = {"rps": "RPS", "log_loss": "log loss", "brier": "Brier", "accuracy": "accuracy"}
NO_BASELINE: Final = (
    "The forecasts hold no baseline, so there is nothing to compare with. "
    "Write the file with football backtest --with-baselines."
)


def overall(subject: Subject) -> dict[str, Any]:
    """Return the scores over all matches, and ours minus each baseline's in the headline's four scores."""
    rows = np.arange(len(subject.matches))
    return section(subject.forecasts, rows, model=subject.model, seed=subject.seed, compared=HEADLINE)


def headline(subject: Subject, told: Mapping[str, Any]) -> Section:
    """Return the first section: every score of every model, and the differences with their intervals.

    Args:
        told: What ``overall`` returned.
    """
    plots = [
        Plot(
            forest(subject, {"": _in(told, score)}, name=score, title=title, higher_is_better=score == "accuracy"),
            f"Ours minus each baseline's {title}, with paired 95 % intervals over match days.",
        )
        for score, title in TITLES.items()
        if subject.baselines
    ]
    return Section(
        anchor="headline",
        title="Ours and the baselines",
        aid="An interval that leaves out 0 is a difference that chance does not explain; an arrow is a baseline that lies "
        "beyond the axis. Lower is better for all scores but accuracy.",
        plots=plots,
        tables=[_score_table(subject, told), *([_difference_table(subject, told)] if subject.baselines else [])],
        notes=[] if subject.baselines else [NO_BASELINE],
    )


def groups(subject: Subject) -> Section:
    """Return the section of RPS and log loss by season and by competition."""
    plots: list[Plot] = []
    tables: list[Table] = []
    notes = [] if subject.baselines else [NO_BASELINE]
    for what, labels in (("season", subject.matches.season), ("competition", subject.matches.competition)):
        told = by_group(subject.forecasts, labels, model=subject.model, seed=subject.seed)
        if small := sorted(set(labels) - set(told)):
            notes.append(f"Too few matches (under {FEWEST_PER_GROUP}) to show the {what} of {', '.join(small)}.")
        if told:
            plots += _group_plots(subject, told, what) if subject.baselines else []
            tables += [_group_table(subject, told, what, score) for score in COMPARED]
    return Section(
        anchor="groups",
        title="By season and competition",
        aid="A model that is better for a reason is better nearly everywhere; one good season is luck. "
        "Fewer matches make wider intervals.",
        plots=plots,
        tables=tables,
        notes=notes,
    )


def course(subject: Subject) -> Section:
    """Return the section of the mean RPS so far, and of the difference to the best baseline, against the days."""
    best, day = subject.best_baseline, subject.matches.day
    names = subject.models if best is None else [subject.model, best]
    score = {name: ranked_probability_score(subject.forecasts.proba[name], subject.outcome) for name in names}
    curves = {name: learning_curve(values, day) for name, values in score.items()}
    plots = [Plot(running_means(subject, curves, name="running-means"), "Mean over all matches up to each day.")]
    if best is not None:
        curve = learning_curve(score[subject.model] - score[best], day)
        plots.append(
            Plot(
                running_difference(curve, subject.title(best), name="running-difference"),
                f"After {curve.matches[-1]:,} matches {_end(curve.mean[-1], curve.low[-1], curve.high[-1])}; "
                "the band is the 95 % interval of the mean so far, match days taken as draws.",
            )
        )
    return Section(
        anchor="course",
        title="As the window goes on",
        aid="A lead that is real settles on its side of 0 while the band narrows. The first tenth of the days may leave the "
        "plot, as means of few matches jump about.",
        plots=plots,
        notes=[] if best is not None else [NO_BASELINE],
    )


def verdict(subject: Subject, told: Mapping[str, Any]) -> str:
    """Return in a sentence how ours stands against the best baseline, and whether chance explains it."""
    best = subject.best_baseline
    if best is None:
        return NO_BASELINE
    one = told["difference"][best]["rps"]
    side = "better than" if one["mean"] < 0 else "worse than"
    is_sure = one["high"] < 0 or one["low"] > 0
    sure = "more than chance explains" if is_sure else "which chance alone could explain"
    return f"In RPS ours is {abs(one['mean']):.5f} {side} {subject.title(best)}, the best baseline: {sure}."


def _group_plots(subject: Subject, told: Mapping[str, Any], what: str) -> list[Plot]:
    return [
        Plot(
            forest(
                subject,
                {name: _in(group, score) for name, group in told.items()},
                name=f"{what}-{score}",
                title=f"{TITLES[score]} by {what}",
            ),
            f"Ours minus each baseline's {TITLES[score]} a {what}, with paired 95 % intervals.",
        )
        for score in COMPARED
    ]


def _group_table(subject: Subject, told: Mapping[str, Any], what: str, score: str) -> Table:
    models = subject.models
    rows = [
        [
            name,
            f"{group['matches']:,}",
            *(number(group["scores"][model][score]) for model in models),
            *(difference(group["difference"][model][score]) for model in subject.baselines),
        ]
        for name, group in told.items()
    ]
    header = [what, "matches", *map(subject.title, models)]
    header += [f"ours minus {subject.title(model)}" for model in subject.baselines]
    return Table(f"{TITLES[score]} by {what}, differences with 95 % intervals", header, rows, is_folded=True)


def _in(told: Mapping[str, Any], score: str) -> dict[str, Mapping[str, float]]:
    return {name: compared[score] for name, compared in told["difference"].items()}


def _score_table(subject: Subject, told: Mapping[str, Any]) -> Table:
    rows = [[subject.title(name), *_figures(told["scores"][name])] for name in subject.models]
    header = ["model", "RPS", "log loss", "Brier", "accuracy", "ECE"]
    return Table(f"Scores over all {told['matches']:,} matches", header, rows, emphasis=frozenset({0}))


def _difference_table(subject: Subject, told: Mapping[str, Any]) -> Table:
    rows = [
        [subject.title(name), *(difference(told["difference"][name][score]) for score in TITLES)]
        for name in subject.baselines
    ]
    return Table("Ours minus the baseline, with 95 % intervals", ["baseline", *TITLES.values()], rows)


def _figures(scores: Mapping[str, float]) -> list[str]:
    return [
        *(number(scores[name]) for name in ("rps", "log_loss", "brier")),
        share(scores["accuracy"]),
        number(scores["ece"]),
    ]


def _end(mean: float, low: float, high: float) -> str:
    return difference({"mean": mean, "low": low, "high": high})
