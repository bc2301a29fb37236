"""Between two looks at the metrics: rates, quantiles, and where things stand."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics import Metrics
from monitoring.moments import moment_of
from monitoring.readings import NotMetrics, Reading, Span, quantile_of

BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, math.inf)
NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
DAY_S = 86_400


def read(metrics: Metrics, at_s: float) -> Reading:
    return Reading.of(metrics.exposition().decode(), at_s=at_s)


def ask(
    metrics: Metrics, times: int, *, route: str = "/x", status: int = 200, seconds: float = 0.003, refused: str = ""
):
    for _ in range(times):
        metrics(route=route, method="POST", status=status, seconds=seconds, predictions=2, refused_as=refused)


@given(st.lists(st.floats(1e-4, 4.9), min_size=1), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values, share):
    """
    As Prometheus works it out: the bucket in which the share is reached holds it.
    """
    buckets = {bound: float(sum(value <= bound for value in values)) for bound in BOUNDS}
    reached = sorted(values)[math.ceil(share * len(values) - 1e-9) - 1]
    place = int(np.searchsorted(BOUNDS, reached))

    found = quantile_of(buckets, share)

    assert (0.0, *BOUNDS)[place] - 1e-9 <= found <= BOUNDS[place] + 1e-9


def test_a_quantile_above_all_bounds_is_the_greatest_of_them_and_of_nothing_there_is_none():
    """
    No number is made up.
    """
    assert quantile_of({1.0: 0.0, math.inf: 3.0}, 0.5) == 1.0
    assert quantile_of({1.0: 0.0, math.inf: 0.0}, 0.5) is None
    assert quantile_of({}, 0.5) is None


def test_rates_count_what_came_between_two_looks():
    """
    What was there before is left out; failures are 5xx; refusals are told by code.
    """
    metrics = Metrics(["OVERLOADED"])
    ask(metrics, 100)
    before = read(metrics, 10.0)
    ask(metrics, 9, seconds=0.003)
    ask(metrics, 1, route="/y", status=503, seconds=0.15, refused="OVERLOADED")
    moment = moment_of(Span(before, read(metrics, 12.0)), now=NOW)

    assert (moment.whole.requests_per_s, moment.predictions_per_s) == (5.0, 10.0)
    assert [(route.route, route.requests_per_s, route.failed_share) for route in moment.routes] == [
        ("/x", 4.5, 0.0),
        ("/y", 0.5, 1.0),
    ]
    assert moment.whole.failed_share == pytest.approx(0.1)
    assert 2.0 < moment.whole.p50_ms <= 5.0
    assert 100.0 < moment.whole.p99_ms <= 200.0
    assert moment.refused_per_s == {"OVERLOADED": 0.5}


def test_a_counter_that_began_anew_counts_from_nothing():
    """
    A server was replaced between the looks: its first requests are not taken for fewer than none.
    """
    old, new = Metrics(), Metrics()
    ask(old, 100)
    before = read(old, 0.0)
    ask(new, 6)

    assert moment_of(Span(before, read(new, 2.0)), now=NOW).whole.requests_per_s == 3.0


def test_an_interval_without_requests_has_rates_of_zero_and_no_quantiles():
    """
    Nothing is divided by nothing.
    """
    metrics = Metrics()
    moment = moment_of(Span(read(metrics, 0.0), read(metrics, 2.0)), now=NOW)

    assert (moment.whole.requests_per_s, moment.whole.failed_share, moment.whole.p99_ms) == (0.0, 0.0, None)
    assert (moment.routes, moment.cache, moment.batch_rows, moment.models, moment.quality) == ([], {}, None, [], {})


def test_models_and_results_are_told_by_their_age():
    """
    In days; the bento by its tag.
    """
    metrics = Metrics()
    metrics.models.note(name="football", version="v1", model_type="ensemble", trained_until=NOW - dt.timedelta(days=3))
    metrics.models.note_bento("football:abc")
    metrics.models.note_newest_result(int(NOW.timestamp()) - 2 * DAY_S)
    moment = moment_of(Span(read(metrics, 0.0), read(metrics, 2.0)), now=NOW)

    assert moment.models == [("football", "v1", 3.0)]
    assert (moment.bento, moment.newest_result_days) == ("football:abc", 2.0)


@pytest.mark.parametrize("text", ["<html>", "up 1\n", "", 'football_requests_total{route="x} 1\n'])
def test_what_is_no_metrics_of_ours_is_said_to_be_none(text):
    """
    Another service, or no metrics at all.
    """
    with pytest.raises(NotMetrics):
        Reading.of(text, at_s=0.0)
