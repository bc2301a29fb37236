"""``football up``: what `make run` runs, from an empty home to a printed prediction, and again from what is there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from serving import free_port


def up(home, folder, *arguments: str) -> subprocess.CompletedProcess:
    own = {"BENTOML_HOME": str(home.folder), "FOOTBALL_DATABASE_URL": home.database_url, "FOOTBALL_HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "up", "--once", *arguments],
        env=os.environ | own,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.service
def test_it_serves_what_is_there_and_prints_a_prediction_with_its_curl_line(home, bento, tmp_path):
    """
    With matches, a model and a bento at hand it only serves, asks one real question, and leaves no server behind.
    """
    port = free_port()

    done = up(home, tmp_path, "--port", str(port))

    assert done.returncode == 0, done.stderr[-3000:]
    assert f"$ curl -s -X POST http://127.0.0.1:{port}/v1/predictions/default/" in done.stdout
    assert "Arvenholt v Brixmoor (qa.1 2025-26): home win" in done.stdout
    assert "Training a model" not in done.stderr
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.service
def test_a_port_in_use_is_said_before_anything_is_done(home, tmp_path):
    """
    A taken port stops it at once, with the line that chooses another.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        done = up(home, tmp_path, "--port", str(taken.getsockname()[1]))

    assert done.returncode == 1
    assert "make run PORT=3001" in done.stderr
