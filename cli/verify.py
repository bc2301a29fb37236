"""``football verify``: whether a bento is to the byte what somebody trusted has signed."""

from __future__ import annotations

import json
import sys

import click

from configs.settings import Settings
from deploy.build import BENTO_NAME
from deploy.verifying import Check, Verification, full_tag, verification_of
from trust.errors import Untrusted


@click.command()
@click.argument("tag", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def verify(settings: Settings, tag: str | None, as_json: bool) -> None:
    """Compare bento TAG and the models it pins with what was signed; the newest bento by default.

    Says a line for each check and exits 1 if any failed. Needs no network, and runs none of the code that it checks.
    """
    try:
        full = full_tag(tag or BENTO_NAME)
        done = verification_of(full, settings.home, floor=settings.trust.floor)
    except Untrusted as error:
        raise click.ClickException(f"{error}.") from error
    click.echo(json.dumps(_plain(done)) if as_json else "\n".join(map(_line, done.checks)))
    click.echo(f"{full} is {'to the byte what was signed' if done.is_trusted else 'not to be trusted'}.", err=True)
    sys.exit(0 if done.is_trusted else 1)


def _line(check: Check) -> str:
    return f"ok    {check.name}: {check.told}" if check.is_passed else f"FAIL  {check.name}: {'; '.join(check.reasons)}"


def _plain(done: Verification) -> dict[str, object]:
    manifest = done.manifest
    return {
        "bento": done.bento,
        "trusted": done.is_trusted,
        "sequence": None if manifest is None else manifest.sequence,
        "models": [] if manifest is None else [model.tag for model in manifest.models],
        "checks": [
            {"name": check.name, "passed": check.is_passed, "told": check.told, "reasons": list(check.reasons)}
            for check in done.checks
        ],
    }
