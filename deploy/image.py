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
from deploy.slot import STORES

CONTAINER: Final = Path(__file__).parent / "container"
_PATCH_MARKER: Final = re.compile(r" ?; python_full_version < ['\"]3\.11\.\d+['\"]")
BASE: Final = "python:3.11-slim-bookworm"


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
    docker = shutil.which("docker")
    if docker is None:
        raise NoImage("An image needs Docker and finds none. Install it, or release without it: football release")
    with tempfile.TemporaryDirectory(prefix="football-image-") as folder:
        context = Path(folder)
        _lay_out(context, release, bento_tag)
        command = [
            docker,
            "build",
            "--build-arg",
            f"BASE={base}",
            "--label",
            f"bento={bento_tag}",
            "-t",
            full,
            str(context),
        ]
        _run(command, "docker build")
    return full


def _lay_out(context: Path, release: Path, bento_tag: str) -> None:
    name, _, version = bento_tag.partition(":")
    for store in STORES:
        shutil.copytree(release / store, context / "release" / store)
    for path in (context / "release").rglob("*"):  # the image's user is not the one who built it
        path.chmod(0o755 if path.is_dir() else 0o644)
    lock = (release / "bentos" / name / version / "env" / "python" / "requirements.txt").read_text(encoding="utf-8")
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


def _run(command: list[str], what: str) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - built above, no shell
    if run.returncode != 0:
        told = "\n".join(run.stdout.splitlines()[-5:] + run.stderr.splitlines()[-15:])
        raise NoImage(f"{what} failed with {run.returncode}:\n{told}")
