"""What a fresh clone relies on: locks, make targets, notes; and that no file tells where it was written."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("serving.txt", "dev.txt")


def pinned(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\\n]+)", text, flags=re.MULTILINE | re.IGNORECASE))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_with_hashes(lock):
    """
    Each line of a lock names one version, and at least one hash follows it.
    """
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))

    assert len(blocks) > 40
    assert all(re.match(r"[\w.-]+==", block) and "--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_index(lock):
    """
    A lock works with whatever registry the machine has.
    """
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")

    assert not re.search(r"https?://|--index|--extra-index|--find-links|file:", text)


def test_the_bento_carries_the_versions_that_are_tested():
    """
    What is pinned for serving is pinned the same for development.
    """
    serving, everything = pinned("serving.txt"), pinned("dev.txt")

    assert {name: everything.get(name) for name in serving} == serving


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if names.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in names.stdout.split("\0") if name]


def test_no_file_tells_where_it_was_written():
    """
    No absolute path of a home folder or of this checkout stands in a tracked file.
    """
    here = {str(ROOT) + "/", str(Path.home()) + "/"} - {"//"}

    found = [
        f"{file.relative_to(ROOT)}: {place}"
        for file in tracked()
        for place in here
        if place in file.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []


def test_decisions_fit_on_half_a_page():
    """
    A note of a decision says context, choice and cost, shortly.
    """
    notes = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert notes
    for note in notes:
        text = note.read_text(encoding="utf-8")
        assert all(part in text for part in ("**Context.**", "**Choice.**", "**Cost.**")), note.name
        assert text.count("\n") <= 40, note.name


def test_make_knows_the_documented_targets():
    """
    setup, run, test and check are there, and plain make lists them.
    """
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert all(f"make {target}" in told for target in ("setup", "run", "test", "check", "lock"))


def test_the_ci_script_can_be_run():
    """
    .ci/run is executable and ends in the same command that a developer types.
    """
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").rstrip().endswith("make test")


def test_the_changelog_says_whether_predictions_change():
    """
    The words that an analyst looks for stand in every version's entries.
    """
    sections = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1:]

    assert sections
    assert all("Predictions change" in section or "Predictions unchanged" in section for section in sections)


def modules_with_examples() -> list[str]:
    files = sorted(file for file in ROOT.glob("*/*.py") if file.with_name("__init__.py").exists())
    return [f"{file.parent.name}.{file.stem}" for file in files if ">>> " in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings_are_true(name):
    """
    What a docstring shows is what happens.
    """
    result = doctest.testmod(importlib.import_module(name))

    assert result.attempted > 0
    assert result.failed == 0
