"""``football serve``: serve a bento over HTTP in place of this process."""

from __future__ import annotations

import os
import sys

import click

from cli.build import newest_bento
from configs.settings import Settings, require_loopback

GRACEFUL_TIMEOUT_S = 25
ONLY_HERE = "No API keys are configured, so it can be reached from this machine only."


@click.command()
@click.argument("bento_tag", required=False)
@click.option("--port", type=click.IntRange(1, 65_535), help="TCP port; default: service.port of the settings.")
@click.option("--host", help="Address to listen on; default: service.host of the settings, which is loopback.")
@click.option("--workers", type=click.IntRange(1), help="Serving processes; default: service.workers of the settings.")
@click.pass_obj
def serve(settings: Settings, bento_tag: str | None, port: int | None, host: str | None, workers: int | None) -> None:
    """Serve BENTO_TAG, the newest bento by default, until interrupted.

    No API keys can be configured yet, so the service listens on this machine
    only; any other address is refused.
    """
    tag = bento_tag or newest_bento()
    try:
        address, number = require_loopback(host or settings.service.host), port or settings.service.port
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--host") from error
    environment = dict(os.environ)
    environment |= {"BENTOML_DO_NOT_TRACK": "True", "FOOTBALL_HOME": str(settings.home)}
    environment["FOOTBALL_DATABASE_URL"] = settings.database_url
    if workers is not None:
        environment["FOOTBALL_SERVICE__WORKERS"] = str(workers)
    click.echo(f"Serving {tag} on http://{address}:{number} (read /docs there). {ONLY_HERE}", err=True)
    command = [sys.executable, "-m", "bentoml", "serve", tag, "--host", address, "--port", str(number)]
    command += ["--timeout-graceful-shutdown", str(GRACEFUL_TIMEOUT_S)]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter, no shell
