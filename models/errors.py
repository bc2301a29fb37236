"""What can go wrong inside the models.

ModelError
├── NotFitted          asked to predict before it was fitted
├── NothingToLearn     fitted on no played match
└── InvalidForecast    numbers that cannot be a forecast, such as expected goals of zero
"""

from __future__ import annotations


class ModelError(Exception):
    """Be the root of what the models raise."""


class NotFitted(ModelError):
    """Say which estimator was asked before it had learned."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Estimator {name!r} is not fitted. Call fit(matches, features) first.")


class NothingToLearn(ModelError):
    """Say that no given match has a result."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Estimator {name!r} was given no played match to fit, expected at least one.")


class InvalidForecast(ModelError, ValueError):
    """Say which numbers cannot be a forecast."""
