"""``football select``: search for a better model, and promote it only when it is shown to be better."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from cli.evaluation import report_console
from cli.options import SEED, chosen_competitions
from cli.plan import plan_of
from cli.progress import stages
from configs.settings import Settings
from features.matches import MatchTable
from models.choices import Choices
from store.database import open_store
from store.errors import StoreError
from store.reads import read_matches
from training.configuration import Configuration
from training.history import TooLittleData, walk
from training.run import Plan, Stage, train
from training.saving import ModelNameInvalid, check_name
from training.search import Budget
from training.seasons import windows_of
from training.selection import CHALLENGER, CHAMPION, Decision, Rules
from training.selection import select as run_selection
from training.studies import SelectionBusy, opened

DATE = click.DateTime(["%Y-%m-%d"])


@dataclass(frozen=True, slots=True)
class Selected:
    """Hold what was decided, and the tag of the model that was saved; None where the champion was kept."""

    decision: Decision
    tag: str | None

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"promoted": self.tag, **self.decision.evidence}


_ORDER_OPTIONS = (
    click.option(
        "--from", "first", type=DATE, help="First day that is searched; default: four seasons before the last."
    ),
    click.option(
        "--until", type=DATE, help="Keep untouched the newest season complete on this day; default: of the data."
    ),
    click.option(
        "--refit-every",
        "refit_days",
        type=click.IntRange(min=1),
        default=180,
        show_default=True,
        help="Days between fits.",
    ),
    click.option("--competitions", help="Predict these only, comma-separated codes; all are learned from."),
    click.option(
        "--error-rate",
        type=click.FloatRange(0.0, 0.5, min_open=True),
        default=0.05,
        show_default=True,
        help="Chance of promoting what is not better, over all looks at one untouched season.",
    ),
    click.option("--no-promote", is_flag=True, help="Decide, but save no model."),
)


@dataclass(frozen=True, slots=True)
class Order:
    """Hold what is to be searched and by which rules it is decided, as given on the command line."""

    first: dt.datetime | None
    until: dt.datetime | None
    refit_days: int
    competitions: str | None
    error_rate: float
    no_promote: bool

    def rules(self, matches: MatchTable, competitions: list[str] | None, *, warm_up_days: int) -> Rules:
        """Return the rules for the matches of a store. Raises TooLittleData."""
        first, until = (None if moment is None else moment.date() for moment in (self.first, self.until))
        windows = windows_of(matches, warm_up_days=warm_up_days, competitions=competitions, first=first, until=until)
        return Rules(windows, self.refit_days, self.error_rate, promotes=not self.no_promote)


def order_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of an Order."""
    for option in reversed(_ORDER_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.option(
    "--trials", type=click.IntRange(min=1), default=50, show_default=True, help="Trials in all, earlier runs' included."
)
@click.option("--timeout-minutes", type=click.FloatRange(min=0.0), help="Begin no further trial after so many minutes.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that score trials.")
@order_options
@click.option("--name", help="Name of the models; default: training.model_name of the settings.")
@click.option("--seed", type=SEED, help="Seed of everything random; default: training.seed of the settings.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def select(
    settings: Settings,
    /,
    trials: int,
    timeout_minutes: float | None,
    jobs: int,
    name: str | None,
    seed: int | None,
    as_json: bool,
    **order: Any,
) -> None:
    """Search members and hyper-parameters, and promote the best only if it is shown to be better.

    The search sees past seasons only, as a backtest does. Its best trial and
    the champion, which is the newest saved model, then meet once on the newest
    complete season. Killed and started again, a search goes on where it was.
    """
    plan = plan_of(settings, name=name, seed=seed)
    budget = Budget(trials, None if timeout_minutes is None else 60.0 * timeout_minutes, jobs)
    try:
        check_name(plan.model_name)
        selected = _selected(open_store(settings.database_url), plan, Order(**order), budget, quiet=as_json)
    except (StoreError, TooLittleData, ModelNameInvalid, SelectionBusy) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(selected.to_plain()))
    else:
        _show(report_console(), selected)


