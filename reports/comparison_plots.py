"""Plots of ours against the baselines: differences with their intervals, and how they settle with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.canvas import BLUE, GREY, INK, colours, svg
from reports.subject import Subject
from reports.wording import difference, number, signed
from training.learning_curve import LearningCurve

Differences = Mapping[str, Mapping[str, float]]  # baseline to mean, low and high

# A baseline whose interval reaches this many times as far as the nearest one's is an arrow at the edge.
_FAR: Final = 4.0


def forest(
    subject: Subject, groups: Mapping[str, Differences], *, name: str, title: str, higher_is_better: bool = False
) -> str:
    """Draw a row a group and in it a point a baseline: ours minus the baseline's score, with its 95 % interval.

    Args:
        groups: At least one, from top to bottom. A single one is not named: its baselines are.
    """
    is_single = len(groups) == 1
    rows = [(group, base) for group, told in groups.items() for base in told]
    ends = _ends(groups)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(title)
        axes.axvline(0.0, color=INK, linewidth=1)
        for (group, base), place in zip(rows, _places(groups), strict=True):
            _interval(axes, groups[group][base], place, ends, colours(subject.models)[base])
        axes.set_xlim(*ends)
        axes.set_xlabel(f"ours minus it; {'above' if higher_is_better else 'below'} 0 ours is better")
        axes.locator_params(axis="x", nbins=5)
        axes.grid(visible=False, axis="y")
        _name_rows(axes, [subject.title(base) for _, base in rows] if is_single else list(groups), groups)
        if not is_single:
            _legend(figure, subject, list(next(iter(groups.values()))))

    told = "; ".join(
        f"{'' if is_single else group + ', '}{subject.title(base)}: {difference(groups[group][base])}"
        for group, base in rows
    )
    height = 74 + 34 * len(rows) if is_single else 104 + 17 * len(rows) + 8 * len(groups)
    return svg(draw, name=name, alt=f"{title}: ours minus each baseline's, with 95 % interval. {told}.", height=height)


def running_means(subject: Subject, curves: Mapping[str, LearningCurve], *, name: str) -> str:
    """Draw the mean RPS so far of some models against the days since the start."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title("Mean RPS so far")
        for model, curve in curves.items():
            shade = colours(subject.models)[model][0]
            axes.plot(curve.elapsed_days, curve.mean, color=shade, linewidth=1.8, label=subject.title(model))
        axes.set_ylim(*_settled(list(curves.values()), bounds=False))
        axes.set_xlabel("days since the first match")
        figure.legend(loc="outside upper left", ncols=2)

    ends = ", ".join(f"{subject.title(model)} {number(curve.mean[-1])}" for model, curve in curves.items())
    return svg(draw, name=name, alt=f"Mean RPS against days since the first match; at the end {ends}.", height=280)


def running_difference(curve: LearningCurve, against: str, *, name: str) -> str:
    """Draw how ours minus a baseline's mean RPS settles, with its 95 % band."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(f"Ours minus {against}, RPS so far")
        axes.fill_between(curve.elapsed_days, curve.low, curve.high, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(curve.elapsed_days, curve.mean, color=BLUE, linewidth=1.8)
        axes.axhline(0.0, color=INK, linewidth=1)
        axes.set_ylim(*_settled([curve], bounds=True))
        axes.set_xlabel("days since the first match; below 0 ours is better")

    end = difference({"mean": curve.mean[-1], "low": curve.low[-1], "high": curve.high[-1]})
    return svg(draw, name=name, alt=f"Ours minus {against} in mean RPS so far; at the end {end}.", height=280)


def _ends(groups: Mapping[str, Differences]) -> tuple[float, float]:
    """Return the ends of the axis: around 0 and the intervals, but for those of baselines that lie far off."""
    spans: dict[str, list[float]] = {}
    for told in groups.values():
        for base, one in told.items():
            spans.setdefault(base, []).extend((one["low"], one["high"]))
    # A forecast of 0 for what happened makes a loss infinite, and an interval that has no place.
    reach = {base: max(map(abs, ends)) for base, ends in spans.items() if np.isfinite(ends).all()}
    nearest = min((value for value in reach.values() if value > 0.0), default=0.0)
    near = [base for base, value in reach.items() if value <= _FAR * nearest]
    shown = [end for base in near for end in spans[base]]
    low, high = min([0.0, *shown]), max([0.0, *shown])
    # Room for an arrow with its number where a baseline lies off, for the line at 0 elsewhere.
    room = (high - low) * (0.12 if len(near) == len(spans) else 0.3) or 1.0
    return low - room, high + room


def _interval(
    axes: Axes, told: Mapping[str, float], place: float, ends: tuple[float, float], look: tuple[str, str]
) -> None:
    colour, marker = look
    if ends[0] < told["low"] and told["high"] < ends[1]:
        axes.plot([told["low"], told["high"]], [place, place], color=colour, linewidth=2)
        axes.plot([told["mean"]], [place], color=colour, marker=marker, markersize=7)
        return
    is_left = told["mean"] < 0
    # Within the axes, in their own measure: 0 is the left end, 1 the right one.
    at, beside, side = (0.02, 0.05, "left") if is_left else (0.98, 0.95, "right")
    across = axes.get_yaxis_transform()
    axes.plot([at], [place], marker="<" if is_left else ">", color=colour, markersize=8, transform=across)
    text = signed(told["mean"], 4)
    axes.text(beside, place, text, va="center", ha=side, fontsize=10, color=GREY, transform=across)


def _places(groups: Mapping[str, Differences]) -> list[float]:
    """Return the height of each row: whole steps down from group to group, its baselines within the step."""
    places = []
    for row, told in enumerate(groups.values()):
        step = 1.0 if len(groups) == 1 else 0.7 / max(len(told), 1)
        places += [-row - step * (i - (len(told) - 1) / 2) for i in range(len(told))]
    return places


def _name_rows(axes: Axes, names: Sequence[str], groups: Mapping[str, Differences]) -> None:
    places = _places(groups) if len(groups) == 1 else [-float(row) for row in range(len(groups))]
    axes.set_yticks(places, names)
    axes.set_ylim(min(places) - 0.6, max(places) + 0.6)
    if len(groups) > 1:
        for place in places[:-1]:
            axes.axhline(place - 0.5, color="#e9edf1", linewidth=1)


def _legend(figure: Figure, subject: Subject, names: Sequence[str]) -> None:
    handles: list[Any] = []
    axes = figure.axes[0]
    for base in names:
        colour, marker = colours(subject.models)[base]
        handles += axes.plot([], [], color=colour, marker=marker, markersize=7, linewidth=2, label=subject.title(base))
    figure.legend(handles=handles, loc="outside upper left", ncols=2)


def _settled(curves: Sequence[LearningCurve], *, bounds: bool) -> tuple[float, float]:
    """Return the span of the curves after the first tenth of the days, in which means still jump about."""
    values: list[float] = [0.0] if bounds else []
    for curve in curves:
        late = slice(len(curve.mean) // 10, None)
        for line in (curve.low, curve.high) if bounds else (curve.mean,):
            values += line[late][np.isfinite(line[late])].tolist()
    low, high = min(values, default=0.0), max(values, default=0.0)
    margin = 0.08 * (high - low) or 0.01
    return low - margin, high + margin
