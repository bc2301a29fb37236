"""``football keys``: the keys that sign bentos, those that this machine believes, and those of callers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from api.access.keys import CallerKey, KeysUnreadable, make_caller_key, read_keys, write_keys
from api.access.scopes import Scope
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
    except KeysUnreadable as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from error


@click.group()
def keys() -> None:
    """Make, trust and revoke the keys that sign bentos, and give callers keys of their own.

    All lies in the folder keys of FOOTBALL_HOME. A private key is needed where
    bentos are built; where they are served, trust the public one. Once a caller
    has a key, every request needs one.
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
    """List the keys of callers, the keys that are trusted, those that were revoked, and the floor."""
    keyring = Keyring(settings.keys)
    with _said():
        floor = max(settings.trust.floor, keyring.floor())
        callers = read_keys(settings.callers)
    trusted, revoked = keyring.trusted(), keyring.revoked()
    if as_json:
        told = {"trusted": trusted, "revoked": revoked, "floor": floor}
        click.echo(json.dumps({"signing": told, "callers": [_plain(key) for key in callers]}))
        return
    for key in callers:
        click.echo(f"{key.id}  {key.name}: {', '.join(key.scopes)}{_until(key)}")
    if not callers:
        click.echo("Callers need no key, so only this machine is served. Give one: football keys add NAME", err=True)
    for key_id in trusted:
        click.echo(f"{key_id}  trusted")
    for key_id in revoked:
        click.echo(f"{key_id}  revoked")
    if not trusted:
        click.echo("No key is trusted. Make one: football keys init; or: football keys trust FILE.pub", err=True)
    click.echo(f"Sequences from {floor} on are believed. {_unsigned(settings)}", err=True)


def _plain(key: CallerKey) -> dict[str, Any]:
    """Return what may be shown of a key: not even the digest of its secret."""
    shown: dict[str, Any] = msgspec.to_builtins(key)
    return {name: value for name, value in shown.items() if name != "digest"}


def _until(key: CallerKey) -> str:
    if key.expires_at is None:
        return ""
    word = "expired" if key.is_over(dt.datetime.now(dt.UTC)) else "until"
    return f", {word} {key.expires_at:%Y-%m-%d %H:%M} UTC"


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
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    default=("predict",),
    show_default=True,
    help="What it opens; may be repeated. An operator's key opens all.",
)
@click.option("--days", type=click.IntRange(1, 3_650), help="After so many days it opens nothing; by default never.")
@click.pass_obj
def add(settings: Settings, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Give caller NAME a key, which is shown once. Servers know it within two seconds, without a restart.

    To change a key, add a second one under the same name, have the caller use it, then revoke the first.
    """
    now = dt.datetime.now(dt.UTC)
    with _said():
        known = read_keys(settings.callers)
        expires_at = None if days is None else now + dt.timedelta(days=days)
        key, text = make_caller_key(name, tuple(map(Scope, scopes)), now=now, expires_at=expires_at)
        write_keys(settings.callers, [*known, key])
    click.echo(text)
    if not known:
        click.echo("From now on every request needs a key, and other machines may be served: service.host.", err=True)


@keys.command()
@click.argument("key_id")
@click.pass_obj
def revoke(settings: Settings, key_id: str) -> None:
    """End KEY_ID for good, a caller's within two seconds.

    Nothing that a revoked signing key has signed is believed; models that are loaded stay until the next start.
    """
    with _said():
        callers = read_keys(settings.callers)
        left = [key for key in callers if key.id != key_id]
        if len(left) < len(callers):
            if not left:
                raise click.ClickException(
                    f"{key_id} is the last key of a caller; without one, everybody on this machine may ask for everything. "
                    f"Give another first, or remove {settings.callers} to have it so."
                )
            write_keys(settings.callers, left)
            click.echo(f"Key {key_id} is revoked. Servers refuse it within two seconds.", err=True)
            return
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
