"""The route through which results come in."""

from __future__ import annotations

import datetime as dt

import pytest
from api_harness import client_of, settings_with
from fake_backend import KNOWN, FakeBackend

from api.application import create_application
from store.records import Status

PLAYED = {"match_id": KNOWN, "status": "played", "home_goals": 5, "away_goals": 2}


async def post(client, rows):
    return await client.post("/v1/results", json={"results": rows})


async def test_posting_twice_changes_nothing(client):
    """The first time inserts, the second finds it unchanged, a correction updates."""
    outcomes = [
        (await post(client, [row])).json()["results"][0]["outcome"]
        for row in (PLAYED, PLAYED, {**PLAYED, "home_goals": 4})
    ]

    assert outcomes == ["inserted", "unchanged", "updated"]


async def test_each_row_is_judged_alone_and_in_order(client, backend):
    """Rows refused by their schema and rows refused by the store stand in their places, with code, message and path."""
    rows = [{"status": "played"}, PLAYED, {**PLAYED, "status": "won"}, 3, {**PLAYED, "home_goals": -1}]
    response = await post(client, rows)
    answer = response.json()

    assert response.status_code == 200
    assert [row["outcome"] for row in answer["results"]] == ["refused", "inserted", "refused", "refused", "refused"]
    assert [row["index"] for row in answer["results"]] == [0, 1, 2, 3, 4]
    assert [row["path"] for row in answer["results"]] == [
        "$.results[0].home_team",
        None,
        "$.results[2].status",
        "$.results[3]",
        "$.results[4].home_goals",
    ]
    assert [row["error"] for row in answer["results"]].count("INVALID_REQUEST") == 4
    assert answer["results"][0]["message"] == "No team in 'de.1' is called 'Kölln'."
    assert {name: answer[name] for name in ("total", "inserted", "updated", "unchanged", "refused")} == {
        "total": 5,
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
        "refused": 4,
    }
    assert len(backend.received) == 2


async def test_every_field_reaches_the_backend(client, backend):
    """A described fixture is handed on whole, its kick-off in UTC."""
    row = {
        "status": "scheduled",
        "competition": "de.1",
        "season": "2021-22",
        "kickoff": "2021-08-14T15:30:00+02:00",
        "is_date_only": False,
        "home_team": "Köln",
        "away_team": "Mainz 05",
        "round": "Matchday 1",
        "neutral_venue": True,
    }
    await post(client, [row])
    received = backend.received[0]

    assert received.kickoff == dt.datetime(2021, 8, 14, 13, 30, tzinfo=dt.UTC)
    assert received.kickoff.tzinfo is dt.UTC
    assert received.is_neutral_venue is True
    assert (received.season, received.round, received.home_team) == ("2021-22", "Matchday 1", "Köln")


@pytest.mark.parametrize("status", list(Status))
async def test_every_status_of_the_store_is_accepted(client, status):
    """The words for what became of a match are the store's."""
    answer = (await post(client, [{"match_id": KNOWN, "status": status.value}])).json()

    assert answer["inserted"] == 1


@pytest.mark.parametrize("season", ["2021-2022", "21-22", "2021-22\n", "next"])
async def test_a_season_is_written_in_one_way(client, season):
    """2021-22 or 2021; a final newline is no part of it."""
    answer = (await post(client, [{**PLAYED, "season": season}])).json()

    assert answer["results"][0]["path"] == "$.results[0].season"


@pytest.mark.parametrize(("size", "status"), [(0, 422), (3, 200), (4, 422)])
async def test_the_number_of_rows_is_limited(size, status):
    """No rows, and more than the setting allows, are refused as a whole."""
    application = create_application(FakeBackend(), settings=settings_with(max_results=3))
    async with client_of(application) as client:
        response = await post(client, [PLAYED] * size)

    assert response.status_code == status


async def test_writing_has_a_deadline_of_its_own():
    """A store that hangs is answered with 504."""

    class Slow(FakeBackend):
        async def receive(self, rows):
            await self.predict([])
            return await super().receive(rows)

    application = create_application(Slow(delay_s=30), settings=settings_with(results_deadline_s=0.01))
    async with client_of(application) as client:
        response = await post(client, [PLAYED])

    assert response.json()["error"] == "DEADLINE_EXCEEDED"
