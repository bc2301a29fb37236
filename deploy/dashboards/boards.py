"""What our dashboards show, and what it means."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from deploy.dashboards.panels import Panel, board, lines, number, presence

_FAILED: Final = 'football_requests_total{status=~"5.."}'
_MONTH_FAILED: Final = f"(sum(increase({_FAILED}[30d])) or vector(0)) / sum(increase(football_requests_total[30d]))"
_WITHIN: Final = 'football_request_duration_seconds_bucket{le="0.2"}'
_MONTH_SLOW: Final = f"1 - sum(increase({_WITHIN}[30d])) / sum(increase(football_request_duration_seconds_count[30d]))"
_PER_S: Final = "[$__rate_interval]"


def boards() -> dict[str, dashboard.Dashboard]:
    """Return every dashboard by the name of its file."""
    return {"service": _service(), "forecasts": _forecasts(), "releases": _releases()}


def _service() -> dashboard.Dashboard:
    says = "Whether callers are answered, how quickly, and what stands in the way."
    rows = {
        "Objectives: 99.9 % answered, 99 % within 200 ms": _objectives(),
        "Requests": _requests(),
        "From question to answer": _stages(),
    }
    return board("football-service", "Football: service", says, rows)


def _objectives() -> list[Panel]:
    gone = {0.5: "orange", 1.0: "red"}
    burnt = {f"{window}": f"football:requests_failed:ratio_rate{window} / 0.001" for window in ("5m", "1h", "6h", "3d")}
    slow = {f"{window}": f"football:requests_slow:ratio_rate{window} / 0.01" for window in ("5m", "1h", "6h")}
    return [
        number(
            "Month's failures used up",
            f"({_MONTH_FAILED}) / 0.001",
            "percentunit",
            "Share of the failures that the objective allows in 30 days. At 100 % nothing risky should be released.",
            bad=gone,
        ),
        number(
            "Month's slow answers used up",
            f"({_MONTH_SLOW}) / 0.01",
            "percentunit",
            "Share of the answers beyond 200 ms that the objective allows in 30 days.",
            bad=gone,
        ),
        lines(
            "Failures burn", burnt, "x", "How many times too fast failures come; AvailabilityBurns pages at 6 and 14.4."
        ),
        lines(
            "Slowness burns", slow, "x", "How many times too fast slow answers come; SlownessBurns pages at 6 and 14.4."
        ),
    ]


def _requests() -> list[Panel]:
    every = 'sum by (route) (rate(football_requests_total{route!=""}' + _PER_S + "))"
    quantile = "histogram_quantile({share}, sum by (le) (rate(football_request_duration_seconds_bucket{per_s})))"
    shares = {
        name: quantile.format(share=share, per_s=_PER_S) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    refused = f"sum by (code) (rate(football_refusals_total{_PER_S})) > 0"
    by_route = (
        "histogram_quantile(0.99, sum by (le, route) (rate(football_request_duration_seconds_bucket" + _PER_S + ")))"
    )
    return [
        lines("Requests", {"{{route}}": every}, "reqps", "By route.", stacked=True),
        lines(
            "Refused and failed",
            {"{{code}}": refused},
            "reqps",
            "By the code that callers get. OVERLOADED: add workers.",
        ),
        lines("Time to answer", shares, "s", "Over all routes, from the head of a request to its answer."),
        lines(
            "Slowest hundredth by route", {"{{route}}": by_route}, "s", "p99. A batch takes as long as its size says."
        ),
        lines(
            "At work",
            {"{{instance}}": "sum by (instance) (football_in_flight_requests)"},
            "short",
            "Requests begun and not answered. Rising with the time to answer: more is asked than can be had.",
        ),
        lines(
            "Predictions",
            {"sent": f"sum(rate(football_predictions_total{_PER_S}))"},
            "reqps",
            "Forecasts sent, those of batches and of the cache among them.",
        ),
    ]


def _stages() -> list[Panel]:
    looked_up = f"sum by (result) (rate(football_cache_lookups_total{_PER_S}))"
    waited = f"histogram_quantile(0.99, sum by (le) (rate(football_batch_wait_seconds_bucket{_PER_S})))"
    together = f"sum(rate(football_batch_rows_sum{_PER_S})) / sum(rate(football_batch_rows_count{_PER_S}))"
    troubles = {
        "{{what}}": f"sum by (what) (rate(football_cache_redis_troubles_total{_PER_S}))",
        "odd value: {{reason}}": f"sum by (reason) (rate(football_cache_odd_values_total{_PER_S}))",
    }
    return [
        lines("Cache", {"{{result}}": looked_up}, "reqps", "Look-ups by where the answer was found.", stacked=True),
        lines("Trouble with Redis", troubles, "reqps", "Questions it did not answer, and values that were not used."),
        lines("Computed together", {"forecasts a batch": together}, "short", "Near 1 when idle; grows with the load."),
        lines(
            "Waiting to be computed",
            {"p99": waited},
            "s",
            "The oldest question of each batch. What waits too long is shed.",
        ),
        lines(
            "Store unread",
            {"failed looks": "sum(rate(football_store_poll_failures_total" + _PER_S + "))"},
            "reqps",
            "New results are not seen meanwhile; answers go on from what is known.",
        ),
        lines(
            "Workers that died",
            {"{{instance}}": "sum by (instance) (increase(football_worker_restarts_total[1h]))"},
            "short",
            "Within the last hour; others took their places.",
        ),
    ]


def _forecasts() -> dashboard.Dashboard:
    says = "How good the forecasts that were served have been, and on what they rest."
    return board(
        "football-forecasts",
        "Football: forecasts",
        says,
        {"Against results": _quality(), "What they rest on": _rests()},
    )


def _quality() -> list[Panel]:
    scored = {"is": "max(football_live_rps)", "should be": "max(football_live_expected_rps)"}
    against = {"evidence": "max(football_calibration_evidence)", "alarm at": "max(football_calibration_bound)"}
    return [
        number(
            "Calibration alarm",
            "max(football_calibration_alarm)",
            "short",
            "1: the forecasts no longer mean what they say. football settle says which way they err.",
            bad={1.0: "red"},
            decimals=0,
        ),
        number(
            "Settled matches",
            "max(football_settled_matches)",
            "short",
            "Played matches that were forecast before, the newest 2,000. Below some hundred the scores say little.",
            bad={},
            decimals=0,
        ),
        lines(
            "Ranked probability score",
            scored,
            "none",
            "Of those, and what it would be if every probability were right.",
        ),
        lines("Log loss", {"log loss": "max(football_live_log_loss)"}, "none", "Of the same matches; lower is better."),
        lines(
            "Calibration error",
            {"ECE": "max(football_live_ece)"},
            "none",
            "Mean gap between what was said and what came.",
        ),
        lines("Evidence against the calibration", against, "none", "In nats, over a season of matches at most."),
        lines(
            "Ranked probability score of parts",
            {"{{by}} {{of}}": 'max by (by, of) (football_live_score{score="rps"})'},
            "none",
            "By time before kick-off, by version, and of the competitions with most matches; lower is better.",
        ),
        lines(
            "Drift",
            {"forecasts": "max(football_forecast_drift)", "features": "max(football_feature_drift)"},
            "none",
            "Population stability index against the matches learned from, of the same weeks of the year. Of forecasts .25 is much.",
        ),
    ]


def _rests() -> list[Panel]:
    degraded = f"sum by (reason) (rate(football_degraded_forecasts_total{_PER_S})) > 0"
    share = f"sum by (reason) (rate(football_degraded_forecasts_total{_PER_S})) / scalar(sum(rate(football_batch_rows_sum{_PER_S})))"
    newest = "(time() - min(football_newest_result_timestamp_seconds)) / 86400"
    learned = "(time() - min(max by (name) (football_model_trained_until_timestamp_seconds))) / 86400"
    logged = f"sum by (result) (rate(football_prediction_log_rows_total{_PER_S}))"
    return [
        number("Newest result", newest, "d", "Days since its kick-off.", bad={14.0: "orange", 30.0: "red"}, decimals=1),
        number("Model", learned, "d", "Days since it last learned.", bad={90.0: "orange", 120.0: "red"}, decimals=1),
        lines(
            "Forecasts that rest on less",
            {"{{reason}}": degraded},
            "reqps",
            "Computed, by reason; every such answer says so.",
        ),
        lines(
            "Their share",
            {"{{reason}}": share},
            "percentunit",
            "Of all that was computed. In a summer break results are stale.",
        ),
        lines(
            "Logged",
            {"{{result}}": logged},
            "reqps",
            "Forecasts kept to be compared with results. Lost ones are missed there.",
        ),
    ]


def _releases() -> dashboard.Dashboard:
    says = "What served when, and what a change of it did to callers."
    bento = "max by (bento) (football_bento_info)"
    model = "max by (name, version) (football_model_info)"
    by_instance = f"sum by (instance) (rate(football_requests_total{_PER_S}))"
    failed = f"sum by (status) (rate({_FAILED}{_PER_S}))"
    p99 = f"histogram_quantile(0.99, sum by (le, instance) (rate(football_request_duration_seconds_bucket{_PER_S})))"
    rows = {
        "What serves": [
            presence(
                "Bentos", {"{{bento}}": bento}, "Two at once while traffic moves from one to the other.", width=12
            ),
            presence(
                "Models",
                {"{{name}} {{version}}": model},
                "Loaded; further versions that callers name among them.",
                width=12,
            ),
        ],
        "What a change did": [
            lines(
                "Requests by server",
                {"{{instance}}": by_instance},
                "reqps",
                "Traffic moves; the sum stays.",
                stacked=True,
            ),
            lines("Failures", {"{{status}}": failed}, "reqps", "None may come with a release."),
            lines(
                "Slowest hundredth by server", {"{{instance}}": p99}, "s", "A new server is slower for some seconds."
            ),
        ],
        "Changes without a restart": [
            lines(
                "Reloads",
                {"{{result}}": "sum by (result) (increase(football_model_reloads_total[1h]))"},
                "short",
                "Changes of the served version in an hour. A failed one leaves what served before.",
            ),
            lines(
                "Further versions",
                {"{{result}}": "sum by (result) (increase(football_model_loads_total[1h]))"},
                "short",
                "Versions that callers named, by what became of them.",
            ),
            number(
                "Models refused",
                "max(football_models_refused)",
                "short",
                "Failed their checks and are not served. football doctor says why.",
                bad={1.0: "red"},
                decimals=0,
                width=8,
            ),
        ],
    }
    return board("football-releases", "Football: releases", says, rows)
