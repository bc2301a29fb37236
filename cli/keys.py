"""``football keys``: the keys that sign bentos, and those that this machine believes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from configs.settings import Settings
from deploy.keys import DEFAULT_NAME, KeyRefused, make_key, raise_floor, revoke_key, trust_key
from deploy.verifying import verify_bento
from trust.errors import Untrusted
from trust.keyring import Keyring


@contextmanager
def _said() -> Iterator[None]:
    """Say in a line what is refused."""
    try:
        yield
    except KeyRefused as error:
        raise click.ClickException(str(error)) from error
    except Untrusted as error:
        raise click.ClickException(f"{error}.") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from error


@click.group()
def keys() -> None:
    """Make, trust and revoke the keys that sign bentos.

    All lies in the folder keys of FOOTBALL_HOME. A private key is needed where
    bentos are built; where they are served, trust the public one.
    """


@keys.command()
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="What the files are called.")
@click.pass_obj
def init(settings: Settings, name: str) -> None:
    """Make a private key that `football build` signs with, and trust its public key here."""
    with _said():
        key = make_key(settings.keys, name)
    click.echo(key.key_id)
    click.echo(
        f"Signing key {name!r}: {settings.keys / name}.key, which stays here; trusted here from now on.", err=True
    )
    click.echo(f"On other machines: football keys trust {name}.pub", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_keys(settings: Settings, as_json: bool) -> None:
    """List the keys that are trusted and those that were revoked, and the floor."""
    keyring = Keyring(settings.keys)
    with _said():
        floor = max(settings.trust.floor, keyring.floor())
    trusted, revoked = keyring.trusted(), keyring.revoked()
    if as_json:
        click.echo(json.dumps({"signing": {"trusted": trusted, "revoked": revoked, "floor": floor}}))
        return
    for key_id in trusted:
        click.echo(f"{key_id}  trusted")
    for key_id in revoked:
        click.echo(f"{key_id}  revoked")
    if not trusted:
        click.echo("No key is trusted. Make one: football keys init; or: football keys trust FILE.pub", err=True)
    click.echo(f"Sequences from {floor} on are believed. {_unsigned(settings)}", err=True)


def _unsigned(settings: Settings) -> str:
    what = "refused" if settings.trust.required else "served all the same; FOOTBALL_TRUST__REQUIRED=true refuses it"
    return f"What is not signed is {what}."


@keys.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def trust(settings: Settings, file: Path) -> None:
    """Believe what the key in FILE, a public key in PEM, has signed."""
    with _said():
        key_id = trust_key(settings.keys, file)
    click.echo(key_id)


@keys.command()
@click.argument("key_id")
@click.pass_obj
def revoke(settings: Settings, key_id: str) -> None:
    """Believe nothing that KEY_ID has signed, for good. Models that are loaded stay until the next start."""
    with _said():
        revoke_key(settings.keys, key_id)
    click.echo(f"Key {key_id} is revoked. Servers refuse what it signed from their next start on.", err=True)


@keys.command()
@click.argument("tag")
@click.pass_obj
def floor(settings: Settings, tag: str) -> None:
    """Believe no bento that was signed before bento TAG; a floor never sinks.

    A rollback behind it is refused, so raise it only past bentos that must not come back.
    """
    with _said():
        manifest = verify_bento(tag, settings.home, floor=settings.trust.floor)
        click.echo(raise_floor(settings.keys, manifest.sequence))
