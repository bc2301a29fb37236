"""What a service did in an interval, and how it stands at its end: what ``football top`` shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from monitoring.readings import Reading, Span, share_of

DURATION: Final = "football_request_duration_seconds"
REQUESTS: Final = "football_requests_total"
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Route:
    """Hold what one route did in an interval; quantiles in milliseconds, None where nothing was answered."""

    route: str
    requests_per_s: float
    failed_share: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Moment:
    """Hold what a service did in an interval, and how it stands at its end.

    Attributes:
        whole: All routes together.
        routes: Those that were asked, the busiest first.
        cache: Share of the look-ups by where an answer was found; empty where nothing was looked up.
        refused_per_s, degraded_per_s: By code and by reason; those that happened.
        models: Name, version and age in days of each loaded model.
        quality: Settled matches, RPS and what it should be, log loss, ECE, and whether the calibration alarm is raised;
            empty until results are in.
        lost: Forecasts that were not logged, since the server started.
    """

    seconds: float
    whole: Route
    routes: list[Route]
    predictions_per_s: float
    in_flight: int
    cache: dict[str, float]
    batch_rows: float | None
    batch_wait_p99_ms: float | None
    refused_per_s: dict[str, float]
    degraded_per_s: dict[str, float]
    models: list[tuple[str, str, float]]
    bento: str | None
    newest_result_days: float | None
    quality: dict[str, float]
    worker_restarts: int
    lost: int


def moment_of(span: Span, *, now: dt.datetime) -> Moment:
    """Return what happened between two looks."""
    after = span.after
    counted = span.growth(REQUESTS, "route")
    asked = sorted((route for route, count in counted.items() if count), key=lambda route: -counted[route])
    ages = after.labelled("football_model_trained_until_timestamp_seconds")
    newest = after.value("football_newest_result_timestamp_seconds")
    looked_up = span.growth("football_cache_lookups_total", "result")
    waited_s = span.quantile("football_batch_wait_seconds", 0.99)
    return Moment(
        seconds=span.seconds,
        whole=_route(span, "all"),
        routes=[_route(span, route, route=route) for route in asked],
        predictions_per_s=span.per_s("football_predictions_total"),
        in_flight=int(after.value("football_in_flight_requests") or 0),
        cache={result: share_of(looked_up, [result]) or 0.0 for result in looked_up if sum(looked_up.values())},
        batch_rows=span.mean("football_batch_rows"),
        batch_wait_p99_ms=_ms(waited_s),
        refused_per_s=_happened(span, "football_refusals_total", "code"),
        degraded_per_s=_happened(span, "football_degraded_forecasts_total", "reason"),
        models=[(one.labels["name"], one.labels["version"], _days(one.value, now)) for one in ages],
        bento=next((one.labels["bento"] for one in after.labelled("football_bento_info") if one.value), None),
        newest_result_days=None if not newest else _days(newest, now),
        quality=_quality(after),
        worker_restarts=int(after.value("football_worker_restarts_total") or 0),
        lost=int(after.values("football_prediction_log_rows_total", "result").get("lost", 0.0)),
    )


def _route(span: Span, name: str, **only: str) -> Route:
    by_status = span.growth(REQUESTS, "status", **only)
    failed = share_of(by_status, [status for status in by_status if status.startswith("5")])
    p50, p95, p99 = (_ms(span.quantile(DURATION, share, **only)) for share in (0.5, 0.95, 0.99))
    return Route(name, span.per_s(REQUESTS, **only), failed or 0.0, p50, p95, p99)


def _happened(span: Span, name: str, by: str) -> dict[str, float]:
    grown = span.growth(name, by)
    return {value: count / span.seconds for value, count in sorted(grown.items(), key=lambda one: -one[1]) if count}


def _quality(after: Reading) -> dict[str, float]:
    if not after.value("football_settled_matches"):
        return {}
    names = ("settled_matches", "live_rps", "live_expected_rps", "live_log_loss", "live_ece", "calibration_alarm")
    return {name: after.value(f"football_{name}") or 0.0 for name in names}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3


def _days(then_s: float, now: dt.datetime) -> float:
    return (now.timestamp() - then_s) / DAY_S
