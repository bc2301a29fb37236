"""The service in this process: which models it serves, and who answers which path."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import bentoml
import pytest
from bentoml.exceptions import NotFound
from small_world import train

import service
import worker
from configs.settings import load_settings
from runners.errors import ModelVersionNotFound
from runners.shelf import Shelf


@pytest.fixture
def football(home, monkeypatch, tmp_path):
    """What a worker holds, over the small world; logging is put back afterwards."""
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", home.database_url)
    monkeypatch.setenv("FOOTBALL_HOME", str(tmp_path))
    loggers = [logging.getLogger(name) for name in (None, "football", "bentoml", "uvicorn.error")]
    before = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    held = service.FootballService()
    yield held
    held.close()
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.level, logger.propagate = handlers, level, propagate
        logger.setLevel(level)


@pytest.fixture
def another(home) -> str:
    """The version of a model beside the newest one, which is served."""
    older = train(home.matches, seed=6).partition(":")[2]
    train(home.matches, seed=7)
    return older


async def ask(application, path: str, kind: str = "http") -> list[dict]:
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": []}
    await application(scope, receive, send)
    return sent


async def around(scope, receive, send):
    await send({"type": "around", "path": scope.get("path")})


async def test_each_path_is_answered_by_its_owner(football):
    """
    The API and the metrics answer for themselves, all else goes to BentoML's application.
    """
    bentoml_state = pytest.importorskip("_bentoml_sdk.service")
    bentoml_state.set_current_service(football)
    front = service.Front(around)

    api = await ask(front, "/v1/competitions")
    metrics = await ask(front, "/metrics")
    probe = await ask(front, "/livez")
    start = await ask(front, "/", kind="lifespan")
    bentoml_state.set_current_service(None)

    assert api[0]["status"] == 200
    assert b"qa.1" in api[1]["body"]
    assert b'route="/v1/competitions"' in metrics[1]["body"]
    assert [message["type"] for message in (*probe, *start)] == ["around", "around"]


def test_a_worker_is_ready_with_model_and_matches(football):
    """
    Once a model is loaded and the store is read the worker is ready; the metrics name the model.
    """
    assert football.__is_ready__()
    assert b"football_model_info{" in football.worker.metrics.exposition()
    assert b"football_newest_result_timestamp_seconds 1." in football.worker.metrics.exposition()


async def test_the_metrics_follow_further_versions(another, football):
    """
    A further version is shown in the metrics once it is loaded, and counted; one that is not there is counted too.
    """
    with pytest.raises(ModelVersionNotFound):
        await football.worker.backend.have("football", "nowhere")
    await football.worker.backend.have("football", another)
    told = football.worker.metrics.exposition().decode()

    assert f'version="{another}"}} 1.0' in told
    assert 'football_model_loads_total{result="loaded"} 1.0' in told
    assert 'football_model_loads_total{result="not_found"} 1.0' in told


def test_a_bento_serves_the_models_it_was_built_with(home):
    """
    A bento names the full tags; one without a served model is an error that names it.
    """
    pinned = SimpleNamespace(tag=bentoml.Tag("football", "v1"))
    bento = SimpleNamespace(tag="football:b", info=SimpleNamespace(all_models=[pinned]))

    assert worker.served_tags(bento, ["football"]) == {"football": "football:v1"}
    with pytest.raises(NotFound, match="tennis"):
        worker.served_tags(bento, ["football", "tennis"])


def test_without_a_bento_the_newest_model_is_served(home):
    """
    From a checkout, the newest saved version of each name is served.
    """
    newest = str(bentoml.models.get("football").tag)

    assert worker.served_tags(None, ["football"]) == {"football": newest}
    with pytest.raises(NotFound):
        worker.served_tags(None, ["tennis"])


def test_a_bento_that_nobody_signed_is_not_served_where_signing_is_required(home, monkeypatch, tmp_path):
    """
    The setting reaches the loading of a served model; without it the same bento is served.
    """
    bento = SimpleNamespace(tag="football:b", path=str(tmp_path))
    tags = {"football": home.tag}

    assert Shelf.load(tags, worker.guard_of(load_settings(), bento, tags)).refused == {}
    monkeypatch.setenv("FOOTBALL_TRUST__REQUIRED", "true")
    for served, reason in ((bento, "football:b is not signed"), (None, "no signed bento")):
        refused = Shelf.load(tags, worker.guard_of(load_settings(), served, tags)).refused
        assert reason in str(refused["football"])


def test_the_settings_of_the_api_are_those_of_the_service(monkeypatch):
    """
    Limits and dates reach the API as configured.
    """
    monkeypatch.setenv("FOOTBALL_SERVICE__DEADLINE_S", "1.5")
    given = load_settings()

    assert worker.api_settings(given).deadline_s == 1.5
    assert worker.api_settings(given).old_api_ends_at == given.service.old_api_ends_at


def test_a_worker_application_is_made_around_that_of_bentoml():
    """
    What a worker runs is our front before BentoML's application.
    """
    assert isinstance(service.Football.to_asgi(), service.Front)
    assert service.Football.config["http"]["host"] == "127.0.0.1"
    assert service.Football.config["metrics"] == {"enabled": False}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"FOOTBALL_SERVICE__RELOAD": "off"}, False),
        ({"BENTOML_CONTAINERIZED": "true"}, False),
    ],
)
def test_versions_change_where_it_is_allowed_and_no_image_says_otherwise(monkeypatch, changes, expected):
    """
    A container serves what its image was built with, whatever the settings say.
    """
    for name, value in changes.items():
        monkeypatch.setenv(name, value)

    assert worker.may_reload(load_settings()) is expected


async def test_a_reload_is_counted_and_shown(another, football):
    """
    The metrics name both versions once another one serves, and count the reload.
    """
    await football.worker.backend.reload("football", another)
    told = football.worker.metrics.exposition().decode()

    assert 'football_model_reloads_total{result="successful"} 1.0' in told
    assert 'football_model_reloads_total{result="failed"} 0.0' in told
    assert f'version="{another}"}} 1.0' in told
    assert football.worker.backend.model("default").version == another
