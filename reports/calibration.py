"""Sections that set what was said beside what came: reliability, and the coverage of prediction sets."""

from __future__ import annotations

from typing import Any

from models.scores import reliability
from reports.calibration_gain import gain_tables
from reports.calibration_plots import RELIABILITY_AID, coverage_plot, reliability_plot, size_plot
from reports.page import Plot, Section, Table
from reports.subject import Subject
from reports.wording import between, number, share
from training.calibration_gain import calibration_gain
from training.coverage import LITTLE_KNOWN, coverage_of
from training.interval_width import interval_width
from training.reliability_slope import reliability_slope
from training.set_coverage import SetCoverage, set_coverage

_OUTCOMES = ("Home win", "Draw", "Away win")
_OTHER_COVERAGES = (0.5, 0.8, 0.9, 0.95)
_CONFORMAL_AID = (
    "A set holds every outcome that lies within a threshold, which is learned from earlier results, once there are enough "
    "of them, to hold the coverage promised, whatever the probabilities are worth."
)
_PROBABILITY_AID = "A set is the fewest outcomes whose probabilities reach the coverage promised. As outcomes come whole it mostly states more."


def calibration(subject: Subject) -> Section:
    """Return the section of reliability per outcome: bins with intervals, slope and ECE."""
    plots, rows = [], []
    for column, (outcome, table) in enumerate(zip(_OUTCOMES, reliability(subject.ours, subject.outcome), strict=True)):
        happened = subject.outcome == column
        line = reliability_slope(subject.ours[:, column], happened)
        name = f"reliability-{column}"
        plots.append(Plot(reliability_plot(table, line, outcome, name=name), "Dashed: what is said comes exactly."))
        rows.append(
            [
                outcome,
                share(float(subject.ours[:, column].mean())),
                share(float(happened.mean())),
                number(table.ece),
                f"{number(line.slope, 3)} ({between(number(line.low, 3), number(line.high, 3))})",
                number(line.intercept, 3),
            ]
        )
    header = ["outcome", "said on average", "came", "ECE", "slope (95 %)", "intercept"]
    return Section(
        anchor="calibration",
        title="Reliability",
        aid=RELIABILITY_AID,
        plots=plots,
        tables=[Table("Calibration per outcome", header, rows), *gain_tables(_gains(subject))],
    )


def _gains(subject: Subject) -> dict[str, Any]:
    return {
        "calibration": calibration_gain(subject.forecasts, model=subject.model, seed=subject.seed),
        "interval_width": interval_width(subject.forecasts, model=subject.model),
    }


def coverage(subject: Subject, promised: float) -> Section:
    """Return the section of prediction sets: by season at the promised coverage, and at other ones over all matches."""
    told = coverage_of(subject.forecasts, model=subject.model, promised=promised)
    rest = [one for one in _OTHER_COVERAGES if one != promised]
    levels = {share(one, 0): set_coverage(subject.ours, subject.outcome, one) for one in sorted([promised, *rest])}
    shown = {**told.per_season, "all": told.overall}
    if told.new_sides is not None:
        shown["new sides"] = told.new_sides
    return Section(
        anchor="coverage",
        title="Coverage of prediction sets",
        aid=f"{_CONFORMAL_AID if told.is_conformal else _PROBABILITY_AID} "
        "A point inside its band keeps what is stated; one in twenty lies outside by chance.",
        plots=[
            Plot(coverage_plot(shown, promised, name="coverage"), "A point outside its band is a red cross."),
            Plot(size_plot(shown, name="set-size"), "The smaller the sets, the more they say."),
        ],
        tables=[
            _table(f"Sets of {share(promised, 0)} by season", "season", shown),
            _table("Sets that take the probabilities at their word, all matches", "promised", levels),
        ],
        notes=[]
        if told.new_sides is None
        else [f"New sides: matches with a side of under {LITTLE_KNOWN} known matches."],
    )


def _table(caption: str, first: str, told: dict[str, SetCoverage]) -> Table:
    header = [first, "matches", "stated", "observed", "95 % band", "mean size"]
    rows = [
        [
            name,
            f"{one.matches:,}",
            share(one.stated),
            share(one.observed),
            between(share(one.low), share(one.high)),
            number(one.mean_size, 2),
        ]
        for name, one in told.items()
    ]
    return Table(caption, header, rows)
