"""A forecast's explanation as a table: from the usual match to the forecast, in points of probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from runners.contributions import Contribution, OfOutcomes
from runners.difference import FeatureDifference
from runners.queries import Forecast

MOST_TELLING: Final = 8


def explained(forecast: Forecast) -> Table:
    """Return the way from the usual match to the forecast; the features that matter least share one row.

    Raises:
        ValueError: If the forecast has no explanation.
    """
    if forecast.explanation is None:
        raise ValueError("the forecast has no explanation; ask for one with explain=True")
    parts = forecast.explanation.contributions
    telling, others = parts[:MOST_TELLING], parts[MOST_TELLING:]
    table = Table("feature", "value", title="What moved the forecast, in points of probability")
    for outcome in ("home", "draw", "away"):
        table.add_column(outcome, justify="right")
    table.add_row("usual match", "", *percentages(forecast.explanation.base_proba))
    for part in telling:
        table.add_row(part.feature, shown(part.value), *points(part.proba))
    if others:
        table.add_row(f"{len(others)} others together", "", *points(together(others)))
    table.add_section()
    table.add_row("forecast", "", *percentages(forecast.proba))
    return table


def shown(value: float | None) -> str:
    """Return a feature's value as it is shown.

    >>> shown(None), shown(1612.5), shown(0.0)
    ('missing', '1612.500', '0.000')
    """
    return "missing" if value is None else f"{value:.3f}"


def percentages(proba: OfOutcomes) -> list[str]:
    """Return probabilities as they are shown."""
    return [f"{p:.1%}" for p in proba]


def points(parts: OfOutcomes) -> list[str]:
    """Return parts of probabilities as they are shown.

    >>> points((0.0512, -0.0101, -0.0411))
    ['+5.12', '-1.01', '-4.11']
    """
    return [f"{100 * part:+.2f}" for part in parts]


def together(parts: Sequence[Contribution] | Sequence[FeatureDifference]) -> OfOutcomes:
    """Return the sum of parts of probabilities, outcome by outcome."""
    home, draw, away = (sum(part.proba[outcome] for part in parts) for outcome in range(3))
    return home, draw, away
