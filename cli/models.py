"""``football models``: list the saved models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from configs.settings import Settings
from runners.saved import Saved, size_of, versions_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_obj
def models(settings: Settings, as_json: bool) -> None:
    """List the saved models of every served name, newest first, with what they learned from and how well they did."""
    names = dict.fromkeys((settings.training.model_name, *settings.service.models))
    saved = [model for name in names for model in _saved(name)]
    listed = [_facts(model) for model in sorted(saved, key=lambda model: model.created_at, reverse=True)]
    if as_json:
        click.echo(json.dumps(listed))
    elif not listed:
        click.echo("No model is saved. Train one: football train")
    else:
        Console().print(_table(listed))


def _saved(name: str) -> Iterator[Saved]:
    """Yield the models of a name; BentoML itself lists none of them where one cannot be read."""
    for version in versions_of(name):
        tag = f"{name}:{version}"
        try:
            yield Saved.find(tag)
        except (LookupError, ValueError, TypeError) as error:
            told = f"what it says of itself cannot be read ({error}). Delete it: bentoml models delete {tag}"
            click.echo(f"{tag} is left out: {told}", err=True)


def _facts(model: Saved) -> dict[str, Any]:
    metadata = model.metadata
    kind = metadata.get("model_type")
    scores = metadata.get("card", {}).get("evaluation", {}).get("scores", {}).get(kind, {})
    return {
        "tag": model.tag,
        "model_type": kind,
        "created_at": model.created_at.isoformat(timespec="seconds"),
        "trained_until": metadata.get("trained_until"),
        "choices": metadata.get("card", {}).get("configuration", {}).get("origin", "defaults"),
        "matches": metadata.get("data_matches"),
        "rps": scores.get("rps"),
        "size_bytes": size_of(model.folder),
    }


def _table(listed: list[dict[str, Any]]) -> Table:
    table = Table()
    for name in ("model", "trained until", "choices", "matches", "RPS", "size"):
        table.add_column(name, no_wrap=True)
    for facts in listed:
        table.add_row(
            facts["tag"],
            str(facts["trained_until"])[:10],
            facts["choices"],
            f"{facts['matches'] or 0:,}",
            "" if facts["rps"] is None else f"{facts['rps']:.4f}",
            f"{facts['size_bytes'] / 1e6:.1f} MB",
        )
    return table
