"""``football settle``: how good the forecasts that were served have been, now that results are in."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from configs.settings import Settings
from models.scores import binned_reliability, reliability
from monitoring.calibration_watch import SEASON, Watched, watch
from monitoring.settlement import HORIZONS_S, LAST, Open, Score, Settled, by, not_scored, score, settle
from store.database import open_store
from store.errors import StoreError
from store.forecasts import SECONDS_PER_DAY, Met, met_forecasts

FEW = 100
_OUTCOMES = ("home", "draw", "away")


@click.command("settle")
@click.option("--model", "model_name", help="Forecasts of this model; by default of the first served one.")
@click.option("--days", type=click.IntRange(1), help="Computed within so many days; by default all that are kept.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, with the tables behind reliability diagrams."
)
@click.pass_obj
def settle_command(settings: Settings, model_name: str | None, days: int | None, as_json: bool) -> None:
    """Compare the forecasts that were served with the results: scores by horizon, competition, version and market.

    A match counts once for each version: with the last forecast before its kick-off, and in each horizon with the last
    one within it. What was called off, awarded or is still to come is counted and not scored. A corrected score is
    taken as it is now. An alarm says where forecasts no longer mean what they say.
    """
    now_s = dt.datetime.now(dt.UTC).timestamp()
    since_day = None if days is None else int(now_s) // SECONDS_PER_DAY - days
    try:
        engine = open_store(settings.database_url)
        met = met_forecasts(engine, model_name=model_name or settings.service.models[0], since_day=since_day)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    last = settle(met)
    watched = watch(last.proba, last.outcome)
    if as_json:
        click.echo(json.dumps(_plain(met, last, watched, not_scored(met, now_s)), indent=2, allow_nan=False))
        return
    _show(met, last, watched, not_scored(met, now_s))


def _show(met: Sequence[Met], last: Settled, watched: Watched, others: Open) -> None:
    console = Console()
    if not met:
        console.print("No forecast was logged yet. A server logs those of matches to come that it is asked for.")
        return
    if len(last):
        parts = {
            "before kick-off": {name: score(settle(met, name)) for name in HORIZONS_S},
            "competition": by(last, last.competition),
            "version": by(last, last.model),
        }
        for title, scores in parts.items():
            console.print(_table(title, scores))
        console.print(_markets(score(last)))
    console.print(f"{others.to_come} matches are still to come, {others.without_result} have no result that counts.")
    if len(last) < FEW:
        console.print(f"{len(last)} matches are few: scores of fewer than {FEW} say little.")
    console.print(_said(watched))


def _table(title: str, scores: Mapping[str, Score]) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1), pad_edge=False)
    for place, name in enumerate((title, "matches", "RPS", "± 95 %", "if right", "log loss", "ECE")):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    for name, one in scores.items():
        if one.matches:
            figures = (one.rps, one.rps_error, one.expected_rps, one.log_loss, one.ece)
            table.add_row(name, f"{one.matches:,}", *map(_figure, figures))
    return table


def _markets(one: Score) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1), pad_edge=False)
    for place, name in enumerate(("market", "log loss", "ECE")):
        table.add_column(name, justify="right" if place else "left")
    table.add_row("home, draw, away", _figure(one.log_loss), _figure(one.ece))
    table.add_row("more than 2.5 goals", _figure(one.over_log_loss), _figure(one.over_ece))
    table.add_row("both sides score", _figure(one.both_log_loss), _figure(one.both_ece))
    return table


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"


def _said(watched: Watched) -> str:
    if watched.matches == 0:
        return "No match was played yet that was forecast."
    newest = f"of the newest {watched.matches} matches (a season is {SEASON})"
    if watched.is_alarmed:
        return (
            f"ALARM: after {watched.alarmed_at} {newest} the forecasts no longer mean what they say; most speaks for:"
            f" {watched.error or 'nothing any more'} ({watched.evidence:.1f}, bound {watched.bound:.1f})."
        )
    return f"Calibration {newest}: no alarm (evidence {watched.evidence:.1f}, bound {watched.bound:.1f})."


def _plain(met: Sequence[Met], last: Settled, watched: Watched, others: Open) -> dict[str, Any]:
    return {
        "horizons": {name: _scores(score(settle(met, name))) for name in HORIZONS_S},
        "competitions": {name: _scores(one) for name, one in by(last, last.competition).items()},
        "versions": {name: _scores(one) for name, one in by(last, last.model).items()},
        "reliability": _reliability(last),
        "not_scored": others._asdict(),
        "calibration": {
            "is_alarmed": watched.is_alarmed,
            **{name: value if value != math.inf else None for name, value in watched._asdict().items()},
        },
        "counted": LAST,
    }


def _scores(one: Score) -> dict[str, float | int | None]:
    return {name: None if math.isnan(value) else value for name, value in one._asdict().items()}


def _reliability(last: Settled) -> dict[str, list[dict[str, float]]]:
    """Return the bins of each event that are not empty: forecast and frequency, to be drawn against each other."""
    if not len(last):
        return {}
    tables = dict(zip(_OUTCOMES, reliability(last.proba, last.outcome), strict=True))
    tables["over_2_5"] = binned_reliability(last.over, last.is_over)
    tables["both_score"] = binned_reliability(last.both, last.is_both)
    return {
        name: [
            {"matches": int(count), "forecast": float(forecast), "frequency": float(frequency)}
            for count, forecast, frequency in zip(table.count, table.forecast, table.frequency, strict=True)
            if count
        ]
        for name, table in tables.items()
    }
