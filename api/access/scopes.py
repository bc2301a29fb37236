"""What a caller may do. Every route names one scope; a key has some."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """Name what a key opens.

    PREDICT     predictions, and all that is only read
    METRICS     the numbers for Prometheus
    OPERATOR    everything, such as posting results, reloading a model and emptying the cache
    """

    PREDICT = "predict"
    METRICS = "metrics"
    OPERATOR = "operator"
