"""Another version of a model is served when an operator says so."""

from __future__ import annotations

import pytest
from api_harness import client_of, settings_with
from fake_backend import FakeBackend

from api.application import create_application

RELOAD = "/v1/predictions/models/default/reload"
WATCH = "/v1/predictions/hot-reload"


async def test_a_version_is_reloaded(client):
    """The answer names what serves, what served before and how many workers have changed."""
    response = await client.post(RELOAD, json={"model_version": "v0"})
    answer = response.json()

    assert response.status_code == 200
    assert (answer["status"], answer["model_name"], answer["model_version"]) == ("success", "football", "v0")
    assert (answer["previous_version"], answer["workers"], answer["workers_serving"]) == ("v1", 2, 2)
    assert answer["reloaded_at"] == "2021-05-22T12:00:00Z"


@pytest.mark.parametrize(("path", "moment"), [(RELOAD, "reloaded_at"), (f"{WATCH}/force/default", "initiated_at")])
async def test_what_serves_already_is_a_success_that_says_so(client, path, moment):
    """Where the newest version serves, nothing changes and nothing is counted."""
    answer = (await client.post(path)).json()
    stats = (await client.get(f"{WATCH}/stats")).json()

    assert (answer["status"], answer["previous_version"], answer["model_version"]) == ("success", None, "v1")
    assert "already" in answer["message"]
    assert answer[moment]
    assert (stats["total_reloads"], stats["success_rate"], stats["last_reload"]) == (0, None, None)


async def test_workers_that_lag_behind_are_told(client, backend):
    """A reload that not every worker has made is partial."""
    backend.workers_serving = 1
    answer = (await client.post(RELOAD, json={"model_version": "v0"})).json()

    assert (answer["status"], answer["workers_serving"]) == ("partial", 1)


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "place"),
    [
        (RELOAD, {"model_version": "v9"}, 404, "MODEL_VERSION_NOT_FOUND", "$.model_version"),
        (RELOAD, {"model_version": "refused"}, 503, "MODEL_UNAVAILABLE", "$.model_version"),
        (RELOAD, {"model_version": 3}, 422, "INVALID_REQUEST", "$.model_version"),
        (RELOAD, {"version": "v0"}, 422, "INVALID_REQUEST", "$.version"),
        ("/v1/predictions/models/nope/reload", {}, 404, "MODEL_NOT_FOUND", "$.path.model_name"),
        (f"{WATCH}/force/nope", None, 404, "MODEL_NOT_FOUND", "$.path.model_name"),
        (f"{WATCH}/force/broken", None, 503, "MODEL_UNAVAILABLE", "$.path.model_name"),
    ],
)
async def test_what_cannot_be_served_is_refused(client, path, body, status, code, place):
    """The answer has the one error shape and the place of the mistake."""
    response = await client.post(path, json=body) if body is not None else await client.post(path)

    assert (response.status_code, response.json()["error"]) == (status, code)
    assert response.json()["details"]["path"] == place
    assert ("retry-after" in response.headers) is (status == 503)


async def test_stats_count_failures_too(client):
    """Attempts are those that succeeded and those that failed; the rate is a share."""
    for version in ("v0", "refused", "v0", "v0"):
        await client.post(RELOAD, json={"model_version": version})
    stats = (await client.get(f"{WATCH}/stats")).json()

    assert (stats["total_reloads"], stats["successful_reloads"], stats["failed_reloads"]) == (4, 3, 1)
    assert (stats["success_rate"], stats["rollbacks"], stats["reload_history_count"]) == (0.75, 3, 4)
    assert stats["last_reload"]["status"] == "success"
    assert stats["last_reload"]["reload_time_seconds"] == 0.5


async def test_watching_is_switched_on_and_off(client):
    """Stats and health tell whether newer versions are served as they come; saying it twice changes nothing."""
    started = [(await client.post(f"{WATCH}/start")).json() for _ in range(2)]
    on = (await client.get(f"{WATCH}/stats")).json(), (await client.get("/v1/predictions/health")).json()
    stopped = (await client.post(f"{WATCH}/stop")).json()
    off = (await client.get(f"{WATCH}/stats")).json(), (await client.get("/v1/predictions/health")).json()

    assert [one["started_at"] for one in started] == ["2021-05-22T12:00:00Z"] * 2
    assert started[1]["message"] != started[0]["message"]
    assert (on[0]["is_monitoring"], on[1]["hot_reload_enabled"]) == (True, True)
    assert on[0]["uptime_seconds"] > 0
    assert (off[0]["is_monitoring"], off[1]["hot_reload_enabled"]) == (False, False)
    assert (off[0]["monitoring_start"], off[0]["uptime_seconds"]) == (None, None)
    assert stopped["stopped_at"]


@pytest.mark.parametrize("path", [RELOAD, f"{WATCH}/start", f"{WATCH}/stop", f"{WATCH}/force/default"])
async def test_where_versions_never_change_it_is_forbidden(path):
    """The refusal says what to do instead; the stats can still be read."""
    async with client_of(create_application(FakeBackend(may_reload=False), settings=settings_with())) as client:
        response = await client.post(path)
        stats = await client.get(f"{WATCH}/stats")

    assert (response.status_code, response.json()["error"]) == (403, "FORBIDDEN")
    assert "bento" in response.json()["message"]
    assert stats.status_code == 200
