"""``football release`` and its kin: what serves behind the proxy, changed without losing a request."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from bentoml._internal.configuration.containers import BentoMLContainer

from cli.build import newest_bento
from configs.settings import Settings
from deploy import kept
from deploy.build import BuildFailed, build, newest_model
from deploy.errors import DeployFailed, Refused
from deploy.gate.bounds import Bounds
from deploy.gate.gatekeeper import Gatekeeper
from deploy.keeper import Keeper
from deploy.place import Place
from deploy.plan import TOKEN, Plan
from deploy.release import Releases
from deploy.state import history as read_history
from deploy.state import read_state
from deploy.status import status_of
from deploy.verifying import is_signed, verify_bento
from deploy.watching import Watcher
from trust.errors import Untrusted


@click.command()
@click.argument("bento_tag", required=False)
@click.pass_obj
def release(settings: Settings, bento_tag: str | None) -> None:
    """Serve BENTO_TAG, the newest bento by default, in place of what serves now, without losing a request.

    It is copied, examined as by `football gate`, started beside the old one, given a part of the
    traffic, then all of it. Whatever goes wrong on the way, the old one goes on
    serving, and the reason is said.
    """
    tag = bento_tag or newest_bento()
    try:
        _releases(settings).release(tag, examine=gatekeeper_of(settings))
    except DeployFailed as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.argument("bento_tag", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def gate(settings: Settings, bento_tag: str | None, as_json: bool) -> None:
    """Examine BENTO_TAG, the newest bento by default, as a release does, and release nothing; exit code 1 if refused.

    It is started in a throw-away process without network and asked what callers
    asked before, beside what serves now.
    """
    try:
        report = gatekeeper_of(settings, quiet=True).examine_apart(bento_tag or newest_bento())
    except DeployFailed as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(report.to_plain(), indent=2))
    else:
        click.echo(report.in_words(), nl=False)
    sys.exit(0 if report.is_passed else 1)


@click.command()
@click.argument("bento_tag", required=False)
@click.pass_obj
def rollback(settings: Settings, bento_tag: str | None) -> None:
    """Serve BENTO_TAG again, or what served before; needs neither trainer nor Redis nor network."""
    try:
        _releases(settings).roll_back(bento_tag, examine=partial(_verify, settings))
    except DeployFailed as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.pass_obj
def down(settings: Settings) -> None:
    """Stop the proxy and its servers; requests that are being answered are finished."""
    try:
        _releases(settings).down()
    except DeployFailed as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.pass_obj
def watch(settings: Settings) -> None:
    """Build and release every model that is trained from now on, and one that was trained before and never served.

    A model that fails on the way is not tried again; one that was rolled back from stays away.
    """
    first, *others = settings.service.models
    place = place_of(settings)

    def take(tag: str) -> str:
        bento = build([tag, *map(newest_model, others)])
        _releases(settings).release(bento, examine=gatekeeper_of(settings))
        return bento

    Watcher(
        place,
        Path(str(BentoMLContainer.model_store.get()._path)) / first,  # noqa: SLF001 - BentoML tells no other way
        newest=lambda: _newest_or_none(first),
        served=lambda: _served_model(place),
        take=take,
        say=_say,
    ).run()


def _newest_or_none(name: str) -> str | None:
    try:
        return newest_model(name)
    except BuildFailed:
        return None


def _served_model(place: Place) -> str | None:
    now = read_state(place)
    return None if now.tag is None or not now.is_wanted else kept.models_in(place, now.tag)[0]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def status(settings: Settings, as_json: bool) -> None:
    """Say what serves, since when, and why; exit code 1 if what should serve does not."""
    try:
        told = status_of(place_of(settings), plan_of(settings))
    except DeployFailed as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(told.to_plain(), indent=2) if as_json else told.in_words())
    sys.exit(0 if told.is_well else 1)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@click.pass_obj
def history(settings: Settings, as_json: bool, limit: int) -> None:
    """List what was released, refused, taken back and rolled back, oldest first."""
    for event in read_history(place_of(settings))[-limit:]:
        click.echo(json.dumps(event) if as_json else _in_a_line(event))


@click.command()
@click.pass_obj
def keep(settings: Settings) -> None:
    """Keep proxy and servers running until `football down`; a release starts this by itself."""
    if not Keeper(place_of(settings), plan_of(settings)).run():
        raise click.ClickException("Another process keeps them running already.")


def place_of(settings: Settings) -> Place:
    """Return where the releases of these settings are."""
    return Place(settings.home / "releases")


def gatekeeper_of(settings: Settings, *, quiet: bool = False) -> Gatekeeper:
    """Return who examines bentos by these settings."""
    return Gatekeeper(
        place_of(settings),
        plan_of(settings),
        Bounds(**settings.gate.model_dump()),
        say=lambda line: None if quiet else click.echo(line, err=True),
        verify=partial(_verify, settings),
    )


def _verify(settings: Settings, folder: Path, tag: str) -> None:
    """Refuse a kept bento whose code or models are not what was signed, or that had to be signed."""
    try:
        if settings.trust.required or is_signed(tag, folder):
            verify_bento(tag, settings.home, floor=settings.trust.floor, bentoml_home=folder)
    except Untrusted as error:
        raise Refused(f"{tag} is refused: {error}.") from error


def plan_of(settings: Settings) -> Plan:
    """Return what a release may take by these settings."""
    given = settings.release
    return Plan(
        host=settings.service.host,
        port=settings.service.port,
        slot_ports=given.slot_ports,
        steps=given.steps,
        step_s=given.step_s,
        fewest_answers=given.fewest_answers,
        most_slowdown=given.most_slowdown,
        least_slow_s=given.least_slow_s,
        ready_within_s=given.ready_within_s,
        drain_within_s=given.drain_within_s,
        has_standby=given.standby,
        kept=given.kept,
        at_once=given.at_once_per_worker * settings.service.workers,
        stands_back=given.stands_back,
        environment={
            "BENTOML_DO_NOT_TRACK": "True",
            "FOOTBALL_BEHIND_PROXY": "true",
            "FOOTBALL_HOME": str(settings.home),
            "FOOTBALL_DATABASE_URL": settings.database_url,
            "FOOTBALL_API_KEYS_FILE": str(settings.callers),
            TOKEN: place_of(settings).token(),
            "FOOTBALL_RECORDING__FOLDER": settings.recording.folder or str(place_of(settings).requests),
        },
    )


def _releases(settings: Settings) -> Releases:
    keeper = (sys.executable, "-m", "cli.main", "keep")
    return Releases(place_of(settings), plan_of(settings), _say, keeper)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _in_a_line(event: Mapping[str, Any]) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in event.items() if name not in {"at", "what", "tag"})
    return f"{event['at']}  {event['what']}  {event.get('tag') or ''}{f'  ({facts})' if facts else ''}"
