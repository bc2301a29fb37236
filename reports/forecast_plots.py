"""Plots of the forecasts themselves: how sure they are, what they name, what their model looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from features.batch import Array
from reports.canvas import BLUE, NARROW, OTHERS, OURS, VERMILION, svg
from reports.wording import share

OUTCOMES = ("home win", "draw", "away win")


def sharpness(favourite: Mapping[str, Array], *, name: str) -> str:
    """Draw how often the favourite was given which probability.

    Args:
        favourite: Title of a model to the highest probability of each match; the first as bars, others as a line.
    """
    edges = np.arange(0.30, 1.01, 0.05).tolist()

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title("Sharpness")
        (ours, values), *others = favourite.items()
        axes.hist(values, edges, weights=_equal(values), color=BLUE, alpha=0.75, rwidth=0.92, label=ours)
        for title, line in others:
            axes.hist(line, edges, weights=_equal(line), histtype="step", color=VERMILION, linewidth=2, label=title)
        axes.set_xlabel("favourite's probability")
        axes.set_ylabel("share of matches")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlim(0.3, 1.0)
        axes.tick_params(axis="x", pad=7)
        figure.legend(loc="outside upper left", ncols=2)

    told = "; ".join(f"{title}: {share(float(values.mean()))} on average" for title, values in favourite.items())
    return svg(draw, name=name, alt=f"Histogram of the favourite's probability. {told}.", height=330, width=NARROW)


def confusion_plot(counts: NDArray[np.int64], *, name: str) -> str:
    """Draw how often each outcome came where each was the most likely.

    Args:
        counts: Shape (3, 3): row the most likely outcome, column the result.
    """
    with np.errstate(invalid="ignore"):
        shares = counts / counts.sum(axis=1, keepdims=True)  # NaN where an outcome was never the most likely
    whites_to_blue = LinearSegmentedColormap.from_list("shares", ["#ffffff", BLUE])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title("Most likely outcome and result")
        axes.pcolormesh(np.nan_to_num(shares), cmap=whites_to_blue, vmin=0.0, vmax=1.0, edgecolors="white", linewidth=3)
        for row in range(3):
            for column in range(3):
                text = f"{counts[row, column]:,}\n{share(shares[row, column], 0)}"
                ink = "white" if shares[row, column] > 0.75 else "black"
                axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink, linespacing=1.4)
        axes.set_xticks(np.arange(3) + 0.5, OUTCOMES)
        axes.set_yticks(np.arange(3) + 0.5, OUTCOMES)
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("result")
        axes.set_ylabel("most likely")

    told = "; ".join(
        f"{OUTCOMES[row]} most likely: " + ", ".join(f"{counts[row, i]} {OUTCOMES[i]}" for i in range(3))
        for row in range(3)
    )
    return svg(draw, name=name, alt=f"Confusion of most likely outcome and result. {told}.", height=330, width=NARROW)


def importance_plot(importance: Mapping[str, float], *, title: str, name: str) -> str:
    """Draw each feature's share, in the order given from top to bottom."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        places = [-row for row in range(len(importance))]
        axes.set_title(title)
        axes.barh(places, list(importance.values()), color=BLUE, height=0.7)
        for place, value in zip(places, importance.values(), strict=True):
            axes.text(value, place, f" {share(value)}", va="center", fontsize=10)
        axes.set_yticks(places, list(importance))
        axes.set_ylim(0.6 - len(importance), 0.6)
        axes.set_xlim(0.0, max(importance.values()) * 1.2)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.grid(visible=False, axis="y")

    told = "; ".join(f"{feature} {share(value)}" for feature, value in importance.items())
    return svg(draw, name=name, alt=f"{title}. {told}.", height=70 + 21 * len(importance))


def dependence_plot(feature: str, curve: Mapping[str, Sequence[float]], *, name: str) -> str:
    """Draw the mean probability of each outcome over the values of a feature, each value marked.

    Args:
        curve: The ``values``, rising, and the probabilities of ``home``, ``draw`` and ``away`` there.
    """
    lines = dict(zip(OUTCOMES, (curve[side] for side in ("home", "draw", "away")), strict=True))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(feature)
        for (outcome, line), (colour, marker) in zip(lines.items(), (OURS, *OTHERS), strict=False):
            axes.plot(curve["values"], line, marker=marker, color=colour, linewidth=2, markersize=5, label=outcome)
        axes.set_xlabel("value set in every match")
        axes.set_ylabel("mean probability")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylim(0.0, max(0.7, 1.05 * max(map(max, lines.values()))))
        figure.legend(loc="outside upper left", ncols=3)

    ends = "; ".join(f"{outcome} {share(line[0])} to {share(line[-1])}" for outcome, line in lines.items())
    alt = f"Partial dependence on {feature} from {curve['values'][0]:.2f} to {curve['values'][-1]:.2f}: {ends}."
    return svg(draw, name=name, alt=alt, height=300, width=NARROW)


def _equal(values: Array) -> Array:
    return np.full(len(values), 1.0 / len(values))
