"""Transforms that compute the same are told from those that do not, by their code."""

from __future__ import annotations

import os
import subprocess
import sys

from small_world import save_tampered

PROGRAM = """
import sys, bentoml
from runners.arithmetic import arithmetic_of
for tag in sys.argv[1:]:
    print(arithmetic_of(bentoml.models.get(tag).custom_objects["features"]))
"""


def digests(home, *tags: str) -> list[str]:
    """Load transforms in a process of its own: one that pickled a class by value gets the very same class back."""
    environment = os.environ | {"BENTOML_HOME": str(home.folder)}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *tags], env=environment, check=True, capture_output=True, text=True
    )
    return run.stdout.split()


def test_a_changed_constant_anywhere_changes_the_digest(home):
    """
    Two reads of one transform agree in any process; a constant in learning or describing makes another one.
    """
    changed = [
        save_tampered(home.folder, home.tag, family, constant)
        for family, constant in (("elo", "STEP"), ("goals", "GOALS_DISPERSION"))
    ]

    first, *others = digests(home, home.tag, *changed)
    again = digests(home, home.tag)

    assert again == [first]
    assert len({first, *others}) == 3
