"""An outside tool finds no difference between the published contract and the service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SEED = "20261124"


@pytest.fixture
def served():
    """Serve the API around the fake backend in a process of its own; yields its address."""
    process = subprocess.Popen([sys.executable, HERE / "serve_fake.py"], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_schemathesis_finds_no_difference(served, tmp_path):
    """All checks of schemathesis, over generated requests good and bad: no 5xx, nothing undocumented, no wrong shape."""
    tool = Path(sys.executable).with_name("schemathesis")
    command = [tool, "run", f"{served}/openapi.json", "--checks", "all", "--max-examples", "10", "--seed", SEED]
    run = subprocess.run(
        [*command, "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-8_000:] + run.stderr
    # All 28 but the document's own address, which the tool leaves out.
    assert "27 selected / 27 total" in run.stdout
