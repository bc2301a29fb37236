"""What Prometheus may know of how good the served forecasts have been."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from monitoring.live_quality import Quality
from monitoring.settlement import OUTCOMES, markets

LIVE_SCORE: Final = "football_live_score"
GONE: Final = -1.0
"""What the score of a part is set to when it is no longer there: what is shared with other processes cannot be removed."""

MOST_PARTS: Final = 20
"""Competitions that have scores of their own, and versions: those with most matches."""

_GAUGES: Final = {
    "football_settled_matches": "Played matches that the served model had forecast, the newest 2,000.",
    "football_live_rps": "Ranked probability score of those.",
    "football_live_expected_rps": "What it would be on average if the forecasts were right.",
    "football_live_log_loss": "Log loss of those.",
    "football_live_ece": "Expected calibration error of those.",
    "football_calibration_evidence": "Largest cumulative sum that speaks against the calibration, in nats.",
    "football_calibration_bound": "What raises the alarm, in nats.",
    "football_calibration_alarm": "1 while the newest season of matches raises it.",
    "football_feature_drift": "Population stability index of the feature that has moved most from what was learned from.",
}
_Labels = tuple[str, str, str]


class QualityGauges:
    """Show the quality of forecasts. All workers set the same, each for itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {name: _gauge(name, text, (), registry) for name, text in _GAUGES.items()}
        self._part = _gauge(
            LIVE_SCORE, "Scores of parts of those forecasts; lower is better.", ("score", "by", "of"), registry
        )
        self._drift = _gauge(
            "football_forecast_drift",
            "Population stability index of the forecasts, against those of matches learned from; NaN for too few.",
            ("outcome",),
            registry,
        )
        self._shown: set[_Labels] = set()

    def note(self, quality: Quality) -> None:
        """Take note of how good the served forecasts have been."""
        score, watched, drift = quality.score, quality.watched, quality.drift
        moved = math.nan if drift is None else next(iter(drift.features.values()))
        scores = (score.matches, score.rps, score.expected_rps, score.log_loss, score.ece)
        values = (*scores, watched.evidence, watched.bound, watched.is_alarmed, moved)
        for gauge, value in zip(self._gauges.values(), values, strict=True):
            gauge.set(value)
        for outcome in OUTCOMES:
            self._drift.labels(outcome).set(math.nan if drift is None else drift.forecasts[outcome])
        self._note_parts(dict(_parts(quality)))

    def _note_parts(self, parts: Mapping[_Labels, float]) -> None:
        """Show the scores of parts, and no more those of parts that are no longer there."""
        for labels in self._shown - parts.keys():
            self._part.labels(*labels).set(GONE)
        for labels, value in parts.items():
            self._part.labels(*labels).set(value)
        self._shown = set(parts)


def _parts(quality: Quality) -> Iterator[tuple[_Labels, float]]:
    for by, scores in quality.parts.items():
        for of, score in islice(scores.items(), MOST_PARTS):
            for name in ("rps", "log_loss", "brier", "ece"):
                yield (name, by, of), getattr(score, name)
    for of, figures in markets(quality.score).items():
        for name, value in zip(("log_loss", "ece"), figures, strict=True):
            yield (name, "market", of), value


def _gauge(name: str, text: str, labels: tuple[str, ...], registry: CollectorRegistry) -> Gauge:
    return Gauge(name, text, labels, multiprocess_mode="livemostrecent", registry=registry)
