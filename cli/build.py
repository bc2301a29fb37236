"""``football build``: make an immutable bento around a saved model."""

from __future__ import annotations

import json

import click

from configs.settings import Settings
from deploy.build import BuildFailed, bentos, newest_model
from deploy.build import build as build_bento


@click.command()
@click.argument("model_tag", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def build(settings: Settings, model_tag: str | None, as_json: bool) -> None:
    """Build a bento around MODEL_TAG, such as football:20261124t101500; the newest model by default.

    The bento keeps serving that model whatever is trained later.
    """
    first, *others = settings.service.models
    try:
        tags = [model_tag or newest_model(first), *map(newest_model, others)]
        bento = build_bento(tags)
    except BuildFailed as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({"bento": bento, "models": tags}))
    else:
        click.echo(bento)
        click.echo(f"Built around {', '.join(tags)}. Serve it: football serve {bento}", err=True)


def newest_bento() -> str:
    """Return the tag of the bento that was built last. Raises click.ClickException if there is none."""
    built = bentos()
    if not built:
        raise click.ClickException("No bento is built. Build one first: football build")
    return built[0]
