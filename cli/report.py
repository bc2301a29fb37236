"""``football report``: one page about forecasts of a past window, with plots, in one HTML file."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click

from cli.backtest import forecast_window
from cli.calibration import print_calibration
from cli.evaluation import TITLES, coverage_table, evaluation_table, report_console
from cli.forecasts import full_tag
from cli.options import OutputFile, chosen_competitions
from cli.plan import plan_of
from configs.settings import Settings
from reports.evaluation import evaluation_page
from reports.importance import Importance
from reports.page import render
from reports.subject import Subject
from runners.saved import NotSaved, Saved
from store.database import open_store
from store.errors import StoreError
from training.calibration_gain import calibration_gain
from training.coverage import coverage_of
from training.forecast_file import ForecastFileInvalid, read_forecasts
from training.history import TooLittleData, day_number
from training.interval_width import interval_width
from training.report import report as figures_of
from training.walk_forward import Forecasts

DAY = click.DateTime(["%Y-%m-%d"])
REFIT_DAYS = 90


@click.command()
@click.option("--from", "first", type=DAY, help="First day of the window.")
@click.option("--to", "last", type=DAY, help="Last day of the window.")
@click.option("--competitions", help="Predict these only, comma-separated codes; all are learned from.")
@click.option(
    "--refit-every", "refit_days", type=click.IntRange(min=1), show_default=str(REFIT_DAYS), help="Days between fits."
)
@click.option(
    "--forecasts",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Draw from this file of `football backtest --with-baselines` instead of fitting anew.",
)
@click.option("--model", "tag", help="Show what this saved model, such as football:VERSION, looks at.")
@click.option(
    "--coverage",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="Coverage that prediction sets promise.",
)
@click.option("--out", type=OutputFile(), required=True, help="HTML file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def report(
    settings: Settings,
    first: dt.datetime | None,
    last: dt.datetime | None,
    competitions: str | None,
    refit_days: int | None,
    file: Path | None,
    tag: str | None,
    coverage: float,
    out: Path,
    as_json: bool,
) -> None:
    """Draw how good forecasts of past matches were, beside the baselines, on one page that needs no other file.

    Give a window, whose matches are then predicted as `football backtest` does;
    or a file of forecasts. The first model of a file is taken for ours.
    """
    window = {"--from": first, "--to": last, "--competitions": competitions, "--refit-every": refit_days}
    _check(window, file)
    saved = None if tag is None else _importance(tag)
    if file is not None:
        forecasts = _read(file)
    else:
        assert first is not None and last is not None, "checked above"  # noqa: PT018 - one thing
        days = (day_number(first.date()), day_number(last.date()) + 1)
        forecasts = _predict(settings, days, competitions, refit_days or REFIT_DAYS, quiet=as_json)
    model, seed = next(iter(forecasts.proba)), settings.training.seed
    page = render(evaluation_page(Subject(forecasts, model, TITLES, seed), promised=coverage, saved=saved))
    write_page(out, page)
    result = figures_of(forecasts, model=model, seed=seed)
    result["coverage"] = coverage_of(forecasts, model=model, promised=coverage).to_plain()
    result["calibration"] = calibration_gain(forecasts, model=model, seed=seed)
    result["interval_width"] = interval_width(forecasts, model=model)
    _tell({"file": str(out), **result}, as_json=as_json)


def _check(window: dict[str, Any], file: Path | None) -> None:
    """End the command unless either a whole window or a file is given."""
    if file is not None:
        if given := [name for name, value in window.items() if value is not None]:
            raise click.UsageError(f"--forecasts holds matches of its own; leave out {' and '.join(given)}.")
        return
    if window["--from"] is None or window["--to"] is None:
        raise click.UsageError("Give a window with --from and --to, or a file of forecasts with --forecasts.")
    if window["--to"] < window["--from"]:
        raise click.BadParameter(f"{window['--to']:%Y-%m-%d} lies before --from.", param_hint="--to")


def _read(file: Path) -> Forecasts:
    try:
        return read_forecasts(file)
    except (ForecastFileInvalid, OSError, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error


def _predict(
    settings: Settings, window: tuple[int, int], competitions: str | None, refit_days: int, *, quiet: bool
) -> Forecasts:
    try:
        engine = open_store(settings.database_url)
        chosen = chosen_competitions(engine, competitions)
        return forecast_window(engine, plan_of(settings), window, refit_days, chosen, quiet=quiet)
    except (StoreError, TooLittleData) as error:
        raise click.ClickException(str(error)) from error


def _importance(tag: str) -> Importance:
    tag = full_tag(tag)
    try:
        card = Saved.find(tag).metadata.get("card", {})
    except (NotSaved, ValueError, KeyError) as error:
        raise click.ClickException(f"{error}. `football models` lists those that are saved.") from error
    if not card.get("importance"):
        raise click.ClickException(f"The card of {tag} names no importance of features; train the model again.")
    return Importance(tag, card["importance"], card.get("explanations", {}))


def write_page(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = file.with_name(file.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _tell(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result))
        return
    console = report_console()
    console.print(evaluation_table(result, "Predicted before they were played"))
    console.print(coverage_table(result["coverage"]))
    print_calibration(console, result)
    console.print(f"Page written to {result['file']}")
