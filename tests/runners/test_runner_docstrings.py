"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import runners


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(runners.__path__, "runners.")])
def test_examples_are_true(name):
    """
    Every example of a module's docstrings gives what it says.
    """
    assert doctest.testmod(importlib.import_module(name)).failed == 0
