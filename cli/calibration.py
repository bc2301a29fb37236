"""The tables that say what calibration changed and how wide intervals are, on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from reports.calibration_gain import gain_tables


def print_calibration(console: Console, evaluation: dict[str, Any]) -> None:
    """Print both tables of an evaluation, those of the two that it has."""
    for told in gain_tables(evaluation):
        table = Table(title=told.caption)
        for place, name in enumerate(told.header):
            table.add_column(name, justify="right" if place else "left")
        for row in told.rows:
            table.add_row(*row)
        console.print(table)
