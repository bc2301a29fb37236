"""More versions of a saved model, for the tests that ask for one."""

from __future__ import annotations

import shutil
from collections.abc import Callable


def shelve(home, tag: str, version: str, change: Callable[[str], str] = lambda text: text) -> str:
    """Copy a saved model to another version of football; ``change`` edits what it says of itself. Return the tag."""
    name, _, old = tag.partition(":")
    source, target = home.folder / "models" / name / old, home.folder / "models" / "football" / version
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    told = (target / "model.yaml").read_text()
    told = told.replace(f"name: {name}\n", "name: football\n", 1).replace(
        f"version: {old}\n", f"version: {version}\n", 1
    )
    (target / "model.yaml").write_text(change(told))
    return f"football:{version}"


def of_another_python(text: str) -> str:
    """Have a model say that it was made for a Python that is not here."""
    return "\n".join("  python: '2.7'" if line.startswith("  python:") else line for line in text.splitlines()) + "\n"
