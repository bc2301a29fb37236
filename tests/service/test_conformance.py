"""An outside tool finds no difference between the published contract and the served bento."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from serving import serve

SEED = "20261124"
FEWEST_CASES = 2_000


@pytest.mark.service
def test_schemathesis_finds_no_difference_with_the_real_service(home, bento, python, tmp_path):
    """
    All checks of schemathesis against a real model and store: no 5xx, nothing undocumented, no wrong shape.
    """
    running = serve(home, bento, python, tmp_path, FOOTBALL_SERVICE__DEADLINE_S="60")  # its speed is not the question
    tool = Path(sys.executable).with_name("schemathesis")
    command = [tool, "run", f"{running.url}/openapi.json", "--checks", "all", "--max-examples", "12", "--seed", SEED]
    try:
        run = subprocess.run(
            [*command, "--no-color"], cwd=tmp_path, capture_output=True, text=True, timeout=1_200, check=False
        )
    finally:
        running.end()

    assert run.returncode == 0, run.stdout[-8_000:] + run.stderr
    cases = int(re.search(r"(\d[\d,]*) generated", run.stdout).group(1).replace(",", ""))
    assert cases >= FEWEST_CASES
    assert "27 selected / 27 total" in run.stdout  # all but the document's own address, which the tool leaves out
    assert not [line for line in running.lines() if line.get("status", 0) >= 500]
