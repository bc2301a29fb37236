"""``football up``: from nothing to a served prediction; what is there already is used again.

Each step is a command of its own, run in its own process, so that this one may
be interrupted anywhere and started again.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import click
import httpx

from cli.options import why_not_free
from configs.settings import Settings
from deploy.build import BuildFailed, bentos, is_current, newest_model
from store.database import open_store
from store.errors import StoreError
from store.reads import read_competitions

START_TIMEOUT_S = 120.0
PAUSE_S = 0.2


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="TCP port; default: service.port of the settings.")
@click.option("--once", is_flag=True, help="Stop the server after the prediction.")
@click.pass_obj
def up(settings: Settings, port: int | None, once: bool) -> None:
    """Ingest the sample, train, build and serve as far as needed, and print one real prediction.

    Uses the matches, the model and the bento that are there already; serves until interrupted.
    """
    port = port or settings.service.port
    _check_port(port)
    try:
        if not read_competitions(open_store(settings.database_url)):
            _run("Taking in the sample matches", "ingest", "sample")
        model = _model(settings.service.models[0])
        bento = next((tag for tag in bentos() if is_current(tag, model)), None) or _build(model)
    except (StoreError, BuildFailed) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(_serve(bento, port, once=once))


def _model(name: str) -> str:
    try:
        return newest_model(name)
    except BuildFailed:
        _run("Training a model", "train", "--name", name)
        return newest_model(name)


def _build(model: str) -> str:
    _run("Building a bento", "build", model)
    return bentos()[0]


def _run(what: str, *command: str) -> None:
    click.echo(f"{what}: football {' '.join(command)}", err=True)
    done = subprocess.run([sys.executable, "-m", "cli.main", *command], check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise click.ClickException(f"`football {' '.join(command)}` failed; its message is above.")


def _check_port(port: int) -> None:
    if reason := why_not_free("127.0.0.1", port):
        told = f"Port {port} on 127.0.0.1 cannot be used ({reason}). Choose another: make run PORT=3001"
        raise click.ClickException(told)


def _serve(bento: str, port: int, *, once: bool) -> int:
    """Serve until asked to stop; return 0 if a prediction was shown and the server ended because it was asked to."""
    command = [sys.executable, "-m", "cli.main", "serve", bento, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command)  # noqa: S603 - our own command
    asked: list[int] = []

    def stop(number: int, _frame: object) -> None:
        asked.append(number)
        server.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    base = f"http://127.0.0.1:{port}"
    try:
        is_shown = _is_ready(server, base) and _show(base)
        if once or not is_shown:
            server.terminate()
        server.wait()
    finally:
        server.terminate()
    return 0 if asked or (once and is_shown) else 1


def _is_ready(server: subprocess.Popen[bytes], base: str) -> bool:
    end = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < end:
        try:
            if httpx.get(f"{base}/readyz", timeout=2, trust_env=False).status_code == httpx.codes.OK:
                return True
        except httpx.TransportError:
            pass
        time.sleep(PAUSE_S)
    if server.poll() is None:
        server.terminate()
        click.echo(f"The server was not ready within {START_TIMEOUT_S:.0f} s; its messages are above.", err=True)
    return False


def _show(base: str) -> bool:
    """Ask for one fixture, print the question as a curl line and the answer in words; return whether one came."""
    try:
        with httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
            path = f"/v1/predictions/default/{_match_to_show(client)}"
            answer = client.post(path).raise_for_status().json()
    except (httpx.HTTPError, LookupError) as error:
        click.echo(f"The server is up but gave no prediction: {error}", err=True)
        return False
    click.echo(f"\n$ curl -s -X POST {base}{path}\n")
    click.echo(json.dumps({name: answer.get(name) for name in SHOWN}, indent=2, ensure_ascii=False))
    click.echo(f"\n{_in_words(answer)}\nThe whole answer comes with the curl line above; {base}/docs explains it.")
    click.echo("Interrupt (Ctrl-C) to stop the server.\n")
    return True


SHOWN = (
    "match_id",
    "home_win_prob",
    "draw_prob",
    "away_win_prob",
    "predicted_outcome",
    "confidence",
    "model_name",
    "model_version",
    "degraded",
)


def _match_to_show(client: httpx.Client) -> str:
    queries: tuple[dict[str, str | int], ...] = ({"status": "scheduled", "limit": 1}, {"limit": 1})
    answers = [client.get("/v1/fixtures", params=query).raise_for_status().json() for query in queries]
    found = [str(match["match_id"]) for answer in answers for match in answer["matches"]]
    if not found:
        raise LookupError("the match store holds no match that can be asked for")
    return found[0]


def _in_words(answer: dict[str, Any]) -> str:
    match, reasons = answer["metadata"]["match"], answer["metadata"]["degraded_reasons"]
    words = (
        f"{match['home_team']} v {match['away_team']} ({match['competition']} {match['season']}): "
        f"home win {answer['home_win_prob']:.1%}, draw {answer['draw_prob']:.1%}, away win {answer['away_win_prob']:.1%}."
    )
    return "\n".join([words, *(f"Degraded, {reason}." for reason in reasons)])
