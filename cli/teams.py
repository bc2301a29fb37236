"""``football teams``: the clubs that the store knows, and other names for them."""

from __future__ import annotations

import json

import click

from configs.settings import Settings
from store.database import open_store
from store.errors import StoreError
from store.reads import read_teams
from store.teams import add_alias, add_team

_database = click.option("--database", metavar="URL", help="Match store.  [default: FOOTBALL_DATABASE_URL]")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def teams() -> None:
    """List the clubs of the store, declare one, or give one another name."""


@teams.command("list")
@click.argument("association", required=False)
@_as_json
@_database
@click.pass_obj
def _list(settings: Settings, *, association: str | None, as_json: bool, database: str | None) -> None:
    """List the clubs of an association such as "de", or all."""
    try:
        known = read_teams(open_store(database or settings.database_url))
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    chosen = [team for team in known if association in {None, team.association}]
    if association is not None and not chosen:
        raise click.ClickException(
            f"The store has no team of association {association!r}; it has {', '.join(sorted({t.association for t in known})) or 'none'}."
        )
    if as_json:
        click.echo(json.dumps([team._asdict() for team in chosen], ensure_ascii=False))
        return
    for team in chosen:
        click.echo(team.team)


@teams.command("add")
@click.argument("association")
@click.argument("name")
@_as_json
@_database
@click.pass_obj
def _add(settings: Settings, *, association: str, name: str, as_json: bool, database: str | None) -> None:
    """Declare a club of its own, whatever other club its name resembles."""
    try:
        team = add_team(open_store(database or settings.database_url), association, name)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"team": team}, ensure_ascii=False) if as_json else f"{team} is a club of its own.")


@teams.command("alias")
@click.argument("association")
@click.argument("name")
@click.argument("canonical")
@_as_json
@_database
@click.pass_obj
def _alias(
    settings: Settings, *, association: str, name: str, canonical: str, as_json: bool, database: str | None
) -> None:
    """Declare that NAME means the club CANONICAL of the same association."""
    try:
        team = add_alias(open_store(database or settings.database_url), association, name, canonical)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"alias": name, "team": team}, ensure_ascii=False) if as_json else f"{name} means {team}.")
