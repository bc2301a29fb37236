"""``football ingest``: take matches of a source into the match store.

Exit codes: 0 all rows kept; 3 some rows refused, the rest kept; 1 nothing kept.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.ingest_report import keep_rejects, plain, summary
from configs.settings import Settings
from ingest import fivethirtyeight, football_data, internationals, openfootball, openligadb, sample
from ingest.errors import IngestError, SourceMissing
from ingest.intake import SourceFile, take_in
from store.database import open_store
from store.errors import NotARoundRobin, StoreError
from store.fixtures import complete_round_robin
from store.records import MatchRecord
from store.rejects import Reject

EXIT_NOTHING_KEPT = 1
EXIT_SOME_REFUSED = 3

_Reader = Callable[[bytes, str], Iterable[MatchRecord | Reject]]


@dataclass(frozen=True, slots=True)
class Order:
    """Hold what every source's command is told: where to write, and how to report."""

    database_url: str
    rejects_file: Path
    as_json: bool
    may_register_teams: bool
    downloads: Path


def _from_source(command: Callable[..., None]) -> Callable[..., Any]:
    """Give a command the options that all sources share, and turn failures into messages."""

    @functools.wraps(command)
    def run(
        settings: Settings, database: str | None, rejects: Path | None, as_json: bool, new_teams: bool, **arguments: Any
    ) -> None:
        order = Order(
            database_url=database or settings.database_url,
            rejects_file=rejects or settings.home / "rejects.jsonl",
            as_json=as_json,
            may_register_teams=new_teams,
            downloads=settings.home / "downloads",
        )
        try:
            command(order, **arguments)
        except (IngestError, StoreError, OSError) as error:
            raise click.ClickException(str(error)) from error

    for option in _SHARED_OPTIONS:
        run = option(run)
    return click.pass_obj(run)


_SHARED_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the summary."),
    click.option(
        "--new-teams/--known-teams",
        default=True,
        help="Whether a club that resembles no known one is added (default) or its rows are refused.",
    ),
    click.option(
        "--rejects",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Where refused rows are added, one JSON object a line.  [default: rejects.jsonl in FOOTBALL_HOME]",
    ),
    click.option("--database", metavar="URL", help="Match store to write.  [default: FOOTBALL_DATABASE_URL]"),
)


@click.group()
def ingest() -> None:
    """Take matches of a source into the match store.

    Ingesting twice changes nothing. Bad rows are refused with a reason, the rest is kept. Exit code: 0 all rows kept,
    3 some refused, 1 nothing kept.
    """


@ingest.command("sample")
@_from_source
def _sample(order: Order) -> None:
    """Bundesliga 2004-15 and 2020-21, downloaded once; the rest of its last season becomes undated fixtures."""
    data = sample.read_wheel(sample.fetch_wheel(order.downloads))
    facts = {"left_out": sample.left_out(data), "left_out_seasons": sample.HALF_TIME_SEASONS}
    _run(order, [SourceFile(sample.MEMBER, lambda: sample.read(data))], facts=facts, then=_add_fixtures)


@ingest.command("openfootball")
@click.argument("place", metavar="PATH_OR_URL")
@_from_source
def _openfootball(order: Order, place: str) -> None:
    """football.json: a folder, a folder of one season, a zip, one file, or the http(s) address of a file or zip."""
    files = openfootball.find_files(place)
    _run(order, [SourceFile(file.origin, partial(_season_file, file)) for file in files])


@ingest.command("openligadb")
@click.argument("league", type=click.Choice(sorted(openligadb.COMPETITIONS)))
@click.argument("season", type=click.IntRange(1963, 2100))
@click.option("--base-url", default=openligadb.BASE_URL, show_default=True, help="Address of the API.")
@_from_source
def _openligadb(order: Order, league: str, season: int, base_url: str) -> None:
    """OpenLigaDB's results and fixtures of one league and season, named by the year it begins."""
    data = openligadb.fetch_season(league, season, base_url=base_url)
    _run(order, [SourceFile(f"getmatchdata/{league}/{season}", lambda: openligadb.read(data, league, season))])


@ingest.command("fivethirtyeight")
@click.argument("file", type=click.Path(path_type=Path))
@_from_source
def _fivethirtyeight(order: Order, file: Path) -> None:
    """FiveThirtyEight's spi_matches.csv: scores and expected goals; their forecasts are left out."""
    _run(order, [_file(file, fivethirtyeight.read)])


@ingest.command("internationals")
@click.argument("file", type=click.Path(path_type=Path))
@_from_source
def _internationals(order: Order, file: Path) -> None:
    """Men's internationals, results.csv: one competition a tournament."""
    _run(order, [_file(file, internationals.read)])


@ingest.command("csv")
@click.argument("file", type=click.Path(path_type=Path))
@_from_source
def _csv(order: Order, file: Path) -> None:
    """A file of yours in football-data.co.uk's column names."""
    _run(order, [_file(file, football_data.read)])


def _season_file(file: openfootball.SeasonFile) -> Iterable[MatchRecord | Reject]:
    return openfootball.read(file.load(), file.season, file.competition)


def _file(path: Path, read: _Reader) -> SourceFile:
    if not path.is_file():
        raise SourceMissing(f"There is no file {str(path)!r}; give the path of a copy that you have.")
    return SourceFile(path.name, lambda: read(path.read_bytes(), path.name))


def _add_fixtures(order: Order, facts: dict[str, Any]) -> None:
    """Complete the unfinished season of the sample, and count the fixtures that were added."""
    try:
        added = complete_round_robin(open_store(order.database_url), sample.COMPETITION, sample.UNFINISHED_SEASON)
    except NotARoundRobin as reason:
        click.echo(f"No fixtures were added: {reason}", err=True)
        added = []
    facts["fixtures_added"] = len(added)


def _run(
    order: Order,
    files: Sequence[SourceFile],
    *,
    facts: Mapping[str, Any] | None = None,
    then: Callable[[Order, dict[str, Any]], None] = lambda *_: None,
) -> None:
    """Take files in, write refused rows to their file, print the report, and set the exit code."""
    engine = open_store(order.database_url)
    with _progress() as progress:
        bar = progress.add_task("ingest", total=len(files))
        report = take_in(
            engine,
            files,
            may_register_teams=order.may_register_teams,
            on_file=lambda _: progress.advance(bar),
        )
    engine.dispose()
    keep_rejects(order.rejects_file, report.rejects)
    told = plain(report) | dict(facts or {})
    if report.kept:
        then(order, told)
    click.echo(json.dumps(told, ensure_ascii=False) if order.as_json else summary(told, order.rejects_file))
    if not report.kept:
        sys.exit(EXIT_NOTHING_KEPT)
    if report.rejects:
        sys.exit(EXIT_SOME_REFUSED)


def _progress() -> Progress:
    """Return a progress bar on standard error, silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
