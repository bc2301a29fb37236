"""``football settle``: how good the forecasts that were served have been, now that results are in."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from cli.forecasts import full_tag, guard_of
from cli.options import OutputFile
from cli.report import write_page
from configs.settings import Settings
from models.scores import binned_reliability
from monitoring.calibration_watch import SEASON, Watched, watch
from monitoring.drift import FEWEST, MUCH, Drift
from monitoring.live_quality import drift_of, parts_of
from monitoring.settlement import LAST, Score, Settled, events, markets, not_scored, settle
from reports.page import render
from reports.settled import MARKETS, TITLES, Told, settled_page
from runners.experience import Experience, experience
from runners.loading import ModelRefused, load
from runners.world import read_world
from store.database import open_store
from store.errors import StoreError
from store.forecasts import SECONDS_PER_DAY, Met, met_forecasts

FEW = 100
MOST_MOVED = 10


@click.command("settle")
@click.option("--model", "model_name", help="Forecasts of this model; by default of the first served one.")
@click.option("--days", type=click.IntRange(1), help="Computed within so many days; by default all that are kept.")
@click.option(
    "--drift", "looks_for_drift", is_flag=True, help="Compare the matches with those learned from, too; takes a replay."
)
@click.option("--out", type=OutputFile(), help="Draw it on a page with reliability diagrams: the HTML file to write.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, with the tables behind reliability diagrams."
)
@click.pass_obj
def settle_command(
    settings: Settings, model_name: str | None, days: int | None, looks_for_drift: bool, out: Path | None, as_json: bool
) -> None:
    """Compare the forecasts that were served with the results: scores by horizon, competition, version and market.

    A match counts once for each version: with the last forecast before its kick-off, and in each horizon with the last
    one within it. What was called off, awarded or is still to come is counted and not scored. A corrected score is
    taken as it is now. An alarm says where forecasts no longer mean what they say.
    """
    name = model_name or settings.service.models[0]
    now_s = dt.datetime.now(dt.UTC).timestamp()
    since_day = None if days is None else int(now_s) // SECONDS_PER_DAY - days
    try:
        met = met_forecasts(open_store(settings.database_url), model_name=name, since_day=since_day)
        moved = drift_of(met, lambda ids: _experience(settings, name, ids)) if looks_for_drift else None
    except (StoreError, ModelRefused) as error:
        raise click.ClickException(str(error)) from error
    last = settle(met)
    watched = watch(last.proba, last.outcome)
    told = Told(name, last, parts_of(met, last), watched, not_scored(met, now_s), moved)
    if out is not None:
        if not len(last):
            raise click.ClickException("No match was played yet that was forecast; there is nothing to draw.")
        write_page(out, render(settled_page(told)))
    if as_json:
        click.echo(json.dumps(_plain(told) | ({} if out is None else {"file": str(out)}), indent=2, allow_nan=False))
        return
    _show(met, told)
    if looks_for_drift:
        _show_drift(moved)
    if out is not None:
        click.echo(f"Page written to {out}")


def _experience(settings: Settings, name: str, match_ids: Collection[str]) -> Experience | None:
    """Return what the newest model of a name has learned from; reads the store and replays it, which takes seconds."""
    model = load(full_tag(f"{name}:latest"), guard_of(settings))
    timeline = read_world(open_store(settings.database_url), [model]).timelines[model.tag].own
    timeline.past.recall()
    return experience(model, timeline, match_ids)


def _show(met: Sequence[Met], told: Told) -> None:
    console = Console()
    if not met:
        console.print("No forecast was logged yet. A server logs those of matches to come that it is asked for.")
        return
    last = told.last
    if len(last):
        for by, scores in told.parts.items():
            named = {name.removeprefix(f"{told.model_name}:"): one for name, one in scores.items()}
            console.print(_table(TITLES[by], named))
        console.print(_markets(told.parts["horizon"][LAST]))
    others = told.others
    console.print(f"{others.to_come} matches are still to come, {others.without_result} have no result that counts.")
    if len(last) < FEW:
        console.print(f"{len(last)} matches are few: scores of fewer than {FEW} say little.")
    console.print(_said(told.watched))


def _show_drift(moved: Drift | None) -> None:
    console = Console()
    if moved is None:
        console.print(
            f"No drift can be told: fewer than {FEWEST} matches were forecast and played lately, or learned from."
        )
        return
    table = Table(box=box.SIMPLE, padding=(0, 1), pad_edge=False)
    table.add_column("moved most from what was learned from")
    table.add_column("index", justify="right")
    for outcome, index in moved.forecasts.items():
        table.add_row(f"forecast: {outcome}", f"{index:.3f}")
    for feature, index in list(moved.features.items())[:MOST_MOVED]:
        table.add_row(feature, f"{index:.3f}")
    console.print(table)
    verdict = "much" if max(moved.forecasts.values()) > MUCH else "not much"
    console.print(
        f"{moved.asked} matches beside {moved.learned} of the same weeks and competitions: the forecasts moved {verdict} "
        f"(above {MUCH:g} is much)."
    )


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
    for market, figures in markets(one).items():
        table.add_row(MARKETS[market], *map(_figure, figures))
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


def _plain(told: Told) -> dict[str, Any]:
    watched = told.watched
    return {
        **{f"{by}s": {name: _scores(one) for name, one in scores.items()} for by, scores in told.parts.items()},
        "reliability": _reliability(told.last),
        "not_scored": told.others._asdict(),
        "calibration": {
            "is_alarmed": watched.is_alarmed,
            **{name: value if value != math.inf else None for name, value in watched._asdict().items()},
        },
        "drift": None if told.drift is None else told.drift._asdict(),
        "counted": LAST,
    }


def _scores(one: Score) -> dict[str, float | int | None]:
    return {name: None if math.isnan(value) else value for name, value in one._asdict().items()}


def _reliability(last: Settled) -> dict[str, list[dict[str, float]]]:
    """Return the bins of each event that are not empty: forecast and frequency, to be drawn against each other."""
    if not len(last):
        return {}
    tables = {name: binned_reliability(said, came) for name, (said, came) in events(last).items()}
    return {
        name: [
            {"matches": int(count), "forecast": float(forecast), "frequency": float(frequency)}
            for count, forecast, frequency in zip(table.count, table.forecast, table.frequency, strict=True)
            if count
        ]
        for name, table in tables.items()
    }
