"""``football fixtures``: the matches that can be asked for."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import click

from configs.settings import Settings
from features.matches import team_name
from store.database import open_store
from store.errors import StoreError
from store.names import nearest
from store.reads import MatchRow, read_directory
from store.records import Status


@click.command()
@click.option("--competition", metavar="CODE", help='Only this competition, such as "de.1".')
@click.option("--team", metavar="NAME", help='Only matches of this club: its name, or its id such as "de:SC Freiburg".')
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most matches to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--database", metavar="URL", help="Match store.  [default: FOOTBALL_DATABASE_URL]")
@click.pass_obj
def fixtures(
    settings: Settings, *, competition: str | None, team: str | None, limit: int, as_json: bool, database: str | None
) -> None:
    """List scheduled matches with their ids, by kick-off; those without a date come last."""
    try:
        matches = read_directory(open_store(database or settings.database_url))
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    chosen = _of_team(_of_competition(matches, competition), team)
    scheduled = [match for match in chosen if match.status == Status.SCHEDULED]
    if as_json:
        click.echo(
            json.dumps(
                {"total": len(scheduled), "fixtures": [_plain(m) for m in scheduled[:limit]]}, ensure_ascii=False
            )
        )
        return
    for match in scheduled[:limit]:
        kickoff = _kickoff(match) or "no date"
        click.echo(
            f"{match.match_id}  {match.competition:<8}  {kickoff:<17}  {team_name(match.home)} v {team_name(match.away)}"
        )
    click.echo(f"{min(limit, len(scheduled))} of {len(scheduled)} fixtures.", err=True)


def _of_competition(matches: Sequence[MatchRow], competition: str | None) -> Sequence[MatchRow]:
    codes = {match.competition for match in matches}
    if competition is None:
        return matches
    if competition not in codes:
        raise click.ClickException(
            f"The store has no competition {competition!r}; it has {', '.join(sorted(codes)) or 'none'}."
        )
    return [match for match in matches if match.competition == competition]


def _of_team(matches: Sequence[MatchRow], team: str | None) -> Sequence[MatchRow]:
    if team is None:
        return matches
    found = [match for match in matches if team in _names(match.home) | _names(match.away)]
    if not found:
        names = {team_name(side) for match in matches for side in (match.home, match.away)}
        hint = ", ".join(map(repr, nearest(team, names))) or "none is near it"
        raise click.ClickException(f"No team is called {team!r}. Nearest known: {hint}. football teams list shows all.")
    return found


def _names(team: str) -> set[str]:
    return {team, team_name(team)}


def _kickoff(match: MatchRow) -> str | None:
    """Return the kick-off in RFC 3339 to the minute, the day alone where no more is known, None without either."""
    if match.kickoff is None:
        return None
    instant = dt.datetime.fromtimestamp(match.kickoff, tz=dt.UTC)
    return f"{instant:%Y-%m-%d}" if match.is_date_only else f"{instant:%Y-%m-%dT%H:%MZ}"


def _plain(match: MatchRow) -> dict[str, Any]:
    return {
        "match_id": match.match_id,
        "competition": match.competition,
        "season": match.season,
        "kickoff": _kickoff(match),
        "home_team": team_name(match.home),
        "away_team": team_name(match.away),
    }
