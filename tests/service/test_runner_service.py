"""Forecasts scored in a BentoML service of their own are those scored in the worker, and none is lost."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from serving import START_S, serve

pytestmark = pytest.mark.service

CALLERS = 64
ASKED_EACH = 15
UNCACHED = {"FOOTBALL_SERVICE__CACHE__ENABLED": "false"}
PATIENT = {"FOOTBALL_SERVICE__DEADLINE_S": "60", "FOOTBALL_RUNNER__MAX_LATENCY_MS": "60000"}


@pytest.fixture(scope="module")
def apart(home, bento, python, tmp_path_factory):
    """The bento served with its runner as a service of its own."""
    running = serve(
        home, bento, python, tmp_path_factory.mktemp("apart"), FOOTBALL_RUNNER__MODE="service", **UNCACHED, **PATIENT
    )
    yield running
    running.end()


def test_many_callers_lose_nothing_and_get_what_the_worker_would_say(apart, served):
    """
    Sixty-four callers at once, each for many matches: every answer is there, and has the numbers of the embedded mode.
    """
    with served.client() as client:
        ids = [match["match_id"] for match in client.get("/v1/fixtures", params={"limit": CALLERS}).json()["matches"]]
        expected = [
            client.post(f"/v1/predictions/football/{one}", json={"prediction_type": "probability"}).json()
            for one in ids
        ]

    async def caller(client, start):
        places = [(start + step) % len(ids) for step in range(ASKED_EACH)]
        asked = {"prediction_type": "probability"}
        return [(i, await client.post(f"/v1/predictions/football/{ids[i]}", json=asked)) for i in places]

    async def all_callers():
        limits = httpx.Limits(max_connections=CALLERS)
        async with httpx.AsyncClient(base_url=apart.url, timeout=START_S, limits=limits) as client:
            return await asyncio.gather(*(caller(client, start) for start in range(CALLERS)))

    answers = [answer for answered in asyncio.run(all_callers()) for answer in answered]

    assert len(answers) == CALLERS * ASKED_EACH
    assert {response.status_code for _, response in answers} == {200}
    for place, response in answers:
        for field in ("home_win_prob", "draw_prob", "away_win_prob", "correct_score", "asian_handicap"):
            assert response.json()[field] == expected[place][field]


def test_a_batch_and_an_explanation_pass_too(apart):
    """
    A batch is scored apart as a whole; what explains a forecast is worked out where it was asked for.
    """
    with apart.client() as client:
        ids = [match["match_id"] for match in client.get("/v1/fixtures", params={"limit": 30}).json()["matches"]]
        requests = [{"match_id": one, "explain": True} for one in ids] + [{"match_id": "nope"}]
        batch = client.post("/v1/predictions/predict/batch", json={"requests": requests}).json()

    assert (batch["successful_predictions"], batch["failed_predictions"]) == (len(ids), 1)
    assert all(entry["explanation"] for entry in batch["predictions"][:-1])
