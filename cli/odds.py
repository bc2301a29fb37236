"""The part of ``football backtest`` that sets forecasts beside odds: its options and its tables."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from cli.evaluation import evaluation_table
from ingest.closing_lines import ClosingLines, Odds, read_closing_lines
from ingest.errors import IngestError
from store.reads import read_closing_odds
from training.bookmakers import LINE, Terms
from training.overround import METHODS

_DEFAULT = Terms()
_TITLES = {"before_kickoff": "Beside the odds before kick-off", "closing": "Beside the closing odds"}


class _Number(click.FloatRange):
    """Take a number of a range; FloatRange alone lets NaN through, which is in no range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or end the command with the value that is none."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


@dataclass(frozen=True, slots=True)
class OddsOrder:
    """Hold what the command line says of odds."""

    terms: Terms
    closing_file: Path | None


_OPTIONS = (
    click.option(
        "--closing",
        "closing_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Your CSV in football-data.co.uk's column names; its closing odds are looked at, not stored.",
    ),
    click.option(
        "--kelly",
        type=_Number(0.0, 1.0, min_open=True),
        default=_DEFAULT.kelly_fraction,
        show_default=True,
        help="Share of the Kelly stake in the analysis of bets.",
    ),
    click.option(
        "--edge",
        type=_Number(0.0),
        default=_DEFAULT.edge,
        show_default=True,
        help="Expected profit of a unit bet above which it is analysed.",
    ),
    click.option(
        "--overround",
        type=click.Choice(list(METHODS)),
        default=_DEFAULT.overround,
        show_default=True,
        help="How the bookmaker's margin is taken out of odds, where the store has odds.",
    ),
)


def odds_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options on odds, as one argument ``odds``."""

    @functools.wraps(command)
    def run(*arguments: Any, overround: str, edge: float, kelly: float, closing_file: Path | None, **rest: Any) -> None:
        command(*arguments, odds=OddsOrder(Terms(overround, edge, kelly), closing_file), **rest)

    for option in _OPTIONS:
        run = option(run)
    return run


def closing_odds(engine: sa.Engine, order: OddsOrder) -> dict[str, Odds]:
    """Return the closing odds of the store by match id, those of the file in their place where it has some."""
    stored = read_closing_odds(engine)
    file = order.closing_file
    if file is None:
        return stored
    try:
        lines = read_closing_lines(engine, file.read_bytes(), file.name)
    except (IngestError, OSError) as error:
        raise click.ClickException(str(error)) from error
    _tell_refused(lines, file.name)
    return stored | dict(lines.odds)


def print_odds(console: Console, told: dict[str, Any] | None) -> None:
    """Print the tables of ``training.bookmakers.beside_odds`` and the caveat; nothing where there were no odds."""
    if told is None:
        return
    for name, title in _TITLES.items():
        if told[name] is not None:
            console.print(evaluation_table(told[name], title))
            console.print(_line_note(told[name], told["overround_method"]))
    if told["bets"] is not None:
        console.print(_bets_table(told["bets"]))
        if told["bets"]["closing_line_value"] is not None:
            console.print(_value_note(told["bets"]["closing_line_value"]))
    for sentence in told["caveat"]:
        console.print(sentence)


def _tell_refused(lines: ClosingLines, name: str) -> None:
    """Say on standard error, which leaves --json whole, how many rows were of no use."""
    if lines.rejects:
        first = lines.rejects[0]
        where = first.origin if first.line is None else f"{first.origin}, line {first.line}"
        click.echo(
            f"{len(lines.rejects):,} of {lines.rows:,} rows of {name} were refused, such as {where}: {first.reason}",
            err=True,
        )


def _line_note(section: dict[str, Any], method: str) -> str:
    loss = section["difference"][LINE]["log_loss"]
    return (
        f"Overround {section['overround']:.1%}, taken out by {method}. Log loss, ours minus the odds': "
        f"{loss['mean']:+.5f} ({loss['low']:+.5f} to {loss['high']:+.5f})."
    )


def _bets_table(bets: dict[str, Any]) -> Table:
    kelly = bets["kelly"]
    table = Table(
        title=f"Bets with an expected profit above {bets['edge']:.1%}, at the odds before kick-off "
        f"({bets['count']:,} on {bets['match_days']:,} days, {bets['won']:,} won)"
    )
    table.add_column("stake")
    for name in ("staked", "profit", "yield (95 %)"):
        table.add_column(name, justify="right")
    table.add_row("1 unit each", *_figures(bets["unit_stakes"]))
    bankroll = f"{kelly['fraction']:g} of Kelly's, at most {kelly['cap']:.0%}; in bankrolls"
    table.add_row(bankroll, *_figures(kelly["stakes"]))
    return table


def _figures(result: dict[str, Any] | None) -> tuple[str, str, str]:
    if result is None:
        return "0", "0", ""
    return f"{result['staked']:,.2f}", f"{result['profit']:+,.2f}", _with_interval(result["yield"])


def _with_interval(told: dict[str, Any]) -> str:
    if told["low"] is None:
        return f"{told['mean']:+.1%} (one day: no interval)"
    return f"{told['mean']:+.1%} ({told['low']:+.1%} to {told['high']:+.1%})"


def _value_note(value: dict[str, Any]) -> str:
    return (
        f"Closing line value of {value['bets']:,} of these bets, mean profit of a unit if the closing line without its "
        f"overround is right: {_with_interval(value)}."
    )
