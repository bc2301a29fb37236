"""What Prometheus is told."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from types import SimpleNamespace

from monitoring.cache_numbers import CacheNumbers
from monitoring.metrics import Metrics, forget_process
from monitoring.worker_starts import takes_a_place
from runners.degraded import Reason


def test_refusals_are_shown_by_code_from_the_beginning_and_requests_at_work_as_they_are():
    """
    Every code is there at 0 before anything was refused.
    """
    metrics = Metrics(["OVERLOADED", "RATE_LIMITED"])
    metrics.in_flight = lambda: 3
    before = metrics.exposition().decode()
    for _ in range(2):
        metrics(route="/x", method="GET", status=503, seconds=0.001, predictions=0, refused_as="OVERLOADED")
    after = metrics.exposition().decode()

    assert 'football_refusals_total{code="OVERLOADED"} 0.0' in before
    assert 'football_refusals_total{code="OVERLOADED"} 2.0' in after
    assert 'football_refusals_total{code="RATE_LIMITED"} 0.0' in after
    assert "football_in_flight_requests 3.0" in after


def test_the_cache_is_shown_as_it_counts():
    """
    Look-ups by where the answer was found, troubles with Redis, and whether it is in use.
    """
    told = SimpleNamespace(
        memory_hits=5, redis_hits=2, misses=3, errors=1, dropped_writes=0, odd_values={"mac": 4}, is_healthy=False
    )
    metrics = Metrics()
    metrics.others = [CacheNumbers(lambda: told)]
    shown = metrics.exposition().decode()

    assert 'football_cache_lookups_total{result="memory_hit"} 5.0' in shown
    assert 'football_cache_lookups_total{result="miss"} 3.0' in shown
    assert 'football_cache_redis_troubles_total{what="unanswered"} 1.0' in shown
    assert 'football_cache_odd_values_total{reason="mac"} 4.0' in shown
    assert "football_cache_healthy 0.0" in shown


def test_requests_are_counted_by_template():
    """
    Each answered request counts once, with its duration and its forecasts.
    """
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics(
            route="/v1/matches/{match_id}", method="GET", status=status, seconds=0.003, predictions=0, refused_as=""
        )
    metrics(route="/v1/predictions/predict", method="POST", status=200, seconds=0.3, predictions=7, refused_as="")
    told = metrics.exposition().decode()

    assert 'football_requests_total{method="GET",route="/v1/matches/{match_id}",status="200"} 2.0' in told
    assert 'football_requests_total{method="GET",route="/v1/matches/{match_id}",status="404"} 1.0' in told
    assert 'football_predictions_total{route="/v1/predictions/predict"} 7.0' in told
    assert 'football_predictions_total{route="/v1/matches' not in told
    assert 'football_request_duration_seconds_bucket{le="0.005",route="/v1/matches/{match_id}"} 3.0' in told
    assert 'football_request_duration_seconds_count{route="/v1/predictions/predict"} 1.0' in told


def test_models_and_the_newest_result_are_shown():
    """
    The served model is a line of its own, the newest result a time.
    """
    metrics = Metrics()
    metrics.models.note(
        name="football", version="v1", model_type="xgboost", trained_until=dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
    )
    metrics.models.note_newest_result(1_700_000_000)
    metrics.store_failures.inc()
    told = metrics.exposition().decode()

    assert (
        'football_model_info{model_type="xgboost",name="football",trained_until="2024-07-01",version="v1"} 1.0' in told
    )
    assert "football_newest_result_timestamp_seconds 1.7e+09" in told
    assert "football_store_poll_failures_total 1.0" in told


def test_further_models_are_shown_while_they_are_loaded():
    """
    A model that is let go is shown no more; what became of the versions asked for is counted, from 0.
    """
    metrics = Metrics()
    before = metrics.exposition().decode()
    further = {"name": "football", "model_type": "xgboost", "trained_until": dt.datetime(2024, 7, 1, tzinfo=dt.UTC)}
    for version in ("v1", "v2"):
        metrics.models.note(version=version, **further)
    metrics.models.forget(version="v1", **further)
    for result in ("loaded", "loaded", "evicted"):
        metrics.models.note_load(result)
    told = metrics.exposition().decode()

    for result in ("loaded", "refused", "not_found", "evicted"):
        assert f'football_model_loads_total{{result="{result}"}} 0.0' in before
    assert 'version="v1"' not in told
    assert 'version="v2"} 1.0' in told
    assert 'football_model_loads_total{result="loaded"} 2.0' in told
    assert 'football_model_loads_total{result="evicted"} 1.0' in told


WORKER = """
import datetime as dt, sys
from monitoring.metrics import Metrics, forget_process
from monitoring.worker_starts import takes_a_place
from runners.degraded import Reason
metrics = Metrics()
metrics(route="/x", method="GET", status=200, seconds=0.1, predictions=0, refused_as="")
metrics.models.note_newest_result(int(sys.argv[1]))
further = {"name": "football", "model_type": "xgboost", "trained_until": dt.datetime(2024, 7, 1)}
for version in ("kept", "let-go"):
    metrics.models.note(version=version, **further)
metrics.models.forget(version="let-go", **further)
print(metrics.exposition().decode())
if sys.argv[2] == "leave":
    forget_process()
"""


def test_workers_add_up_and_the_slowest_is_shown(tmp_path):
    """
    In a shared folder counts add up over workers, also of those that ended; their gauges end with them.
    """
    own = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def work(newest: str, then: str) -> str:
        command = [sys.executable, "-c", WORKER, newest, then]
        return subprocess.run(command, env=own, check=True, capture_output=True, text=True).stdout

    work("100", "leave")
    work("300", "stay")
    told = work("200", "stay")

    assert 'football_requests_total{method="GET",route="/x",status="200"} 3.0' in told
    assert "football_newest_result_timestamp_seconds 200.0" in told
    assert 'version="kept"} 1.0' in told
    assert "let-go" not in told


def test_without_a_shared_folder_there_is_nothing_to_forget(monkeypatch):
    """
    A process that shares nothing ends without a trace.
    """
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)

    assert forget_process() is None


def test_forecasts_that_rest_on_less_are_counted_by_reason():
    """
    Every reason is there at 0 from the beginning; a forecast with two reasons counts for both.
    """
    metrics = Metrics()
    before = metrics.exposition().decode()
    told = (Reason.TEAM_UNKNOWN.told("no earlier match of Ayr is on record"), Reason.RESULTS_STALE.told("old"))
    metrics.note([SimpleNamespace(degraded=told), SimpleNamespace(degraded=()), SimpleNamespace(degraded=told[:1])], [])
    after = metrics.exposition().decode()

    for reason in Reason:
        assert f'football_degraded_forecasts_total{{reason="{reason.value}"}} 0.0' in before
    assert 'football_degraded_forecasts_total{reason="team_unknown"} 2.0' in after
    assert 'football_degraded_forecasts_total{reason="results_stale"} 1.0' in after


def test_a_worker_takes_a_place_that_another_had(tmp_path):
    """
    The first worker in each place is none; a lone process has no place.
    """
    shared = tmp_path / "shared"

    assert [takes_a_place(shared, place) for place in (1, 2, 1, 1)] == [False, False, True, True]
    assert not takes_a_place(None, 1)
    assert not takes_a_place(shared, None)
