"""``football prove``: whether releases, rollbacks and faults lose or falsify a single answer, under load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bentoml
import click
import msgspec
from bentoml.exceptions import BentoMLException

from cli.options import SEED, OutputFile
from cli.prove_report import show
from cli.releases import place_of, plan_of
from configs.settings import Settings
from deploy.build import bentos
from deploy.errors import DeployFailed
from deploy.kept import models_of
from deploy.state import read_state
from deploy.status import status_of
from proof.errors import ProofFailed
from proof.faults import FAULTS, Faults
from proof.questions import LARGE_BATCH
from proof.run import Operator, Program, Prover, Target

_COMMAND_S = 600.0


@click.command()
@click.argument("bento_tags", nargs=-1)
@click.option("--upgrades", type=click.IntRange(0), default=20, show_default=True, help="Releases, in turns.")
@click.option("--rollbacks", type=click.IntRange(0), default=1, show_default=True, help="Rollbacks after them.")
@click.option(
    "--fault", "faults", type=click.Choice(FAULTS), multiple=True, help="A fault after the releases; may be repeated."
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Requests a second, instead of --load.")
@click.option("--load", type=click.FloatRange(0, 2, min_open=True), help="Share of the capacity measured; default 0.5.")
@click.option(
    "--rest", "rest_s", type=click.FloatRange(0), default=2.0, show_default=True, help="Seconds between two changes."
)
@click.option(
    "--matches", type=click.IntRange(LARGE_BATCH), default=500, show_default=True, help="Played matches asked for."
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of all that is drawn.")
@click.option("--key", default="", envvar="FOOTBALL_API_KEY", help="Of a caller, where the service asks for one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--out", type=OutputFile(), help="Write that JSON object to a file, too.")
@click.pass_obj
def prove(
    settings: Settings,
    /,
    bento_tags: tuple[str, ...],
    rate: float | None,
    load: float | None,
    as_json: bool,
    out: Path | None,
    **asked: Any,
) -> None:
    """Change between two bentos under load, and count every answer that is lost or wrong; exit code 1 if one is.

    BENTO_TAGS are the two, around different models; by default what serves and
    the newest bento around another model. Requests leave at a fixed rate and
    are never sent twice. Every answer is compared with what the model it names
    answers offline. First some requests are tampered with, to see that it shows.
    """
    if rate is not None and load is not None:
        raise click.UsageError("Give --rate or --load, not both.")
    try:
        targets = _serving_first(settings, _targets(settings, bento_tags))
        proof = _prover(settings, targets).prove(Program(rate=rate, load=load or 0.5, **asked))
    except (ProofFailed, DeployFailed) as error:
        raise click.ClickException(str(error)) from error
    told = msgspec.json.format(msgspec.json.encode(proof))
    if out is not None:
        out.write_bytes(told + b"\n")
    if as_json:
        click.echo(told.decode())
    else:
        show(proof)
    sys.exit(0 if proof.is_passed else 1)


def _targets(settings: Settings, given: Sequence[str]) -> tuple[Target, Target]:
    """Return two bentos around different models. Raises click.ClickException if there are none."""
    if len(given) not in {0, 2}:
        raise click.UsageError(f"Give two bentos or none; {len(given)} was given.")
    serving = read_state(place_of(settings)).tag
    tags = list(given) or [*([serving] if serving else []), *bentos()]
    if not tags:
        raise click.ClickException("No bento is built. Build two around different models: football build MODEL_TAG")
    first = _target(settings, tags[0])
    for tag in tags[1:]:
        if (other := _target(settings, tag)).version != first.version:
            return first, other
    raise click.ClickException(
        f"Every bento of these answers with {first.model}; a proof needs two models, to tell old answers from new ones: "
        "football train, then football build."
    )


def _target(settings: Settings, tag: str) -> Target:
    try:
        models = models_of(Path(bentoml.get(tag).path))
    except (BentoMLException, ValueError, OSError) as error:
        raise click.ClickException(f"{tag} cannot be read: {error}") from error
    name = settings.service.models[0]
    model = next((model for model in models if model.partition(":")[0] == name), None)
    if model is None:
        raise click.ClickException(f"{tag} was built without the model {name!r}; it has {', '.join(models)}.")
    return Target(tag, model)


def _serving_first(settings: Settings, targets: tuple[Target, Target]) -> tuple[Target, Target]:
    """Return the targets with the one that serves first; where neither does, the first is released."""
    told = status_of(place_of(settings), plan_of(settings))
    first, second = targets
    if told.tag == second.bento and told.is_well:
        return second, first
    if told.tag != first.bento or not told.is_well:
        is_done, said = _football("release", first.bento)
        if not is_done:
            raise ProofFailed(f"{first.bento} could not be released: {said}")
    return targets


def _prover(settings: Settings, targets: tuple[Target, Target]) -> Prover:
    place, service = place_of(settings), settings.service
    operator = Operator(
        release=lambda tag: _football("release", tag),
        roll_back=lambda: _football("rollback"),
        strike=Faults(place, plan_of(settings)).strike,
        serving=lambda: read_state(place).tag,
    )
    return Prover(service.host, service.port, settings.database_url, targets, operator, _say)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _football(*arguments: str) -> tuple[bool, str]:
    """Run a command in a process of its own; return whether it did what it should, and its last words."""
    run = subprocess.run(  # noqa: S603 - our own interpreter, no shell
        [sys.executable, "-m", "cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )
    lines = run.stderr.strip().splitlines()
    return run.returncode == 0, lines[-1] if lines else ""
