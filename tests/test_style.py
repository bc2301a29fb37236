"""What the linters do not measure: names and sizes of modules, lengths of functions, docstrings of what is public."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
FILES = sorted(
    [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    + [ROOT / "service.py", ROOT / "worker.py"]
)
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core"}
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60

Functions = (ast.FunctionDef, ast.AsyncFunctionDef)


def parsed(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def path_of(file):
    return str(file.relative_to(ROOT))


def long_functions(tree):
    """Names of functions of more than sixty lines, decorators and docstring included."""
    for node in ast.walk(tree):
        if isinstance(node, Functions):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if node.end_lineno - first + 1 > MOST_LINES_OF_A_FUNCTION:
                yield node.name


def undocumented(node, prefix=""):
    """Names of public functions, methods and classes without a docstring; overrides of a base class need none."""
    for child in node.body:
        if not isinstance(child, (*Functions, ast.ClassDef)) or child.name.startswith("_"):
            continue
        name = f"{prefix}{child.name}"
        is_override = any(ast.unparse(decorator).endswith("override") for decorator in child.decorator_list)
        if not ast.get_docstring(child) and not is_override:
            yield name
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, f"{name}.")


def test_there_is_something_to_look_at():
    """
    The files of every package are found.
    """
    assert len(FILES) > 80
    assert {file.parent.name for file in FILES} >= set(PACKAGES)


@pytest.mark.parametrize("file", FILES, ids=path_of)
def test_a_module_is_a_noun_of_moderate_size_that_says_what_it_is_for(file):
    """
    No drawer for odds and ends, no file over 400 lines, no function over 60, no public name without a docstring.
    """
    text, tree = file.read_text(encoding="utf-8"), parsed(file)

    assert file.stem not in NAMELESS
    assert len(text.splitlines()) <= MOST_LINES
    assert not list(long_functions(tree))
    assert not list(undocumented(tree))
    assert ast.get_docstring(tree), "a module starts with what it is for"


LONG = "@cached\ndef long():\n" + "    x = 1\n" * 59


def test_a_long_function_and_a_silent_name_are_found():
    """
    The checks above see functions of 61 lines and public names without a docstring, inside classes too.
    """
    silent = ast.parse('class A:\n    def b(self): ...\n    def _c(self): ...\ndef d():\n    "Say."\n')

    assert list(long_functions(ast.parse(LONG))) == ["long"]
    assert not list(long_functions(ast.parse(LONG.removeprefix("@cached\n"))))
    assert list(undocumented(silent)) == ["A", "A.b"]
