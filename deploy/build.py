"""Building an immutable bento around one pinned model.

Knows no model code: BentoML imports the service, and the model only travels.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import bentoml
import yaml
from bentoml.exceptions import BentoMLException, NotFound

from deploy.keys import KeyRefused, SigningKey, next_sequence
from deploy.signing import CannotSign, sign
from trust.errors import Untrusted

CHECKOUT: Final = Path(__file__).resolve().parents[1]
BENTO_NAME: Final = "football"
RUNNER_MODE: Final = "FOOTBALL_RUNNER__MODE"


class BuildFailed(Exception):
    """Say why no bento was built, and what to do."""


def newest_model(name: str) -> str:
    """Return the full tag of the newest saved model of a name. Raises BuildFailed if there is none."""
    try:
        return str(bentoml.models.get(name).tag)
    except NotFound as error:
        raise BuildFailed(f"No model {name!r} is saved. Train one first: football train") from error


def build(model_tags: Sequence[str], *, checkout: Path = CHECKOUT, key: SigningKey | None = None) -> str:
    """Build a bento of this checkout around saved models and return its tag, such as ``"football:7mzq3e..."``.

    Args:
        model_tags: Full tags, version included; they stay with the bento whatever is trained later.
        key: Signs the bento; None leaves it unsigned.

    Raises:
        BuildFailed: If a model is not saved, BentoML cannot build, or the bento cannot be signed; it is not kept then.
    """
    config = _config(checkout)
    tags = [_pinned(tag) for tag in model_tags]
    try:
        with _every_service_listed():
            bento = bentoml.build(
                config["service"],
                name=BENTO_NAME,
                build_ctx=str(checkout),
                description=config["description"],
                include=config["include"],
                exclude=config["exclude"],
                python=config["python"],
                docker=config["docker"],
                models=list(tags),
                labels={"model": tags[0], "source": source_digest(checkout)},
            )
    except (BentoMLException, OSError) as error:
        raise BuildFailed(f"BentoML could not build a bento: {error}") from error
    _drop_second_pin(Path(bento.path))
    if key is not None:
        _sign(bento, tags, key)
    return str(bento.tag)


def bentos(name: str = BENTO_NAME) -> list[str]:
    """Return the tags of the bentos that were built, newest first."""
    # Listing a name that was never built is an error in BentoML; listing all is not.
    named = [bento for bento in bentoml.list() if bento.tag.name == name]
    built = sorted(named, key=lambda bento: bento.info.creation_time, reverse=True)
    return [str(bento.tag) for bento in built]


def is_current(bento_tag: str, model_tag: str, *, checkout: Path = CHECKOUT) -> bool:
    """Return whether a bento was built around a model from the files as they are now."""
    labels = bentoml.get(bento_tag).info.labels
    return labels.get("model") == model_tag and labels.get("source") == source_digest(checkout)


def source_digest(checkout: Path = CHECKOUT) -> str:
    """Return the digest of all files that a bento of this checkout carries, names included."""
    config = _config(checkout)
    patterns = [str(pattern).lstrip("/") for pattern in config["include"]]
    files = {file for pattern in patterns for file in checkout.glob(pattern) if file.is_file()}
    others = (checkout / "bentofile.yaml", checkout / config.get("python", {}).get("requirements_txt", ""))
    files |= {file for file in others if file.is_file()}
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(checkout)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:32]


@contextmanager
def _every_service_listed() -> Iterator[None]:
    """Have the bento list the runner's service too: whether it is used is chosen when the bento is served."""
    before = os.environ.get(RUNNER_MODE)
    os.environ[RUNNER_MODE] = "service"
    try:
        yield
    finally:
        if before is None:
            del os.environ[RUNNER_MODE]
        else:
            os.environ[RUNNER_MODE] = before


def _config(checkout: Path) -> dict[str, Any]:
    file = checkout / "bentofile.yaml"
    if not file.is_file():
        raise BuildFailed(
            f"There is no {file}. Build from a checkout of the project: make setup installs one in place."
        )
    config: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return config


def _pinned(tag: str) -> str:
    """Return the full tag of a saved model; one without a version, or ``latest``, means the newest."""
    try:
        return str(bentoml.models.get(tag).tag)
    except (NotFound, ValueError) as error:
        raise BuildFailed(f"No model {tag!r} is saved. See those that are: football models") from error


def _sign(bento: bentoml.Bento, tags: Sequence[str], key: SigningKey) -> None:
    models = {tag: Path(bentoml.models.get(tag).path) for tag in tags}
    try:
        sign(Path(bento.path), str(bento.tag), models, key, sequence=next_sequence(key.folder))
    except (CannotSign, KeyRefused, Untrusted, OSError, ValueError) as error:
        bentoml.delete(bento.tag)
        raise BuildFailed(f"The bento was built and cannot be signed: {error}") from error


def _drop_second_pin(bento: Path) -> None:
    """Take out the line that BentoML adds to the lock: it pins BentoML again, without a hash, and pip refuses that."""
    lock = bento / "env" / "python" / "requirements.txt"
    lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and lines[-1].startswith("bentoml==") and "--hash" not in lines[-1]:
        lock.write_text("".join(lines[:-1]), encoding="utf-8")
