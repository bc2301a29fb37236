"""Keys of callers before a real server of two workers: made, used, revoked and added by the command, without a restart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from serving import Served, football, serve

pytestmark = pytest.mark.service

EFFECTIVE_WITHIN_S = 5.0
MANY = 12  # requests over new connections, so that both workers have some


@dataclass(frozen=True)
class Guarded:
    """A server that asks for keys, where they lie, and one of each scope."""

    home: object
    folder: Path
    served: Served
    keys: dict[str, str]

    def command(self, *arguments: str) -> str:
        return football(self.home, "keys", *arguments, FOOTBALL_HOME=str(self.folder))

    def statuses(self, path: str, key: str = "") -> set[int]:
        """What both workers answer."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return {httpx.get(self.served.url + path, headers=headers, timeout=5.0).status_code for _ in range(MANY)}

    def becomes(self, path: str, key: str, *statuses: int) -> bool:
        """Whether both workers come to answer with nothing but some statuses in time."""
        end = time.monotonic() + EFFECTIVE_WITHIN_S
        while time.monotonic() < end:
            if self.statuses(path, key) <= set(statuses):
                return True
        return False


@pytest.fixture(scope="module")
def guarded(home, bento, python, tmp_path_factory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    keys = {
        scope: football(home, "keys", "add", f"a-{scope}", "--scope", scope, FOOTBALL_HOME=str(folder)).strip()
        for scope in ("predict", "metrics", "operator")
    }
    served = serve(home, bento, python, folder, workers=2)
    yield Guarded(home, folder, served, keys)
    served.process.terminate()
    served.process.wait(30)


def test_each_key_opens_what_it_is_for(guarded):
    """
    Predictions, metrics and results each need their own; probes need none.
    """
    assert guarded.statuses("/v1/competitions") == {401}
    assert guarded.statuses("/v1/competitions", guarded.keys["predict"]) == {200}
    assert guarded.statuses("/v1/competitions", guarded.keys["metrics"]) == {403}
    assert guarded.statuses("/metrics") == {401}
    assert guarded.statuses("/metrics", guarded.keys["predict"]) == {403}
    assert guarded.statuses("/metrics", guarded.keys["metrics"]) == {200}
    assert guarded.statuses("/docs") == {401}
    assert guarded.statuses("/livez") == guarded.statuses("/readyz") == {200}
    posted = httpx.post(
        f"{guarded.served.url}/v1/results", json={"results": []}, headers={"X-API-Key": guarded.keys["predict"]}
    )
    assert posted.status_code == 403
    assert posted.json()["details"] == {"scope": "operator"}


def test_a_key_is_added_and_revoked_while_it_serves(guarded):
    """
    Within five seconds both workers know a new key, and within five of its end they refuse it; others go on.
    """
    key = guarded.command("add", "guest", "--days", "1").strip()
    assert guarded.becomes("/v1/competitions", key, 200)

    listed = guarded.command("list")
    key_id = key.partition("_")[0]
    assert f"{key_id}  guest: predict, until" in listed
    assert key.partition("_")[2] not in listed
    guarded.command("revoke", key_id)

    assert guarded.becomes("/v1/competitions", key, 401, 429)  # wrong keys that come fast are told to wait
    assert guarded.statuses("/v1/competitions", guarded.keys["predict"]) == {200}


def test_no_secret_is_logged(guarded):
    """
    Neither right keys nor wrong ones are in the log of the server.
    """
    guarded.statuses("/v1/competitions", "fkwrong_verysecret")

    log = guarded.served.log.read_text()
    assert "verysecret" not in log
    assert not any(key.partition("_")[2] in log for key in guarded.keys.values())
    assert '"keys": 3' in log
