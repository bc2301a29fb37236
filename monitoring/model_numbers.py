"""What Prometheus may know of the models of a worker: which are loaded, how much they know, what became of changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

MODEL_INFO: Final = "football_model_info"
MODEL_AGE: Final = "football_model_trained_until_timestamp_seconds"
LOAD_RESULTS: Final = ("loaded", "refused", "not_found", "evicted")
RELOAD_RESULTS: Final = ("successful", "failed")
GONE_AT_ZERO: Final = frozenset({MODEL_INFO, MODEL_AGE})
"""Metrics whose samples are set to 0 when their model is let go: what is shared with other processes cannot be removed."""


class ModelNumbers:
    """Count and show the models of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._info = Gauge(
            MODEL_INFO,
            "1 for each loaded model; trained_until is the first day it has not learned from.",
            ("name", "version", "model_type", "trained_until"),
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._trained_until = Gauge(
            MODEL_AGE,
            "First day that a loaded model has not learned from.",
            ("name", "version"),
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._bento = Gauge(
            "football_bento_info",
            "1 for the bento that serves.",
            ("bento",),
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._loads = _by_result(
            "football_model_loads",
            "Further versions of served models that were asked for, by what became of them.",
            LOAD_RESULTS,
            registry,
        )
        self._reloads = _by_result(
            "football_model_reloads",
            "Changes of the served version of a model without a restart, counted once for all workers.",
            RELOAD_RESULTS,
            registry,
        )
        self._newest_result = Gauge(
            "football_newest_result_timestamp_seconds",
            "Kick-off of the newest result that the slowest worker knows.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        self._refused = Gauge(
            "football_models_refused",
            "Models that failed their checks and are not served.",
            multiprocess_mode="livemax",
            registry=registry,
        )

    def note(self, *, name: str, version: str, model_type: str, trained_until: dt.datetime) -> None:
        """Take note of a model that is loaded."""
        self._info.labels(name, version, model_type, trained_until.date().isoformat()).set(1)
        self._trained_until.labels(name, version).set(trained_until.timestamp())

    def forget(self, *, name: str, version: str, model_type: str, trained_until: dt.datetime) -> None:
        """Take note of a model that is let go."""
        shown = (
            (self._info, (name, version, model_type, trained_until.date().isoformat())),
            (self._trained_until, (name, version)),
        )
        for gauge, labels in shown:
            gauge.labels(*labels).set(0)  # see GONE_AT_ZERO
            gauge.remove(*labels)

    def note_bento(self, tag: str) -> None:
        """Take note of the bento that this worker serves."""
        self._bento.labels(tag).set(1)

    def note_refused(self, models: int) -> None:
        """Take note of how many models failed their checks."""
        self._refused.set(models)

    def note_load(self, result: str) -> None:
        """Take note of what became of a further version, one of ``LOAD_RESULTS``."""
        self._loads.labels(result).inc()

    def note_reload(self, result: str) -> None:
        """Take note of a reload that this worker decided, one of ``RELOAD_RESULTS``."""
        self._reloads.labels(result).inc()

    def note_newest_result(self, kickoff_s: int) -> None:
        """Take note of the newest result known, by its kick-off in seconds since 1970-01-01."""
        self._newest_result.set(kickoff_s)


def _by_result(name: str, text: str, results: Sequence[str], registry: CollectorRegistry) -> Counter:
    """Return a counter that shows every result from the beginning, at 0."""
    counter = Counter(name, text, ("result",), registry=registry)
    for result in results:
        counter.labels(result)
    return counter
