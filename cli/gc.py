"""``football gc``: remove what no release, bento or server needs any more."""

from __future__ import annotations

import json

import click

from cli.releases import place_of
from configs.settings import Settings
from deploy.errors import DeployFailed
from deploy.garbage import find, remove


@click.command()
@click.option(
    "--spare", type=click.IntRange(1), help="Newest bentos and versions of each model to spare; release.kept."
)
@click.option("--delete", "is_meant", is_flag=True, help="Remove them; without it they are only listed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def gc(settings: Settings, spare: int | None, is_meant: bool, as_json: bool) -> None:
    """List the bentos and models that nothing needs; remove them with --delete.

    What serves, what a release keeps, the newest of each and what those pin is never among them.
    """
    place = place_of(settings)
    place.make()
    names = (settings.training.model_name, *settings.service.models)
    found = find(place, names, spare=spare or settings.release.kept)
    if is_meant:
        try:
            remove(place, found)
        except DeployFailed as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        told = {"bentos": found.bentos, "models": found.models, "leftovers": list(map(str, found.leftovers))}
        click.echo(json.dumps(told | {"size_bytes": found.size_bytes, "removed": is_meant}))
        return
    for name in (*found.bentos, *found.models, *map(str, found.leftovers)):
        click.echo(name)
    done = "removed" if is_meant else "can go; remove it with --delete"
    click.echo("Nothing can go." if found.is_none else f"{found.size_bytes / 1e6:.1f} MB {done}.", err=True)
