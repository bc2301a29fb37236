"""Watching the model store: each new model goes the whole way once, and none that was refused or rolled back from returns."""

from __future__ import annotations

import threading

import pytest

from deploy.errors import AnotherIsAtIt, Refused
from deploy.place import Place
from deploy.state import history, note
from deploy.watching import Watcher


class Releases:
    """Stands where building and releasing do; keeps what it was asked for and serves it unless told to refuse it."""

    def __init__(self, place):
        self.place, self.asked, self.serving, self.error = place, [], None, None

    def take(self, tag):
        self.asked.append(tag)
        if self.error is not None:
            raise self.error
        self.serving = tag
        note(self.place, "serving", tag=f"bento-of-{tag}", models=[tag])
        return f"bento-of-{tag}"


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "releases")
    place.make()
    return place


@pytest.fixture
def releases(place):
    return Releases(place)


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "models" / "football"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def watcher(place, releases, store):
    def newest():
        versions = sorted(one.name for one in store.iterdir() if not one.name.startswith("."))
        return f"football:{versions[-1]}" if versions else None

    return Watcher(
        place, store, newest=newest, served=lambda: releases.serving, take=releases.take, say=lambda _line: None
    )


def test_a_new_model_is_taken_once(watcher, releases, store, place):
    """
    However often it is looked, and the journal says what became of it.
    """
    watcher.look()
    (store / "1").mkdir()
    watcher.look()
    watcher.look()

    assert releases.asked == ["football:1"]
    event = history(place)[-1]
    assert (event["what"], event["model"], event["tag"], event["result"]) == (
        "watched",
        "football:1",
        "bento-of-football:1",
        "released",
    )


def test_a_refused_model_is_not_tried_again_and_the_next_one_is(watcher, releases, store, place):
    """
    Its reason stands in the journal; a later model has its own chance.
    """
    (store / "1").mkdir()
    releases.error = Refused("its probabilities are off")
    watcher.look()
    watcher.look()
    assert releases.asked == ["football:1"]
    assert history(place)[-1]["reason"] == "its probabilities are off"

    releases.error = None
    (store / "2").mkdir()
    watcher.look()
    assert releases.serving == "football:2"


def test_a_model_that_was_rolled_back_from_stays_away(watcher, releases, store):
    """
    An operator's rollback is not undone by the watcher, though the model is still the newest.
    """
    (store / "1").mkdir()
    watcher.look()
    (store / "2").mkdir()
    watcher.look()
    releases.serving = "football:1"  # as after a rollback

    watcher.look()

    assert releases.asked == ["football:1", "football:2"]


def test_while_another_is_at_it_the_model_waits(watcher, releases, store, place):
    """
    A release by hand does not cost the new model its turn.
    """
    (store / "1").mkdir()
    releases.error = AnotherIsAtIt("busy")
    watcher.look()
    assert history(place) == []

    releases.error = None
    watcher.look()
    assert releases.serving == "football:1"


def test_what_appears_while_it_watches_is_taken(watcher, releases, store):
    """
    A model that is moved into the store is found by itself; the watch ends when told to.
    """
    stop, taken = threading.Event(), threading.Event()
    take = releases.take

    def noted(tag):
        taken.set()
        return take(tag)

    watcher._take = noted
    thread = threading.Thread(target=watcher.run, args=(stop,))
    thread.start()
    try:
        aside = store.parent / "aside"
        aside.mkdir()
        aside.rename(store / "1")
        assert taken.wait(20)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert releases.serving == "football:1"
