"""The match routes and their query strings."""

from __future__ import annotations

import pytest
from api_harness import call, client_of, settings_with
from fake_backend import KNOWN, MATCHES, TEAMS, FakeBackend

from api.application import create_application

IDS = [match.match_id for match in MATCHES]


async def test_fixtures_are_listed(client):
    """Every match comes with its fields, its kick-off in UTC, null where no date is known."""
    answer = (await client.get("/v1/fixtures")).json()

    assert [match["match_id"] for match in answer["matches"]] == IDS
    assert [match["kickoff"] for match in answer["matches"]] == [
        "2021-05-22T12:00:00Z",
        "2021-05-23T12:00:00Z",
        "2021-05-24T12:00:00Z",
        None,
    ]
    assert (answer["total"], answer["limit"], answer["offset"], answer["next_offset"]) == (4, 100, 0, None)


async def test_pages_follow_each_other(client):
    """Asking again with next_offset gives every match once."""
    seen, offset = [], 0
    while offset is not None:
        page = (await client.get("/v1/fixtures", params={"limit": 3, "offset": offset})).json()
        seen += [match["match_id"] for match in page["matches"]]
        offset = page["next_offset"]

    assert seen == IDS


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from=2021-05-23", ["m2", "m3"]),
        ("to=2021-05-23", [KNOWN, "m2"]),
        ("from=2021-05-22T12:00:00Z&to=2021-05-22T14:00:00%2B02:00", [KNOWN]),
        ("from=2021-05-22T12:00:01Z&to=2021-05-23T11:59:59Z", []),
        ("from=2022-01-01&to=2021-01-01", []),
        ("team=K%C3%B6ln", ["m2", "m3"]),
        ("team=Bayern+M%C3%BCnchen&competition=de.1", [KNOWN, "a/b ü"]),
    ],
)
async def test_fixtures_can_be_chosen(client, query, expected):
    """Times bound the kick-off, a date stands for the whole day, a team plays at home or away."""
    answer = (await client.get(f"/v1/fixtures?{query}")).json()

    assert [match["match_id"] for match in answer["matches"]] == expected


@pytest.mark.parametrize(
    ("path", "query", "at_fault"),
    [
        ("/v1/fixtures", "from=yesterday", "$.query.from"),
        ("/v1/fixtures", "from=2021-02-30", "$.query.from"),
        ("/v1/fixtures", "from=2021-W20-1", "$.query.from"),
        ("/v1/fixtures", "to=2021-05-22T12:00:00", "$.query.to"),
        ("/v1/fixtures", "to=0001-01-01T00:00:00%2B10:00", "$.query.to"),
        ("/v1/fixtures", "to=", "$.query.to"),
        ("/v1/fixtures", "limit=0", "$.query.limit"),
        ("/v1/fixtures", "limit=1001", "$.query.limit"),
        ("/v1/fixtures", "limit=many", "$.query.limit"),
        ("/v1/fixtures", "limit=null", "$.query.limit"),
        ("/v1/fixtures", "offset=-1", "$.query.offset"),
        ("/v1/fixtures", "team=", "$.query.team"),
        ("/v1/fixtures", "page=2", "$.query.page"),
        ("/v1/fixtures", "limit=1&limit=2", "$.query.limit"),
        ("/v1/fixtures", "limit", "$.query"),
        ("/v1/fixtures", "team=%ff", "$.query"),
        ("/v1/fixtures", "&".join(f"p{n}=1" for n in range(60)), "$.query"),
        ("/v1/teams", "league=de.1", "$.query.league"),
        ("/v1/competitions", "x=1", "$.query.x"),
        ("/v1/predictions/models", "model_type=mock", "$.query.model_type"),
        ("/v1/predictions/health", "verbose=1", "$.query.verbose"),
    ],
)
async def test_bad_query_strings_are_refused_with_the_parameter(client, path, query, at_fault):
    """Unknown, repeated and unacceptable parameters are 422 on every route."""
    response = await client.get(f"{path}?{query}")

    assert response.status_code == 422
    assert response.json()["error"] == "INVALID_REQUEST"
    assert response.json()["details"]["path"] == at_fault


async def test_a_query_string_of_other_bytes_is_refused(application):
    """Bytes beyond ASCII have no place in a URL."""
    sent = await call(application, "GET", b"/v1/fixtures", query=b"team=\xff")

    assert sent.status == 422


async def test_the_page_size_is_a_setting():
    """A caller who does not say gets the default size, and nobody more than the largest."""
    settings = settings_with(default_page_size=2, max_page_size=3)
    async with client_of(create_application(FakeBackend(), settings=settings)) as client:
        silent = await client.get("/v1/fixtures")
        greedy = await client.get("/v1/fixtures?limit=4")

    assert len(silent.json()["matches"]) == 2
    assert greedy.status_code == 422


async def test_one_match_is_shown(client):
    """A match is found by its id."""
    answer = (await client.get(f"/v1/matches/{KNOWN}")).json()

    assert (answer["home_team"], answer["away_team"], answer["status"]) == (
        "Bayern München",
        "FC Augsburg",
        "scheduled",
    )


async def test_competitions_are_listed(client):
    """What is stored of each competition is counted."""
    answer = (await client.get("/v1/competitions")).json()

    assert answer == {
        "competitions": [{"code": "de.1", "seasons": ["2019-20", "2020-21"], "matches": 612, "teams": 20}],
        "total": 1,
    }


@pytest.mark.parametrize("query", ["", "?competition=de.1"])
async def test_teams_are_listed(client, query):
    """Teams come with the association that tells two of one name apart."""
    answer = (await client.get(f"/v1/teams{query}")).json()

    assert answer["teams"] == [{"name": name, "association": "de"} for name in TEAMS]
    assert answer["total"] == len(TEAMS)


async def test_fixtures_are_chosen_by_status(client):
    """
    A caller who wants matches to come asks for scheduled ones, and gets no other.
    """
    everything = (await client.get("/v1/fixtures")).json()["matches"]

    scheduled = (await client.get("/v1/fixtures?status=scheduled")).json()["matches"]

    assert scheduled == [match for match in everything if match["status"] == "scheduled"]
    assert 0 < len(scheduled) < len(everything)
    assert (await client.get("/v1/fixtures?status=soon")).status_code == 422
