"""``football build``: make an immutable bento around a saved model."""

from __future__ import annotations

import json

import click

from configs.settings import Settings
from deploy.build import BuildFailed, bentos, newest_model
from deploy.build import build as build_bento
from deploy.keys import KeyRefused, SigningKey, find_key


@click.command()
@click.argument("model_tag", required=False)
@click.option("--key", "key_name", help="Name of the key to sign with; default: the only one there is.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def build(settings: Settings, model_tag: str | None, key_name: str | None, as_json: bool) -> None:
    """Build a bento around MODEL_TAG, such as football:20261124t101500; the newest model by default.

    The bento keeps serving that model whatever is trained later. It is signed where `football keys init` has made a key.
    """
    first, *others = settings.service.models
    try:
        tags = [model_tag or newest_model(first), *map(newest_model, others)]
        key = find_key(settings.keys, key_name)
        bento = build_bento(tags, key=key)
    except (BuildFailed, KeyRefused) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({"bento": bento, "models": tags, "signed_by": key and key.key_id}))
    else:
        click.echo(bento)
        click.echo(f"Built around {', '.join(tags)}. Serve it: football serve {bento}", err=True)
        click.echo(_signed(key), err=True)


def _signed(key: SigningKey | None) -> str:
    if key is None:
        return "It is not signed, as there is no key. To sign what is built: football keys init"
    return f"It is signed with key {key.name!r} ({key.key_id}). Compare it with that at any time: football verify"


def newest_bento() -> str:
    """Return the tag of the bento that was built last. Raises click.ClickException if there is none."""
    built = bentos()
    if not built:
        raise click.ClickException("No bento is built. Build one first: football build")
    return built[0]
