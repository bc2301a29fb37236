"""The few kinds of panel that our dashboards are made of; each asks Prometheus, through the source that the viewer chooses."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from string import ascii_uppercase
from typing import Any, Final, TypeAlias

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

Panel: TypeAlias = Any  # the library's builders share no base class that could be named

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${source}")
_HIGH: Final = 8
_LOW: Final = 4


def lines(
    title: str, asked: Mapping[str, str], unit: str, says: str, *, width: int = 8, stacked: bool = False
) -> Panel:
    """Return lines over time.

    Args:
        asked: Query by what its lines are called; ``{{label}}`` stands for a label's value.
        unit: Of Grafana's units, such as ``reqps``, ``s`` or ``percentunit``.
        says: What the viewer learns from it, and when to worry.
        width: Of the 24 columns of a row.
        stacked: Whether the lines are parts of a whole.
    """
    legend = common.VizLegendOptions().show_legend(True)
    legend.display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    panel = timeseries.Panel().title(title).description(says).datasource(SOURCE).unit(unit).min(0)
    panel.height(_HIGH).span(width).fill_opacity(30 if stacked else 5).legend(legend)
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    _ask(panel, asked)
    return panel


def number(
    title: str, expression: str, unit: str, says: str, *, bad: Mapping[float, str], width: int = 4, decimals: int = 2
) -> Panel:
    """Return one number as it is now, in the colour of the highest bound that it has reached.

    Args:
        bad: Colour from a bound on; what lies below all of them is green.
    """
    steps = [Threshold(value=None, color="green"), *(Threshold(value=bound, color=bad[bound]) for bound in sorted(bad))]
    thresholds = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    panel = stat.Panel().title(title).description(says).datasource(SOURCE).unit(unit).decimals(decimals)
    panel.height(_LOW).span(width).thresholds(thresholds).no_value("nothing yet")
    panel.color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.NONE)
    return panel.with_target(_query("A", expression).instant())


def presence(title: str, asked: Mapping[str, str], says: str, *, width: int = 24) -> Panel:
    """Return a bar for each series, over the time that it was there."""
    panel = statetimeline.Panel().title(title).description(says).datasource(SOURCE)
    panel.height(_HIGH).span(width).show_value(VisibilityMode.NEVER).merge_values(True)
    _ask(panel, asked)
    return panel


def board(uid: str, title: str, says: str, rows: Mapping[str, list[Panel]]) -> dashboard.Dashboard:
    """Return a dashboard of rows of panels, with a mark wherever another bento began to serve."""
    built = (
        dashboard.Dashboard(title).uid(uid).description(says).tags(["football"]).refresh("30s").time("now-6h", "now")
    )
    built.with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    began = "count by (bento) (football_bento_info) unless count by (bento) (football_bento_info offset 1m)"
    mark = dashboard.AnnotationQuery().name("Releases").datasource(SOURCE).enable(True).icon_color("purple").expr(began)
    built.annotation(mark)
    numbers = count(1)
    for name, panels in rows.items():
        built.with_row(dashboard.Row(name).id(next(numbers)))
        for panel in panels:
            built.with_panel(panel.id(next(numbers)))
    return built


def _ask(panel: Panel, asked: Mapping[str, str]) -> None:
    for letter, (name, expression) in zip(ascii_uppercase, asked.items(), strict=False):
        panel.with_target(_query(letter, expression).legend_format(name).range())


def _query(letter: str, expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(letter).expr(expression).datasource(SOURCE)
