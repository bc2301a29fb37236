"""``football train``: train a model on the match store and save it with its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from cli.calibration import print_calibration
from cli.evaluation import coverage_table, evaluation_table, report_console
from cli.options import SEED, OutputFile, chosen_competitions
from cli.plan import default_choices_option, plan_of
from cli.progress import stages
from configs.settings import Settings
from models.choices import Choices
from store.database import open_store
from store.errors import StoreError
from store.reads import read_matches
from training.history import TooLittleData
from training.run import Trained
from training.run import train as run_training
from training.saving import ModelNameInvalid


@click.command()
@click.option("--name", help="Name to save the model under; default: training.model_name of the settings.")
@click.option("--competitions", help="Learn from these only, comma-separated codes such as de.1,en.1.")
@click.option("--seed", type=SEED, help="Seed of everything random; default: training.seed of the settings.")
@default_choices_option
@click.option("--card", type=OutputFile(), help="Also write the model card to this JSON file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def train(
    settings: Settings,
    name: str | None,
    competitions: str | None,
    seed: int | None,
    default_choices: bool,
    card: Path | None,
    as_json: bool,
) -> None:
    """Train on every played match, print the model card and save the model.

    The scores of the card are of the last year of the data, predicted from
    earlier matches only; the saved model has then learned from all of them.
    Members and hyper-parameters are those of the newest model of the name,
    which `football select` may have promoted; without one, the defaults.
    """
    plan = plan_of(settings, name=name, seed=seed, default_choices=default_choices)
    try:
        engine = open_store(settings.database_url)
        matches = read_matches(engine, competitions=chosen_competitions(engine, competitions))
        with stages(quiet=as_json) as on_stage:
            trained = run_training(matches, plan, on_stage=on_stage)
    except (StoreError, TooLittleData, ModelNameInvalid) as error:
        raise click.ClickException(str(error)) from error
    if card is not None:
        card.write_text(json.dumps(trained.card, indent=2) + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps({"tag": trained.tag, "card": trained.card}))
    else:
        _show(trained)


def _show(trained: Trained) -> None:
    console, card = report_console(), trained.card
    console.print(_data_table(card))
    console.print(evaluation_table(card["evaluation"], f"Predicted before they were played: {_window(card)}"))
    console.print(coverage_table(card["evaluation"]["coverage"]))
    print_calibration(console, card["evaluation"])
    console.print(f"Saved [bold]{trained.tag}[/bold]")


def _window(card: dict[str, Any]) -> str:
    window = card["evaluation"]["window"]
    return f"{window['from']} to {window['to']}"


def _data_table(card: dict[str, Any]) -> Table:
    table = Table(title="Model card", show_header=False)
    data = card["data"]
    rows = {
        "model": card["model_type"],
        "data": f"{data['matches']:,} matches from {data['from']} to {data['to']}, {data['matches_with_xg']:,} with xG",
        "competitions": f"{len(data['competitions'])}: {', '.join(data['competitions'][:12])}"
        + (", ..." if len(data["competitions"]) > 12 else ""),
        "features": str(card["features"]),
        "trees": f"{card['trees']:,} in {card['rounds']} rounds",
        "choices": _choices(card["configuration"]),
        "calibration": _calibration(card["choice"]),
        "seed": str(card["seed"]),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _choices(configuration: dict[str, Any]) -> str:
    selection = configuration.get("selection")
    if selection is None:
        return "the defaults"
    changed = Choices.from_plain(configuration["choices"]).differences(Choices())
    told = ", ".join(f"{name} {value}" for name, (value, _) in changed.items()) or "as the defaults"
    return f"selected on {selection['decided_on']}: {told}"


def _calibration(choice: dict[str, Any]) -> str:
    """Return the kind chosen, and what each kind lost on the later of the two years that the choice rests on."""
    if not choice:
        return "none: too few matches to choose by"
    losses = ", ".join(f"{kind} {loss:.5f}" for kind, loss in choice["calibration_log_losses"].items())
    return f"{choice['calibration']}; log loss: {losses}"
