"""The examples in the docstrings of features hold."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["beliefs", "elo", "ledger", "matches", "odds", "pi_ratings"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    """
    Each module has examples, and each gives what it says.
    """
    result = doctest.testmod(importlib.import_module(f"features.{name}"))

    assert result.attempted > 0
    assert result.failed == 0
