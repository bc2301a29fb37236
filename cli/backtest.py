"""``football backtest``: predict the matches of a past window from what was known before them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from cli.calibration import print_calibration
from cli.evaluation import competition_table, coverage_table, evaluation_table, market_table, report_console
from cli.odds import OddsOrder, closing_odds, odds_options, print_odds
from cli.options import OutputFile, chosen_competitions, interval_option
from cli.plan import default_choices_option, plan_of
from cli.progress import stages
from cli.rival import RivalOrder, print_rival, rival_forecasts, rival_option
from configs.settings import Settings
from models.ensemble import Ensemble
from store.database import open_store
from store.errors import StoreError
from store.reads import read_directory, read_matches
from training.backtest import write_csv
from training.bookmakers import beside_odds
from training.calibration_gain import calibration_gain
from training.coverage import coverage_of
from training.goal_markets import goal_market_report
from training.history import TooLittleData, day_number, walk
from training.interval_width import interval_width
from training.report import IntervalBy, drawn_together, report
from training.rival import BesideRival, beside_rival
from training.run import Plan
from training.walk_forward import Forecasts, walk_forward


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day of the window.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day of the window.")
@click.option("--competitions", help="Predict these only, comma-separated codes; all are learned from.")
@click.option(
    "--refit-every", "refit_days", type=click.IntRange(min=1), default=90, show_default=True, help="Days between fits."
)
@click.option("--out", type=OutputFile(), required=True, help="CSV file to write.")
@click.option(
    "--with-baselines", is_flag=True, help="Write the baselines' rows too; the column `model` tells them apart."
)
@default_choices_option
@rival_option
@interval_option
@odds_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def backtest(
    settings: Settings,
    first: dt.datetime,
    last: dt.datetime,
    competitions: str | None,
    refit_days: int,
    out: Path,
    with_baselines: bool,
    default_choices: bool,
    rival: RivalOrder | None,
    interval_by: IntervalBy,
    as_json: bool,
    odds: OddsOrder,
) -> None:
    """Predict every played match of a window using only what was known before its kick-off date.

    All models are refitted every so many days on all that was played before;
    features of each match come from earlier days only. Ours is made with the
    choices of the newest saved model, as `football train` would make it.
    """
    window, plan = _window(first, last), plan_of(settings, default_choices=default_choices)
    try:
        engine = open_store(settings.database_url)
        closing = closing_odds(engine, odds)
        theirs = None if rival is None else rival_forecasts(engine, rival)
        forecasts = forecast_window(
            engine, plan, window, refit_days, chosen_competitions(engine, competitions), quiet=as_json
        )
        models = list(forecasts.proba) if with_baselines else [Ensemble.name]
        rows = write_csv(out, forecasts, {row.match_id: row for row in read_directory(engine)}, models)
        beside = None if rival is None or theirs is None else beside_rival(forecasts, rival.name, theirs.proba)
    except (StoreError, TooLittleData) as error:
        raise click.ClickException(str(error)) from error
    result = _judged(forecasts, beside, seed=settings.training.seed, interval_by=interval_by)
    result["odds"] = beside_odds(forecasts, closing, odds.terms, model=Ensemble.name, seed=settings.training.seed)
    made_with = plan.configuration.choices.to_plain()
    _tell({"file": str(out), "rows": rows, "refit_days": refit_days, "choices": made_with, **result}, as_json=as_json)


def _window(first: dt.datetime, last: dt.datetime) -> tuple[int, int]:
    """Return the first day and the day after the last. Raises BadParameter if they are the wrong way round."""
    if last < first:
        raise click.BadParameter(f"{last:%Y-%m-%d} lies before --from {first:%Y-%m-%d}.", param_hint="--to")
    return day_number(first.date()), day_number(last.date()) + 1


def forecast_window(
    engine: sa.Engine,
    plan: Plan,
    window: tuple[int, int],
    refit_days: int,
    competitions: list[str] | None,
    *,
    quiet: bool,
) -> Forecasts:
    """Walk forward over the days from the first up to, not including, the second; show how far it is unless quiet."""
    with stages(quiet=quiet) as on_stage:
        on_stage("features", 0, 1)
        _, history = walk(read_matches(engine))
        on_stage("features", 1, 1)
        return walk_forward(
            history,
            plan.models,
            first_day=window[0],
            end_day=window[1],
            refit_days=refit_days,
            competitions=competitions,
            warm_up_days=plan.warm_up_days,
            on_progress=lambda done, total: on_stage("fits", done, total),
        )


def _judged(forecasts: Forecasts, beside: BesideRival | None, *, seed: int, interval_by: IntervalBy) -> dict[str, Any]:
    """Return scores on the matches that everyone has, and markets and coverage on all of ours."""
    model, drawn = Ensemble.name, drawn_together(forecasts.matches.day, interval_by)
    compared = forecasts if beside is None else beside.forecasts
    return {
        **report(compared, model=model, seed=seed, interval_by=interval_by),
        "rival": None if beside is None else beside.to_plain(model=model, seed=seed, interval_by=interval_by),
        "markets": goal_market_report(forecasts.markets, forecasts.matches, drawn, model=model, seed=seed),
        "coverage": coverage_of(forecasts, model=model).to_plain(),
        "calibration": calibration_gain(forecasts, model=model, seed=seed),
        "interval_width": interval_width(forecasts, model=model),
    }


def _tell(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result))
        return
    console = report_console()
    console.print(evaluation_table(result, "Predicted before they were played"))
    print_rival(console, result["rival"])
    console.print(competition_table(result))
    console.print(market_table(result["markets"]))
    console.print(coverage_table(result["coverage"]))
    print_calibration(console, result)
    print_odds(console, result["odds"])
    console.print(f"{result['rows']:,} rows written to {result['file']}")
