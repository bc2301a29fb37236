"""The examples in the docstrings of models and of the scores hold."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    "features.mirror",
    "models.calibration",
    "models.conditional_logit",
    "models.conformal",
    "models.doubt",
    "models.estimator",
    "models.explanation",
    "models.markets",
    "models.pool",
    "models.prediction_sets",
    "models.rating_logit",
    "models.score_grid",
    "models.shapley",
    "models.scores",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    """
    Each module has examples, and each gives what it says.
    """
    result = doctest.testmod(importlib.import_module(name))

    assert result.attempted > 0
    assert result.failed == 0
