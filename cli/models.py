"""``football models``: list the saved models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bentoml
import click
from bentoml.exceptions import NotFound
from rich.console import Console
from rich.table import Table

from configs.settings import Settings
from runners.saved import size_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_obj
def models(settings: Settings, as_json: bool) -> None:
    """List the saved models of every served name, newest first, with what they learned from and how well they did."""
    names = dict.fromkeys((settings.training.model_name, *settings.service.models))
    saved = [model for name in names for model in _saved(name)]
    listed = [_facts(model) for model in sorted(saved, key=lambda model: model.info.creation_time, reverse=True)]
    if as_json:
        click.echo(json.dumps(listed))
    elif not listed:
        click.echo("No model is saved. Train one: football train")
    else:
        Console().print(_table(listed))


def _saved(name: str) -> list[bentoml.Model]:
    try:
        return list(bentoml.models.list(name))
    except NotFound:
        return []


def _facts(model: bentoml.Model) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(model.info.metadata)
    kind = metadata.get("model_type")
    scores = metadata.get("card", {}).get("evaluation", {}).get("scores", {}).get(kind, {})
    return {
        "tag": str(model.tag),
        "model_type": kind,
        "created_at": model.info.creation_time.isoformat(timespec="seconds"),
        "trained_until": metadata.get("trained_until"),
        "matches": metadata.get("data_matches"),
        "rps": scores.get("rps"),
        "size_bytes": size_of(Path(model.path)),
    }


def _table(listed: list[dict[str, Any]]) -> Table:
    table = Table()
    for name in ("model", "type", "trained until", "matches", "RPS", "size"):
        table.add_column(name, no_wrap=True)
    for facts in listed:
        table.add_row(
            facts["tag"],
            str(facts["model_type"]),
            str(facts["trained_until"])[:10],
            f"{facts['matches'] or 0:,}",
            "" if facts["rps"] is None else f"{facts['rps']:.4f}",
            f"{facts['size_bytes'] / 1e6:.1f} MB",
        )
    return table
