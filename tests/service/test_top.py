"""`football top` before a real server: what it shows is what was asked."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import httpx
import pytest
from ports import free_port
from serving import environment, football

pytestmark = pytest.mark.service


@pytest.fixture
def asked(served):
    """The service, asked all the while."""
    is_over = threading.Event()
    matches = httpx.get(f"{served.url}/v1/fixtures", params={"limit": 20}, timeout=10.0).json()["matches"]

    def ask():
        with served.client() as client:
            while not is_over.wait(0.02):
                for match in matches:
                    client.post(f"/v1/predictions/default/{match['match_id']}")

    thread = threading.Thread(target=ask)
    thread.start()
    yield served
    is_over.set()
    thread.join()


def test_one_interval_shows_load_latency_cache_and_what_serves(home, bento, asked):
    """
    As JSON for programs, and as a table for people.
    """
    told = json.loads(football(home, "top", "--url", asked.url, "--every", "2", "--once", "--json"))
    shown = football(home, "top", "--url", asked.url, "--every", "1", "--once", COLUMNS="160")

    assert told["whole"]["requests_per_s"] > 10.0
    assert told["whole"]["failed_share"] == 0.0
    assert 0.0 < told["whole"]["p50_ms"] <= told["whole"]["p99_ms"]
    assert sum(told["cache"].values()) == pytest.approx(1.0)
    assert [name for name, _, _ in told["models"]] == ["football"]
    assert told["bento"] == bento
    assert next(route["route"] for route in told["routes"]) == "/v1/predictions/{model_name}/{match_id}"
    assert "requests/s" in shown
    assert "/v1/predictions/{model_name}/{match_id}" in shown
    assert bento in shown


@pytest.mark.parametrize("answers", [False, True])
def test_where_no_service_answers_it_says_what_to_do(home, served, answers):
    """
    Nothing listens there; or what listens is no service of ours at that path.
    """
    url = f"{served.url}/v1" if answers else f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "cli.main", "top", "--once", "--url", url]
    run = subprocess.run(
        command, env=environment(home), cwd=home.folder, capture_output=True, text=True, check=False, timeout=60
    )

    assert run.returncode == 1
    assert ("expected 200" if answers else "football serve") in run.stderr
    assert "Traceback" not in run.stderr
