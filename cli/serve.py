"""``football serve``: serve a bento over HTTP in place of this process."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import click
from bentoml._internal.configuration.containers import BentoMLContainer

from cli.build import newest_bento
from cli.options import why_not_free
from configs.settings import Settings, require_keys
from deploy.verifying import full_tag, is_signed, verify_bento
from trust.errors import Untrusted

GRACEFUL_TIMEOUT_S = 25
ONLY_HERE = "No API keys are configured, so it can be reached from this machine only."
WITH_KEYS = "Every request needs a key."


@click.command()
@click.argument("bento_tag", required=False)
@click.option("--port", type=click.IntRange(1, 65_535), help="TCP port; default: service.port of the settings.")
@click.option("--host", help="Address to listen on; default: service.host of the settings, which is loopback.")
@click.option("--workers", type=click.IntRange(1), help="Serving processes; default: service.workers of the settings.")
@click.pass_obj
def serve(settings: Settings, bento_tag: str | None, port: int | None, host: str | None, workers: int | None) -> None:
    """Serve BENTO_TAG, the newest bento by default, until interrupted.

    A bento that is signed, or must be, is first compared with what was signed.
    Without keys of callers (football keys add) it listens on this machine only;
    any other address is refused.
    """
    tag = bento_tag or newest_bento()
    try:
        address = require_keys(host or settings.service.host, settings.callers)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--host") from error
    _require_trusted(settings, tag)
    number = port or settings.service.port
    if reason := why_not_free(address, number):
        raise click.ClickException(f"Nothing can listen on {address}:{number} ({reason}). Choose another port: --port")
    _require_alone(Path(BentoMLContainer.bentoml_home.get()))
    environment = dict(os.environ)
    environment |= {"BENTOML_DO_NOT_TRACK": "True", "FOOTBALL_HOME": str(settings.home)}
    environment["FOOTBALL_DATABASE_URL"] = settings.database_url
    environment["FOOTBALL_API_KEYS_FILE"] = str(settings.callers)
    if workers is not None:
        environment["FOOTBALL_SERVICE__WORKERS"] = str(workers)
    open_to = WITH_KEYS if settings.callers.is_file() else ONLY_HERE
    click.echo(f"Serving {tag} on http://{address}:{number} (read /docs there). {open_to}", err=True)
    command = [sys.executable, "-m", "bentoml", "serve", tag, "--host", address, "--port", str(number)]
    command += ["--timeout-graceful-shutdown", str(GRACEFUL_TIMEOUT_S)]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter, no shell


def _require_alone(bentoml_home: Path) -> None:
    """Refuse a second server of one BENTOML_HOME: BentoML would empty the folder through which the first one's workers agree."""
    lock = os.open(bentoml_home / "serving.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        told = f"Another server runs with BENTOML_HOME {bentoml_home} and would lose its metrics. Stop it, or give this one a home of its own"
        raise click.ClickException(f"{told}: BENTOML_HOME=FOLDER football serve") from error
    os.set_inheritable(lock, True)  # held by the server that this process becomes


def _require_trusted(settings: Settings, tag: str) -> None:
    """Refuse a bento whose code or models are not what was signed, before any of it runs."""
    try:
        full = full_tag(tag)
        if settings.trust.required or is_signed(full):
            verify_bento(full, settings.home, floor=settings.trust.floor)
    except Untrusted as error:
        raise click.ClickException(f"Bento {tag} is not served: {error}.") from error
