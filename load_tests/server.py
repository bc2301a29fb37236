"""The football service under test: the newest bento, on a free port, with a BentoML home of its own.

``bentoml serve`` empties the metrics folder of its BENTOML_HOME when it
starts; a copy keeps a server that is running from the same home unharmed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from processes import NotStarted, ServerProcess, free_port

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT_PYTHON = Path(os.environ.get("PROJECT_PYTHON", CHECKOUT / ".venv" / "bin" / "python"))
BENTO = "football"


def bentoml_home() -> Path:
    """Return the BentoML home that holds the bento: ``BENTOML_HOME``, or BentoML's default."""
    return Path(os.environ.get("BENTOML_HOME") or Path.home() / "bentoml").expanduser()


def copied_home(folder: Path, home: Path | None = None) -> Path:
    """Copy the newest bento and the models of a BentoML home, and return the copy.

    Raises:
        NotStarted: If no bento was built there.
    """
    home = home or bentoml_home()
    latest = home / "bentos" / BENTO / "latest"
    if not latest.is_file():
        raise NotStarted(f"There is no bento {BENTO!r} in {home}. Build one first: football build (or make run)")
    version = latest.read_text().strip()
    copy = folder / "bentoml"
    shutil.copytree(home / "bentos" / BENTO / version, copy / "bentos" / BENTO / version)
    (copy / "bentos" / BENTO / "latest").write_text(version)
    shutil.copytree(home / "models", copy / "models")
    return copy


def bento_tag(home: Path) -> str:
    """Return the full tag of the newest bento of a BentoML home."""
    return f"{BENTO}:{(home / 'bentos' / BENTO / 'latest').read_text().strip()}"


def has_setting(home: Path, *path: str) -> bool:
    """Return whether the newest bento knows a setting, such as ``("service", "cache", "enabled")``."""
    name, version = bento_tag(home).split(":")
    level = yaml.safe_load((home / "bentos" / name / version / "src" / "configs" / "default.yaml").read_text())
    for part in path:
        if not isinstance(level, dict) or part not in level:
            return False
        level = level[part]
    return True


def football_server(
    folder: Path,
    home: Path,
    *,
    name: str = "football",
    settings: Mapping[str, str] | None = None,
    is_bento: bool = True,
) -> ServerProcess:
    """Return a server of the newest bento, not started yet.

    Args:
        folder: Where its output goes.
        home: From ``copied_home``.
        name: For messages and the name of its output.
        settings: FOOTBALL_* variables on top of those of this process.
        is_bento: False serves the checkout, with the newest saved models.
    """
    port = free_port()
    command = [str(PROJECT_PYTHON), "-m", "bentoml", "serve"]
    command += [bento_tag(home)] if is_bento else ["service:Football", "--working-dir", str(CHECKOUT)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "10"]
    environment = {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"} | football_environment()
    return ServerProcess(
        name, command, port=port, ready_path="/readyz", folder=folder, environment=environment | dict(settings or {})
    )


def run_in_project(home: Path, script: str, *arguments: str) -> None:
    """Run a script of this folder in the project's environment, with a BentoML home; what it prints is not shown."""
    environment = dict(os.environ) | football_environment() | {"BENTOML_HOME": str(home), "PYTHONPATH": str(CHECKOUT)}
    command = [str(PROJECT_PYTHON), str(Path(__file__).with_name(script)), *arguments]
    subprocess.run(command, check=True, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL)


def made_key(folder: Path, name: str, scope: str) -> str:
    """Make a caller's key, kept in the folder's ``keys/callers.json``, and return its text."""
    command = [str(PROJECT_PYTHON), "-m", "cli.main", "keys", "add", name, "--scope", scope]
    environment = {"FOOTBALL_HOME": str(folder), "PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def football_environment() -> dict[str, str]:
    """Return where the matches are: FOOTBALL_HOME of this process, or the product's default, as an absolute path."""
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    home = Path(os.environ.get("FOOTBALL_HOME") or Path(data) / "football").expanduser().absolute()
    return {"FOOTBALL_HOME": str(home)}


if __name__ == "__main__":
    sys.exit("This is a part of run.py, bench.py and soak.py; run one of those.")
