"""The published contract: the OpenAPI document and the page to read."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import jsonschema_rs
import pytest
from api_harness import settings_with
from fake_backend import KNOWN

from api import catalogue
from api.errors import Code
from api.operations import Operation
from api.requests import FixturesQuery
from api.schemas import component_schemas, query_parameters
from features.registry import REGISTRY

OPERATIONS = {name: value for name, value in vars(catalogue).items() if isinstance(value, Operation)}


@pytest.fixture
async def document(client):
    return (await client.get("/openapi.json")).json()


def validator_of(name: str) -> jsonschema_rs.Draft202012Validator:
    schemas = component_schemas(settings_with())
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}, validate_formats=True
    )


async def test_exactly_the_answered_routes_are_published(document):
    """What is not answered yet is not published either."""
    published = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    assert document["openapi"].startswith("3.1")
    assert published == {
        ("POST", "/v1/predictions/{model_name}/{match_id}"),
        ("POST", "/v1/predictions/predict"),
        ("POST", "/v1/predictions/predict/batch"),
        ("POST", "/v1/predictions/batch/{model_name}"),
        ("GET", "/v1/fixtures"),
        ("GET", "/v1/matches/{match_id}"),
        ("GET", "/v1/competitions"),
        ("GET", "/v1/teams"),
        ("POST", "/v1/results"),
        ("GET", "/v1/predictions/models"),
        ("GET", "/v1/predictions/models/{model_name}"),
        ("GET", "/v1/predictions/health"),
        ("GET", "/v1/predictions/stats"),
        ("POST", "/predictions/{match_id}/predict"),
        ("GET", "/v1/predictions/cache/stats"),
        ("GET", "/v1/predictions/cache/health"),
        ("DELETE", "/v1/predictions/cache"),
        ("DELETE", "/v1/predictions/models/{model_name}/cache"),
        ("POST", "/v1/predictions/models/{model_name}/reload"),
        ("POST", "/v1/predictions/hot-reload/start"),
        ("POST", "/v1/predictions/hot-reload/stop"),
        ("POST", "/v1/predictions/hot-reload/force/{model_name}"),
        ("GET", "/v1/predictions/hot-reload/stats"),
        ("POST", "/predictions/batch"),
        ("GET", "/predictions/"),
        ("GET", "/predictions/health"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    }


async def test_every_reference_leads_somewhere(document):
    """No schema is referred to that is not published, and none is published that nothing refers to."""
    text = str(document)
    used = set(re.findall(r"#/components/schemas/(\w+)", text))

    assert used == set(document["components"]["schemas"])


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_examples_keep_their_own_schema(name):
    """Every example body and answer of the documentation is valid."""
    operation = OPERATIONS[name]
    for schema, example in ((operation.request, operation.example), (operation.answer, operation.example_answer)):
        if schema is not None and example is not None:
            validator_of(schema).validate(example)


def test_the_explained_example_adds_up():
    """Base and contributions of the documentation's example are its margin, and the probabilities of its answer."""
    answer = OPERATIONS["PREDICT"].example_answer
    why = answer["explanation"]
    for outcome, field in (("home_win", "home_win_prob"), ("draw", "draw_prob"), ("away_win", "away_win_prob")):
        log_odds = [part["log_odds"][outcome] for part in (why["base"], *why["contributions"])]
        probability = [part["probability"][outcome] for part in (why["base"], *why["contributions"])]

        assert sum(log_odds) == pytest.approx(why["margin"][outcome])
        assert sum(probability) == pytest.approx(answer[field])


@pytest.mark.parametrize(
    ("body", "is_valid"),
    [
        ({"match_id": "x"}, True),
        ({"home_team": "a", "away_team": "b", "competition": "c", "kickoff": None}, True),
        ({"match_id": "x", "home_team": "a", "away_team": "b", "competition": "c"}, False),
        ({"home_team": "a", "away_team": "b"}, False),
        ({"match_id": KNOWN, "features": {"elo_home": 1500}}, True),
        ({"match_id": KNOWN, "features": {"elo_home": 5000}}, False),
        ({"match_id": KNOWN, "features": {"luck": 1}}, False),
        ({"match_id": "x", "model_name": "a b"}, False),
        ({}, False),
    ],
)
async def test_the_schema_judges_as_the_service_does(client, body, is_valid):
    """What the published schema refuses the service refuses, and the other way round."""
    response = await client.post("/v1/predictions/predict", json=body)

    assert validator_of("PredictionRequest").is_valid(body) is is_valid
    assert (response.status_code != 422) is is_valid


async def test_limits_are_those_of_the_settings():
    """Published limits follow the configuration."""
    settings = settings_with(max_batch_size=7, max_results=9, default_page_size=5, max_page_size=11)
    schemas = component_schemas(settings)
    parameters = {parameter["name"]: parameter["schema"] for parameter in query_parameters(FixturesQuery, settings)}

    assert schemas["BatchPredictionRequest"]["properties"]["requests"]["maxItems"] == 7
    assert schemas["OldBatchRequest"]["properties"]["match_ids"]["maxItems"] == 7
    assert schemas["ResultsRequest"]["properties"]["results"]["maxItems"] == 9
    assert (parameters["limit"]["maximum"], parameters["limit"]["default"]) == (11, 5)


async def test_patterns_are_readable_by_every_dialect(document):
    """No published pattern needs lookahead."""
    assert "(?!" not in str(document)


class Page(HTMLParser):
    """Collect what a page refers to, and whether it is well nested."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open, self.anchors, self.links, self.tags = [], set(), [], set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        attributes = dict(attributes)
        self.anchors.add(attributes.get("id"))
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


async def test_the_page_stands_alone(client):
    """No script, no outside asset, every inner link leads somewhere, the markup is well nested."""
    response = await client.get("/docs")
    page = Page()
    page.feed(response.text)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert page.open == []
    assert "script" not in page.tags
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.anchors
    assert "url(" not in response.text
    assert "@import" not in response.text


async def test_the_page_tells_everything(client, document):
    """Every path, schema, error code and feature is on the page."""
    text = (await client.get("/docs")).text

    for word in [*document["paths"], *document["components"]["schemas"], *Code, *(f.name for f in REGISTRY)]:
        assert word in text
