"""Plots of what was said beside what came: reliability, accuracy by confidence, coverage of sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy.stats import binomtest

from features.batch import Array
from models.scores import Reliability
from reports.canvas import BLUE, GREY, INK, LIGHT, NARROW, SKY, VERMILION, svg
from reports.wording import number, share
from training.reliability_slope import ReliabilitySlope
from training.set_coverage import SetCoverage

_BIN: Final = 0.1
RELIABILITY_AID: Final = (
    "Points on the dashed line: what is given 30 % comes in 30 of 100 matches. A slope below 1 says that forecasts are "
    "too bold, above 1 too timid; bars are 95 % intervals of the bins."
)
"""How to read ``reliability_plot``."""


def reliability_plot(table: Reliability, slope: ReliabilitySlope, outcome: str, *, name: str) -> str:
    """Draw how often an outcome came against how often it was said to, bin by bin, over the counts of the bins."""
    line = f"slope {number(slope.slope, 2)} ({number(slope.low, 2)} to {number(slope.high, 2)})"

    def draw(figure: Figure) -> None:
        axes, counts = _over_counts(figure, table)
        axes.set_title(outcome)
        axes.text(0.03, 0.97, f"{line}\nECE {number(table.ece)}", transform=axes.transAxes, va="top", linespacing=1.4)
        axes.set_ylim(-0.02, 1.02)
        axes.set_ylabel("it happened")
        counts.set_xlim(0.0, 1.0)
        counts.set_xlabel("probability given")

    alt = f"Reliability of {outcome.lower()}: {line}, ECE {number(table.ece)}. {_bins(table)}"
    return svg(draw, name=name, alt=alt, height=350, width=NARROW)


def accuracy_by_confidence(table: Reliability, *, name: str) -> str:
    """Draw how often the favourite won through against the probability it was given."""

    def draw(figure: Figure) -> None:
        axes, counts = _over_counts(figure, table)
        axes.set_title("Accuracy by confidence")
        axes.set_ylim(0.2, 1.02)
        axes.set_ylabel("favourite was right")
        counts.set_xlim(0.3, 1.0)
        counts.set_xlabel("favourite's probability")

    return svg(draw, name=name, alt=f"Accuracy by confidence. {_bins(table)}", height=330, width=NARROW)


def coverage_plot(seasons: Mapping[str, SetCoverage], coverage: float, *, name: str) -> str:
    """Draw the share of results inside the sets a season, on the band that chance allows and the line promised."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(f"Sets of {share(coverage, 0)}: results inside")
        for row, told in enumerate(seasons.values()):
            axes.plot([told.low, told.high], [-row, -row], color=LIGHT, linewidth=12, label=_once(row, "95 % band"))
            axes.plot(
                [told.stated], [-row], "|", color=GREY, markersize=14, markeredgewidth=2, label=_once(row, "stated")
            )
            colour, marker = (BLUE, "o") if told.low <= told.observed <= told.high else (VERMILION, "X")
            axes.plot([told.observed], [-row], marker, color=colour, markersize=8, label=_once(row, "observed"))
        axes.axvline(coverage, color=INK, linestyle=(0, (4, 3)), linewidth=1, label="promised at least")
        axes.set_yticks([-row for row in range(len(seasons))], list(seasons))
        axes.set_ylim(0.6 - len(seasons), 0.6)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.locator_params(axis="x", nbins=6)
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside upper left", ncols=2)

    told = "; ".join(
        f"{season}: {share(one.observed)}, band {share(one.low)} to {share(one.high)}"
        for season, one in seasons.items()
    )
    alt = f"Share of results inside the prediction sets of {share(coverage, 0)} by season. {told}."
    return svg(draw, name=name, alt=alt, height=125 + 34 * len(seasons))


def size_plot(seasons: Mapping[str, SetCoverage], *, name: str) -> str:
    """Draw how many of the sets hold one, two and all three outcomes, a bar a season."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title("Outcomes in a set")
        places = [-row for row in range(len(seasons))]
        start = np.zeros(len(seasons))
        for size, colour in enumerate((BLUE, SKY, LIGHT)):
            length = np.array([told.size_shares[size] for told in seasons.values()])
            axes.barh(places, length, left=start, height=0.6, color=colour, label=("one", "two", "three")[size])
            start += length
        for place, told in zip(places, seasons.values(), strict=True):
            axes.text(1.01, place, f"mean {number(told.mean_size, 2)}", va="center", fontsize=10)
        axes.set_yticks(places, list(seasons))
        axes.set_ylim(0.6 - len(seasons), 0.6)
        axes.set_xlim(0.0, 1.22)
        axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0])
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.grid(visible=False)
        figure.legend(loc="outside upper left", ncols=3)

    told = "; ".join(f"{season}: {', '.join(map(share, one.size_shares))}" for season, one in seasons.items())
    alt = f"Share of prediction sets of one, two and three outcomes by season. {told}."
    return svg(draw, name=name, alt=alt, height=125 + 34 * len(seasons))


def binomial_interval(table: Reliability) -> tuple[Array, Array]:
    """Return the 95 % Wilson (1927) interval of each bin's frequency, NaN where a bin is empty. Shape (10,) each."""
    low, high = np.full(len(table.count), np.nan), np.full(len(table.count), np.nan)
    for i in np.flatnonzero(table.count):
        count = int(table.count[i])
        low[i], high[i] = binomtest(round(table.frequency[i] * count), count).proportion_ci(method="wilson")
    return low, high


def _over_counts(figure: Figure, table: Reliability) -> tuple[Axes, Axes]:
    """Draw a table's points with intervals on the diagonal, and its counts below; return both axes."""
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    low, high = binomial_interval(table)
    filled = table.count > 0
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=1)
    axes.vlines(table.forecast[filled], low[filled], high[filled], color=BLUE, linewidth=2)
    axes.plot(table.forecast[filled], table.frequency[filled], "o", color=BLUE, markersize=7)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    middles = (np.arange(len(table.count)) + 0.5) * _BIN
    counts.bar(middles[filled], table.count[filled], width=_BIN * 0.9, color=LIGHT)
    for middle, count in zip(middles[filled], table.count[filled], strict=True):
        counts.text(middle, count, f"{count}", ha="center", va="bottom", fontsize=9, color=GREY)
    counts.set_ylim(0, table.count.max() * 1.35)
    counts.set_yticks([])
    counts.set_ylabel("matches")
    counts.grid(visible=False)
    counts.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    return axes, counts


def _bins(table: Reliability) -> str:
    filled = np.flatnonzero(table.count)
    told = (f"said {share(table.forecast[i])}, came {share(table.frequency[i])} of {table.count[i]}" for i in filled)
    return "; ".join(told) + "."


def _once(row: int, label: str) -> str | None:
    return label if row == 0 else None