def _selected(engine: sa.Engine, plan: Plan, order: Order, budget: Budget, *, quiet: bool) -> Selected:
    chosen = chosen_competitions(engine, order.competitions)
    matches = read_matches(engine)
    rules = order.rules(matches, chosen, warm_up_days=plan.warm_up_days)
    with opened(engine) as storage, stages(quiet=quiet) as on_stage:
        on_stage("features", 0, 1)
        history = walk(matches)[1]
        on_stage("features", 1, 1)
        decision = run_selection(history, storage, plan, rules, budget, on_progress=on_stage)
        return Selected(decision, _promoted(matches, plan, decision, on_stage))


def _promoted(matches: MatchTable, plan: Plan, decision: Decision, on_stage: Stage) -> str | None:
    """Train the challenger on everything and save it, if it is to be promoted; return its tag."""
    if not decision.is_promoted:
        return None
    configuration = Configuration(decision.challenger, decision.evidence)
    return train(matches, replace(plan, configuration=configuration), on_stage=on_stage).tag


def _show(console: Console, selected: Selected) -> None:
    told = selected.decision.evidence
    console.print(_windows_line(told))
    console.print(_choices_table(told))
    console.print(_search_line(told))
    if told["test"] is not None:
        for line in _test_lines(told["test"], told["error_rate"]):
            console.print(line)
    console.print(f"Decision: [bold]{told['decision']}[/bold], because {told['reason']}.")
    if selected.tag is not None:
        console.print(f"Saved [bold]{selected.tag}[/bold]; `football train` goes on with its choices.")


def _windows_line(told: dict[str, Any]) -> str:
    searched, untouched = told["searched"], told["untouched"]
    return (
        f"Searched {searched['from']} to {searched['to']}, refitted every {told['refit_days']} days; "
        f"kept untouched {untouched['from']} to {untouched['to']}."
    )


def _choices_table(told: dict[str, Any]) -> Table:
    champion, challenger = (Choices.from_plain(told[side]) for side in (CHAMPION, CHALLENGER))
    table = Table(title=f"Champion and best of {told['trials']} trials (trial {told['best_trial']})")
    for name in ("choice", CHAMPION, CHALLENGER):
        table.add_column(name)
    for name, (ours, theirs) in challenger.differences(champion).items():
        table.add_row(name, _shown(theirs), _shown(ours))
    rps = told["searched_rps"]
    table.add_row("RPS, searched", f"{rps[CHAMPION]:.5f}", f"{rps[CHALLENGER]:.5f}")
    if told["test"] is not None:
        rps = told["test"]["rps"]
        table.add_row("RPS, untouched", f"{rps[CHAMPION]:.5f}", f"{rps[CHALLENGER]:.5f}")
    return table


def _search_line(told: dict[str, Any]) -> str:
    rps = told["searched_rps"]
    if told[CHAMPION] == told[CHALLENGER]:
        return f"The champion's own choices were the best; {told['trials_cut_short']} trials were cut short."
    return (
        f"Trial {told['best_trial']} was the best on the searched seasons, by {rps[CHALLENGER] - rps[CHAMPION]:+.5f} RPS "
        f"against the champion; {told['trials_cut_short']} of {told['trials']} trials were cut short. "
        "The best of many trials is partly luck, so this is no evidence."
    )


def _test_lines(test: dict[str, Any], error_rate: float) -> list[str]:
    one = test["difference"]
    compared = (
        f"On the untouched season ({test['matches']:,} matches, {test['weeks']} weeks): challenger minus champion "
        f"{one['mean']:+.5f} RPS (95 %: {one['low']:+.5f} to {one['high']:+.5f}), one-sided p = {test['p']:.4f}."
    )
    lines = [compared]
    if test["looks_before"]:
        days = ", ".join(look["at"][:10] for look in test["looks_before"])
        lines.append(f"This season has been looked at before: {days}.")
    lines.append(
        f"It is look {test['look']}, which may spend {test['error_rate_of_this_look']:.4f} "
        f"of the error rate of {error_rate:g}."
    )
    return lines


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
