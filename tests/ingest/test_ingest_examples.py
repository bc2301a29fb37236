"""The examples in the docstrings of the readers."""

import doctest
import importlib
import pkgutil

import pytest

import ingest

MODULES = sorted(module.name for module in pkgutil.iter_modules(ingest.__path__, "ingest."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    """What a docstring shows is what happens."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0
