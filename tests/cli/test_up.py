"""``football up``: from matches to a shown prediction, and up again from what is there."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ports import free_port

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from serving import environment

ENDED = "Interrupt (Ctrl-C) to stop the server.\n"
pytestmark = pytest.mark.service

QUESTION = re.compile(
    r"\$ curl -s -X POST (http://127\.0\.0\.1:\d+/v1/predictions/default/\w+)\n\n(\{.*?\n\})", re.DOTALL
)


@pytest.fixture(scope="module")
def own(home, tmp_path_factory):
    """A home of its own with the small world's matches and no model; the service serves another name than the usual."""
    folder = tmp_path_factory.mktemp("up")
    shutil.copy(home.database_url.removeprefix("sqlite:///"), folder / "matches.sqlite")
    return environment(
        home,
        BENTOML_HOME=str(folder / "bentoml"),
        FOOTBALL_HOME=str(folder),
        FOOTBALL_DATABASE_URL=f"sqlite:///{folder}/matches.sqlite",
        FOOTBALL_SERVICE__MODELS='["second"]',
        FOOTBALL_TRAINING__VALIDATION_DAYS="200",
        FOOTBALL_TRAINING__THREADS="1",
        OMP_WAIT_POLICY="PASSIVE",
    )


def up(own, tmp_path, *arguments):
    command = [sys.executable, "-m", "cli.main", "up", *arguments]
    with (tmp_path / "err").open("w") as log:
        return subprocess.Popen(command, env=own, cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True)


def test_up_trains_builds_serves_and_shows_a_prediction_then_uses_what_is_there(own, tmp_path):
    """
    The first time the served model is trained and built; the second time neither, and an interrupt ends it well.
    """
    port = free_port()
    first = up(own, tmp_path, "--port", str(port), "--once")
    printed, _ = first.communicate(timeout=600)
    told = (tmp_path / "err").read_text()
    with up(own, tmp_path, "--port", str(port)) as second:
        lines = iter(second.stdout.readline, "")
        again = "".join(iter(lambda: next(lines, ENDED), ENDED))
        second.send_signal(signal.SIGINT)
        rest = second.stdout.read()
    told_again = (tmp_path / "err").read_text()

    assert first.returncode == 0, told
    assert "Taking in the sample" not in told
    assert "football train --name second" in told
    assert "Building a bento" in told
    shown = json.loads(QUESTION.search(printed)[2])
    assert shown["model_name"] == "second"
    assert shown["home_win_prob"] + shown["draw_prob"] + shown["away_win_prob"] == pytest.approx(1.0, abs=1e-6)
    assert second.returncode == 0, told_again
    assert QUESTION.search(again)[0] == QUESTION.search(printed)[0]
    assert "Training" not in told_again
    assert "Building" not in told_again
    assert "Traceback" not in told + told_again + rest


def test_a_port_in_use_is_said_before_any_work(own, tmp_path):
    """
    Where something listens on the port already, `up` names it and starts nothing.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = up(own | {"BENTOML_HOME": str(tmp_path / "bentoml")}, tmp_path, "--port", str(port))
        run.communicate(timeout=300)

    assert run.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in (tmp_path / "err").read_text()
    assert not (tmp_path / "bentoml" / "models" / "second").exists()


def test_a_server_that_ends_by_itself_is_a_failure(own, tmp_path):
    """
    When the server cannot run, `up` ends with 1 rather than with a success.
    """
    broken = own | {"PYTHONPATH": str(tmp_path)}
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'bentoml' in sys.orig_argv:\n    import os; os.kill(os.getpid(), 9)\n"
    )

    run = up(broken, tmp_path, "--port", str(free_port()), "--once")
    run.communicate(timeout=300)

    assert run.returncode == 1, (tmp_path / "err").read_text()
