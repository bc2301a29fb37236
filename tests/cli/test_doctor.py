"""The doctor finds each thing that is broken, says what mends it, and passes over none."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from ports import free_port

import cli.doctor
from cli.main import main


@pytest.fixture
def well(home, monkeypatch, tmp_path):
    """A home in which all is well: a store, a model, a key of a caller, a free port."""
    monkeypatch.setenv("FOOTBALL_HOME", str(tmp_path))
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", home.database_url)
    monkeypatch.setenv("FOOTBALL_SERVICE__PORT", str(free_port()))
    monkeypatch.delenv("FOOTBALL_REDIS_URL", raising=False)
    assert CliRunner().invoke(main, ["keys", "add", "shop"]).exit_code == 0
    return tmp_path


def examined() -> tuple[dict[str, dict], int]:
    done = CliRunner().invoke(main, ["doctor", "--json"], catch_exceptions=False)
    return {finding["name"]: finding for finding in json.loads(done.stdout)}, done.exit_code


def ill() -> dict[str, dict]:
    findings, exit_code = examined()
    found = {name: finding for name, finding in findings.items() if finding["state"] == "ill"}
    assert (exit_code == 1) == bool(found)
    assert all(finding["mend"] for finding in found.values())
    return found


def test_where_all_is_well_nothing_is_ill(well):
    """
    Each check has its line; what may be meant so is a warning: results that are old, a bento that nobody has signed.
    """
    findings, exit_code = examined()
    shown = CliRunner().invoke(main, ["doctor"], catch_exceptions=False).stdout.splitlines()

    assert exit_code == 0
    assert list(findings) == list(cli.doctor.CHECKS)
    assert {name for name, finding in findings.items() if finding["state"] == "warning"} == {"freshness", "bento"}
    assert "loads and answers as when it was saved" in findings["model"]["found"]
    assert [line.split()[1].rstrip(":") for line in shown] == list(findings)


def no_matches(well, monkeypatch):
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", f"sqlite:///{well}/empty.sqlite")
    return "football ingest"


def no_store(well, monkeypatch):
    (well / "file").write_text("")
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", f"sqlite:///{well}/file/matches.sqlite")
    return ""


def no_model(_well, monkeypatch):
    monkeypatch.setenv("FOOTBALL_SERVICE__MODELS", '["nobody"]')
    return "football train"


def open_keys(well, _monkeypatch):
    (well / "keys" / "callers.json").chmod(0o644)
    return "chmod 600"


def broken_keys(well, _monkeypatch):
    (well / "keys" / "callers.json").write_text("{")
    return ""


def no_room(_well, monkeypatch):
    monkeypatch.setattr(cli.doctor, "LEAST_FREE_BYTES", 10**18)
    return "football gc"


def clock_behind(well, monkeypatch):
    (well / "program.py").touch()
    os.utime(well / "program.py", (time.time() + 7_200, time.time() + 7_200))
    monkeypatch.setattr(cli.doctor, "PROGRAM", well)
    return "Set it"


BROKEN = {
    "store": no_matches,
    "store that cannot be opened": no_store,
    "model": no_model,
    "keys": open_keys,
    "keys that cannot be read": broken_keys,
    "disk": no_room,
    "clock": clock_behind,
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_ill_and_its_mend_is_said(well, monkeypatch, what):
    """
    One thing is broken: that check fails, and its line says what to do.
    """
    mend = BROKEN[what](well, monkeypatch)

    found = ill()

    name = what.split()[0]
    assert name in found
    assert mend in found[name]["mend"]
    assert set(found) <= {name, "freshness"}


def test_a_port_that_is_taken_by_something_else_is_ill(well, monkeypatch):
    """
    What does not answer is in the way.
    """
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("FOOTBALL_SERVICE__PORT", str(other.getsockname()[1]))
        found = ill()

    assert set(found) == {"port"}


def test_a_redis_that_is_away_is_a_warning(well, monkeypatch):
    """
    Servers do without it, so it is not ill; its password is not shown.
    """
    monkeypatch.setenv("FOOTBALL_REDIS_URL", f"redis://:hidden@127.0.0.1:{free_port()}/0")
    findings, exit_code = examined()

    assert exit_code == 0
    assert findings["redis"]["state"] == "warning"
    assert "hidden" not in json.dumps(findings)


def test_libraries_that_each_start_compiles_are_a_warning(well, tmp_path):
    """
    Python may write nothing and looks for what is compiled in an empty folder: the mend is the command that compiles them.
    """
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(tmp_path / "empty")}
    command = [sys.executable, "-m", "cli.main", "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    found = {finding["name"]: finding for finding in json.loads(done.stdout)}

    assert found["libraries"]["state"] == "warning"
    assert "-m compileall" in found["libraries"]["mend"]


def test_a_check_that_fails_hides_no_other(well, monkeypatch):
    """
    The others are told all the same.
    """

    def broken(_settings):
        raise RuntimeError("unforeseen")

    monkeypatch.setitem(cli.doctor.CHECKS, "haproxy", broken)
    findings, exit_code = examined()

    assert exit_code == 1
    assert "unforeseen" in findings["haproxy"]["found"]
    assert findings["store"]["state"] == "well"
