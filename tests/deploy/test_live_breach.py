"""What passes the gate and fails on live traffic is taken back by itself, and no caller notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from typing import Self

import pytest
from ports import free_port
from small_world import bentoml_home
from stand_in import ask, keeper_of, own_root, plan_of

from deploy import state
from deploy.errors import Breach
from deploy.place import Place
from deploy.release import Releases
from deploy.status import status_of

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # servers outlive their Popen


class Callers:
    """Ask all the time, and keep who answered and what was lost."""

    def __init__(self, port: int) -> None:
        self.answered: list[str] = []
        self.lost: list[str] = []
        self._port, self._stop = port, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30.0)

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                self.answered.append(ask(self._port))
            except (OSError, HTTPException, ValueError) as error:
                self.lost.append(f"{type(error).__name__}: {error}")
            time.sleep(0.002)


@pytest.fixture(scope="module")
def released() -> Iterator[tuple[Releases, Place, int]]:
    """A release of a good one, behind HAProxy."""
    with own_root("good", "failing", "slow", "better") as root, bentoml_home(root / "bentoml"):
        port, slots = free_port(), (free_port(), free_port())
        place = Place(root / "releases")
        releases = Releases(place, plan_of(root, port, slots), lambda _: None, keeper_of(root, port, slots))
        releases.release("football:good", examine=lambda _folder, _tag: None)
        yield releases, place, port
        releases.down()


@pytest.mark.parametrize(
    ("version", "reason"), [("failing", "requests failed in the new server"), ("slow", "99th percentile")]
)
def test_what_fails_on_live_traffic_is_taken_back(released, version, reason):
    """
    One that fails a third of its requests, and one that is slow: the release says why and fails, what served before
    serves all, and every request was answered.
    """
    releases, place, port = released
    with Callers(port) as callers:
        with pytest.raises(Breach, match=reason):
            releases.release(f"football:{version}", examine=lambda _folder, _tag: None)
        taken_back = len(callers.answered)
        time.sleep(0.3)

    assert callers.lost == []
    assert set(callers.answered[taken_back + 3 :]) == {"football:good"}
    told = status_of(place, releases._plan)
    assert (told.tag, told.underway, told.troubles) == ("football:good", None, ())
    assert [server.part for server in told.servers] == ["serving"]
    failed = [event for event in state.history(place) if event["what"] == "release failed"][-1]
    assert failed["tag"] == f"football:{version}"
    assert reason in failed["reason"]


def test_one_that_does_well_goes_through_under_the_same_traffic(released):
    """
    The control: the same bounds and callers let a good one through.
    """
    releases, place, port = released
    with Callers(port) as callers:
        releases.release("football:better", examine=lambda _folder, _tag: None)

    assert callers.lost == []
    assert state.read_state(place).tag == "football:better"
