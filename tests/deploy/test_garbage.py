"""Old bentos and models can go; what serves, is kept, is new or is pinned by one of these never does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import bentoml
import pytest
from small_world import bentoml_home
from stand_in import own_root

from deploy.errors import AnotherIsAtIt
from deploy.garbage import find, remove
from deploy.lock import held
from deploy.place import Place

MODELS = ("football",)


@pytest.fixture
def place() -> Iterator[Place]:
    """Four bentos, each with a model of its own, the oldest of them kept by a release, and half a copy."""
    with own_root("first", "second", "third", "fourth") as root, bentoml_home(root / "bentoml"):
        place = Place(root / "releases")
        place.make()
        (place.kept / "first").mkdir()
        (place.kept / ".second.new").mkdir()
        (place.kept / ".second.new" / "part").write_bytes(b"x" * 1_000)
        yield place


def names() -> tuple[set[str], set[str]]:
    return {bento.tag.version for bento in bentoml.list()}, {model.tag.version for model in bentoml.models.list()}


def test_only_what_nothing_needs_goes(place):
    """
    Of four, the newest and the kept one stay with their models; the half copy goes, too.
    """
    found = find(place, MODELS, spare=1)

    assert found.bentos == found.models == ("football:second", "football:third")
    assert [path.name for path in found.leftovers] == [".second.new"]
    assert found.size_bytes > 1_000
    assert names() == ({"first", "second", "third", "fourth"},) * 2

    remove(place, found)

    assert names() == ({"first", "fourth"},) * 2
    assert bentoml.get("football:latest").tag.version == "fourth"
    assert [path.name for path in place.kept.iterdir()] == ["first"]
    assert find(place, MODELS, spare=1).is_none


def test_a_model_of_another_name_is_somebody_elses(place):
    """
    Models that are not served are left alone, however old.
    """
    assert find(place, ("another",), spare=1).models == ()


def test_what_a_server_was_started_with_stays(place):
    """
    A bento in the command of a running server is needed, whoever started it.
    """
    command = [sys.executable, "-c", "input()", "bentoml", "serve", "football:second"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        found = find(place, MODELS, spare=1)
        server.communicate(b"\n")

    assert found.bentos == found.models == ("football:third",)


def test_nothing_goes_while_something_is_released(place):
    """
    A release may just be copying what would go.
    """
    found = find(place, MODELS, spare=1)

    with held(place.lock), pytest.raises(AnotherIsAtIt):
        remove(place, found)

    assert names() == ({"first", "second", "third", "fourth"},) * 2
