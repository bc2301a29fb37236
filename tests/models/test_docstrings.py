"""The examples in the docstrings of models and of the scores hold."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["models.estimator", "models.markets", "models.prediction_sets", "models.score_grid", "training.scores"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    """
    Each module has examples, and each gives what it says.
    """
    result = doctest.testmod(importlib.import_module(name))

    assert result.attempted > 0
    assert result.failed == 0
