"""The page about forecasts that were served: how good they were once their matches were played, and whether all is as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from features.batch import Array
from models.scores import binned_reliability
from monitoring.calibration_watch import ERRORS, SEASON, Watched, evidence
from monitoring.drift import MUCH, Drift
from monitoring.settlement import LAST, Open, Score, Settled, events, markets
from reports.calibration_plots import RELIABILITY_AID, reliability_plot
from reports.canvas import BLUE, VERMILION, svg
from reports.page import Page, Plot, Section, Table
from reports.wording import number
from training.reliability_slope import reliability_slope

MARKETS: Final = {"1x2": "home, draw, away", "over_2_5": "more than 2.5 goals", "both_score": "both sides score"}
_EVENTS: Final = {
    "home": "Home win",
    "draw": "Draw",
    "away": "Away win",
    "over_2_5": "More than 2.5 goals",
    "both_score": "Both sides score",
}
TITLES: Final = {"horizon": "before kick-off", "competition": "competition", "version": "version"}
_SOURCES: Final = (
    (
        "A match counts once for each version, by the last forecast before its kick-off, and in each span of time by the last "
        "within it. RPS is divided by two, log loss is in nats, ECE is over ten bins. “If right” is the RPS that would be had "
        "on average if every probability were right."
    ),
    (
        "The alarm: cumulative sums of log-likelihood ratios (Page 1954), bounded by simulation. Slope: Cox (1958). Intervals of "
        "frequencies: Wilson (1927). Drift: population stability index (Yurdakul 2018)."
    ),
)


class Told(NamedTuple):
    """Hold all that the page is about.

    Attributes:
        last: The last forecast of each match before its kick-off.
        parts: Scores by horizon, competition and version.
        drift: None where it was not looked for, or there are too few matches.
    """

    model_name: str
    last: Settled
    parts: Mapping[str, Mapping[str, Score]]
    watched: Watched
    others: Open
    drift: Drift | None


def settled_page(told: Told) -> Page:
    """Return the page about forecasts that were served; at least one of their matches was played."""
    sections = [_scores(told), _reliability(told.last), _calibration(told)]
    if told.drift is not None:
        sections.append(_drift(told.drift))
    return Page(
        title="Forecasts that were served",
        summary=f"{len(told.last):,} forecasts of {told.model_name} whose matches were played; {told.others.to_come:,} matches "
        f"are still to come, {told.others.without_result:,} have no result that counts. {_verdict(told.watched)}",
        tiles=_tiles(told),
        sections=sections,
        sources=_SOURCES,
    )


def _tiles(told: Told) -> list[tuple[str, str, str]]:
    whole = told.parts["horizon"][LAST]
    apart = f"±{number(whole.rps_error)}"
    return [
        ("RPS, lower is better", number(whole.rps), f"{apart}; if right {number(whole.expected_rps)}"),
        ("log loss, lower is better", number(whole.log_loss), "of home, draw, away"),
        ("ECE, lower is better", number(whole.ece), "of home, draw, away"),
        ("calibration", "ALARM" if told.watched.is_alarmed else "no alarm", _standing(told.watched)),
    ]


def _standing(watched: Watched) -> str:
    return f"evidence {number(watched.evidence, 1)}, bound {number(watched.bound, 1)}"


def _verdict(watched: Watched) -> str:
    if not watched.is_alarmed:
        return "Nothing says that they do not mean what they say."
    return f"They no longer mean what they say; most speaks for: {watched.error or 'nothing any more'}."


def _scores(told: Told) -> Section:
    whole = told.parts["horizon"][LAST]
    rows = [[MARKETS[of], number(loss), number(error)] for of, (loss, error) in markets(whole).items()]
    return Section(
        anchor="scores",
        title="Scores",
        aid="Lower is better. An RPS above what it should be if right, by more than its interval, says that something is off.",
        tables=[
            *(_table(by, scores) for by, scores in told.parts.items()),
            Table("By market", ["market", "log loss", "ECE"], rows),
        ],
    )


def _table(by: str, scores: Mapping[str, Score]) -> Table:
    rows = [
        [
            name,
            f"{one.matches:,}",
            *map(number, (one.rps, one.rps_error, one.expected_rps, one.log_loss, one.brier, one.ece)),
        ]
        for name, one in scores.items()
        if one.matches
    ]
    header = [TITLES[by], "matches", "RPS", "± 95 %", "if right", "log loss", "Brier", "ECE"]
    return Table("By time before kick-off" if by == "horizon" else f"By {by}", header, rows)


def _reliability(last: Settled) -> Section:
    plots = []
    for name, (said, came) in events(last).items():
        line, table = reliability_slope(said, came), binned_reliability(said, came)
        plots.append(
            Plot(reliability_plot(table, line, _EVENTS[name], name=f"served-{name}"), "Dashed: as it is said.")
        )
    return Section(anchor="reliability", title="Reliability", aid=RELIABILITY_AID, plots=plots)


def _calibration(told: Told) -> Section:
    proba, outcome = told.last.proba[-SEASON:], told.last.outcome[-SEASON:]
    sums = evidence(proba, outcome)
    rows = [
        [error, number(float(one[-1]), 1), number(float(one.max()), 1)] for error, one in zip(ERRORS, sums, strict=True)
    ]
    return Section(
        anchor="calibration",
        title="The alarm",
        aid=f"For each way to be wrong, evidence adds up match by match, over the newest {SEASON} at most. The alarm is raised where "
        "any passes the bound, which right forecasts do in one season of two hundred.",
        plots=[Plot(_evidence_plot(sums.max(axis=0), told.watched), "The largest of the sums after each match.")],
        tables=[Table("Evidence in nats", ["forecasts are", "now", "at most"], rows)],
    )


def _evidence_plot(most: Array, watched: Watched) -> str:
    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title("Evidence against the calibration")
        axes.plot(np.arange(1, len(most) + 1), most, color=BLUE, label="evidence")
        axes.axhline(watched.bound, color=VERMILION, linestyle=(0, (4, 3)), label="alarm")
        axes.set_ylim(0.0, 1.15 * max(watched.bound, float(most.max())))
        axes.set_xlabel("matches")
        axes.set_ylabel("nats")
        figure.legend(loc="outside upper right", ncols=2)

    alt = f"Evidence against the calibration after each of {len(most)} matches: {_standing(watched)}."
    return svg(draw, name="evidence", alt=alt, height=260)


def _drift(told: Drift) -> Section:
    said = [[outcome, number(index, 3)] for outcome, index in told.forecasts.items()]
    moved = [[name, number(index, 3)] for name, index in told.features.items()]
    notes = (
        [f"{told.strangers:,} matches of competitions that were not learned from are left out."]
        if told.strangers
        else []
    )
    largest = max(told.forecasts.values(), default=float("nan"))
    return Section(
        anchor="drift",
        title="Drift",
        aid=f"How far the {told.asked:,} matches of the last three months have moved from {told.learned:,} of the same weeks and "
        f"competitions that the model learned from: below 0.1 little, above {MUCH:g} much. Forecasts: {number(largest, 3)} at most. "
        "Features that count matches, or hold one value for a competition, move by themselves.",
        tables=[
            Table("Forecasts", ["probability of", "index"], said),
            Table("Features, the largest first", ["feature", "index"], moved, is_folded=True),
        ],
        notes=notes,
    )
