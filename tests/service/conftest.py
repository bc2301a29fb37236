"""A bento of the small world, built and served for real, in an interpreter that cannot import the checkout."""

from __future__ import annotations

import json
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Served, football, serve


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """An interpreter that has every library and not the project: .pth files within a .pth folder are not read."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    libraries = Path(sysconfig.get_path("purelib"))
    purelib = next(folder.glob("lib/python*/site-packages"))
    (purelib / "libraries.pth").write_text(f"{libraries}\n")
    interpreter = folder / "bin" / "python"
    program = "import importlib.util as u; print([n for n in ('features', 'runners', 'service') if u.find_spec(n)])"
    told = subprocess.run([interpreter, "-c", program], cwd=folder, check=True, capture_output=True, text=True).stdout
    assert told.strip() == "[]", f"the checkout can be imported: {told}"
    return interpreter


@pytest.fixture(scope="session")
def bento(home) -> str:
    """The tag of a bento around the small world's model, built by the command from another folder."""
    told = football(home, "build", home.tag, "--json")
    return json.loads(told)["bento"]


@pytest.fixture(scope="session")
def served(home, bento, python, tmp_path_factory) -> Iterator[Served]:
    """The bento, served by two workers that follow a copy of the store. Tests may add to that store."""
    running = serve(home, bento, python, tmp_path_factory.mktemp("served"), workers=2)
    yield running
    running.end()
