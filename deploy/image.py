"""A kept release as a container image: the folder it is built in, and the build."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from deploy.errors import DeployFailed
from deploy.sbom import READ, NotAsLocked, bill_of_materials
from deploy.slot import STORES

CONTAINER: Final = Path(__file__).parent / "container"
_PATCH_MARKER: Final = re.compile(r" ?; python_full_version < ['\"]3\.11\.\d+['\"]")
BASE: Final = "python:3.11-slim-bookworm"
PYTHON: Final = "/opt/venv/bin/python"
"""Of the image."""


class NoImage(DeployFailed):
    """Say why no image was built."""


def build_image(release: Path, bento_tag: str, name: str, *, base: str = BASE) -> str:
    """Build an image of a kept release and return its name.

    Args:
        release: The kept copy of the bento, with its models.
        name: Such as ``"football:7mzq3e"``; the bento's version where no version is given.
        base: Image to start from; it needs ``python3.11`` with ``venv``.

    Raises:
        NoImage: If Docker or a library cannot be had, or the build fails; says what it said.
    """
    full = name if ":" in name else f"{name}:{bento_tag.partition(':')[2]}"
    docker = _docker()
    with tempfile.TemporaryDirectory(prefix="football-image-") as folder:
        context = Path(folder)
        _lay_out(context, release, bento_tag)
        command = [docker, "build", "--build-arg", f"BASE={base}", "--label", f"bento={bento_tag}", "-t", full]
        _run([*command, str(context)], "docker build")
    return full


def materials_of(image: str, release: Path, bento_tag: str) -> str:
    """Return what an image is made of, as a CycloneDX document.

    Args:
        image: Name and version, as ``build_image`` returns them.
        release: The kept copy of the bento that it was built from.

    Raises:
        NoImage: If it holds Python packages that its bento does not pin, or cannot be looked into.
    """
    command = [_docker(), "run", "--rm", "--network", "none", "--entrypoint", PYTHON, image, "-c", READ]
    try:
        return bill_of_materials(image, bento_tag, _run(command, "docker run"), _lock(release, bento_tag))
    except NotAsLocked as error:
        raise NoImage(str(error)) from error


def _docker() -> str:
    docker = shutil.which("docker")
    if docker is None:
        raise NoImage("An image needs Docker and finds none. Install it, or release without it: football release")
    return docker


def _lock(release: Path, bento_tag: str) -> str:
    name, _, version = bento_tag.partition(":")
    return (release / "bentos" / name / version / "env" / "python" / "requirements.txt").read_text(encoding="utf-8")


def _lay_out(context: Path, release: Path, bento_tag: str) -> None:
    for store in STORES:
        shutil.copytree(release / store, context / "release" / store)
    for path in (context / "release").rglob("*"):  # the image's user is not the one who built it
        path.chmod(0o755 if path.is_dir() else 0o644)
    lock = _lock(release, bento_tag)
    (context / "release" / "requirements.txt").write_text(lock, encoding="utf-8")
    # The image's Python may be an older patch than this one, and need a library that this one has built in.
    wanted = context / "wanted.txt"
    wanted.write_text(_PATCH_MARKER.sub(" ", lock), encoding="utf-8")
    for file in ("Dockerfile", "start.py"):
        shutil.copy(CONTAINER / file, context / file)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _run(
        [*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(wanted), "-d", str(context / "wheels")],
        "pip download",
    )


def _run(command: list[str], what: str) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - built above, no shell
    if run.returncode != 0:
        told = "\n".join(run.stdout.splitlines()[-5:] + run.stderr.splitlines()[-15:])
        raise NoImage(f"{what} failed with {run.returncode}:\n{told}")
    return run.stdout
