"""The part of ``football backtest`` that sets forecasts beside a rival's: its option, its file and its note."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from rich.console import Console

from cli.evaluation import TITLES
from ingest.errors import IngestError
from ingest.rival_forecasts import READERS, RivalForecasts, read_rival_forecasts


@dataclass(frozen=True, slots=True)
class RivalOrder:
    """Hold whose forecasts the command line asks for, and their file."""

    name: str
    file: Path


class RivalFile(click.ParamType[RivalOrder]):
    """Take NAME=FILE, the name of a rival that can be read and a file that is there."""

    name = "NAME=FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RivalOrder:
        """Return the order, or end the command with what is wrong with it."""
        name, is_given, file = str(value).partition("=")
        if not is_given or name not in READERS:
            self.fail(f"{value!r} is not NAME=FILE with one of the names {', '.join(READERS)}.", param, ctx)
        place = click.Path(exists=True, dir_okay=False, path_type=Path).convert(file, param, ctx)
        return RivalOrder(name, Path(place))


rival_option = click.option(
    "--rival",
    type=RivalFile(),
    help="Compare with forecasts in a file of others, such as fivethirtyeight=spi_matches.csv, on the matches both have.",
)


def rival_forecasts(engine: sa.Engine, order: RivalOrder) -> RivalForecasts:
    """Return the rival's forecasts of matches in the store; say on standard error how many rows were of no use."""
    try:
        told = read_rival_forecasts(engine, order.name, order.file.read_bytes(), order.file.name)
    except (IngestError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if told.rejects:
        first = told.rejects[0]
        where = first.origin if first.line is None else f"{first.origin}, line {first.line}"
        click.echo(
            f"{len(told.rejects):,} of {told.rows:,} rows of {order.file.name} are of no match in the store, "
            f"such as {where}: {first.reason}",
            err=True,
        )
    return told


def print_rival(console: Console, told: dict[str, Any] | None) -> None:
    """Print which matches are compared and which of the rival's forecasts were changed; nothing without a rival."""
    if told is None:
        return
    title = TITLES.get(told["name"], told["name"])
    console.print(
        f"Compared on the {told['matches']:,} matches of which {title} has a forecast; {told['left_out']:,} others are left out."
    )
    if told["clipped"]:
        console.print(
            f"{told['clipped']:,} forecasts of {title} gave an outcome less than {told['least_probability']:g} and were raised "
            f"to it; in {told['clipped_results']:,} of them it happened. Forecasts of who goes through give a draw nothing."
        )
    if told["unclipped"] is not None:
        loss = told["unclipped"]["difference"][told["name"]]["log_loss"]
        console.print(
            f"On the {told['unclipped']['matches']:,} other matches, log loss, ours minus {title}: "
            f"{loss['mean']:+.5f} ({loss['low']:+.5f} to {loss['high']:+.5f})."
        )
