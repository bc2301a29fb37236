"""What Prometheus may know of how good the served forecasts have been."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from monitoring.live_quality import Quality

_GAUGES: Final = {
    "football_settled_matches": "Played matches that the served model had forecast, the newest 2,000.",
    "football_live_rps": "Ranked probability score of those.",
    "football_live_expected_rps": "What it would be on average if the forecasts were right.",
    "football_live_log_loss": "Log loss of those.",
    "football_live_ece": "Expected calibration error of those.",
    "football_calibration_evidence": "Largest cumulative sum that speaks against the calibration, in nats.",
    "football_calibration_bound": "What raises the alarm, in nats.",
    "football_calibration_alarm": "1 while the newest season of matches raises it.",
}


class QualityGauges:
    """Show the quality of forecasts. All workers set the same, each for itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {
            name: Gauge(name, text, multiprocess_mode="livemostrecent", registry=registry)
            for name, text in _GAUGES.items()
        }

    def note(self, quality: Quality) -> None:
        """Take note of how good the served forecasts have been."""
        score, watched = quality
        values = (score.matches, score.rps, score.expected_rps, score.log_loss, score.ece)
        for gauge, value in zip(
            self._gauges.values(), (*values, watched.evidence, watched.bound, watched.is_alarmed), strict=True
        ):
            gauge.set(value)
