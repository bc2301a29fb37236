"""What a server's metrics say of it, as a release reads them; and HAProxy's configuration, as HAProxy reads it."""

from __future__ import annotations

import subprocess

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from deploy.place import SLOTS, Place, other
from deploy.plan import Plan
from deploy.proxy import configuration, haproxy
from deploy.state import State
from deploy.traffic import Look, read


def exposition(durations, failures=0):
    """Metrics as the service gives them."""
    registry = CollectorRegistry()
    requests = Counter("football_requests", "", ("route", "method", "status"), registry=registry)
    duration = Histogram(
        "football_request_duration_seconds", "", ("route",), buckets=(0.01, 0.1, 1.0), registry=registry
    )
    for number, seconds in enumerate(durations):
        duration.labels(f"/{number % 2}").observe(seconds)
        requests.labels(f"/{number % 2}", "POST", "500" if number < failures else "503").inc()
    return generate_latest(registry).decode()


def test_routes_are_added_up_and_only_failures_count_as_such():
    """
    A refusal under load (503) is no failure; quantiles are those of all routes together.
    """
    look = read(exposition([0.005] * 98 + [0.05] * 2, failures=3))

    assert (look.answers, look.failures) == (100, 3)
    assert look.quantile_s(0.98) == 0.01
    assert look.quantile_s(0.99) == 0.1


def test_only_what_came_after_the_first_look_counts():
    """
    A slow start before the traffic was shifted is not held against a server.
    """
    earlier, later = read(exposition([5.0] * 10)), read(exposition([5.0] * 10 + [0.005] * 90))

    seen = later.since(earlier)

    assert seen.answers == 90
    assert seen.quantile_s(0.99) == 0.01
    assert later.since(later).quantile_s(0.99) == 0.0


def test_a_server_that_answered_nothing_is_not_slow():
    """
    Without answers there is no quantile to be judged by.
    """
    assert Look(0, 0, {}).quantile_s(0.99) == 0.0


@pytest.fixture
def plan():
    return Plan(
        host="127.0.0.1",
        port=3000,
        slot_ports=(3001, 3002),
        steps=(10, 50),
        step_s=1.0,
        fewest_answers=0,
        most_slowdown=2.0,
        least_slow_s=0.1,
        ready_within_s=60.0,
        drain_within_s=20.0,
        has_standby=True,
        kept=5,
        at_once=64,
        environment={},
    )


@pytest.mark.parametrize("serving", SLOTS)
@pytest.mark.parametrize("has_standby", [False, True])
def test_haproxy_takes_the_configuration_and_each_slot_has_one_part(tmp_path, plan, serving, has_standby):
    """
    HAProxy itself finds nothing to warn of; the serving slot is no spare, and the other one serves only as a spare.
    """
    place = Place(tmp_path)
    standby = other(serving) if has_standby else None
    file = tmp_path / "haproxy.cfg"
    file.write_text(configuration(place, plan, State(serving=serving, standby=standby, is_wanted=True)))

    told = subprocess.run([haproxy(), "-c", "-f", file], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr
    assert "WARNING" not in told.stderr
    backend = file.read_text().partition("\nbackend ")[2].partition("\nlisten ")[0]
    servers = [line for line in backend.splitlines() if line.startswith("  server ")]
    on = {line.split()[1] for line in servers if "disabled" not in line}
    assert len(servers) == 2 * len(SLOTS)
    assert on == {serving} | ({f"{standby}-spare"} if standby else set())
