"""The secret is made once, by whoever is first, and only its owner reads it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from api.caching import load_secret

LOAD = "import sys, pathlib; from api.caching import load_secret; print(load_secret(pathlib.Path(sys.argv[1])).hex())"


def test_processes_that_race_for_the_secret_all_get_the_same(tmp_path):
    """
    Six processes that start together share one secret of 32 bytes in a file of mode 0600, and leave nothing else.
    """
    file = tmp_path / "new" / "secret"
    racers = [subprocess.Popen([sys.executable, "-c", LOAD, str(file)], stdout=subprocess.PIPE) for _ in range(6)]

    secrets = {racer.communicate(timeout=60)[0].strip() for racer in racers}

    assert secrets == {load_secret(file).hex().encode()}
    assert len(load_secret(file)) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_a_damaged_secret_is_refused(tmp_path):
    """
    An empty file is no secret, and the message says what to do.
    """
    file = tmp_path / "secret"
    file.write_bytes(b"")

    with pytest.raises(ValueError, match="Remove it"):
        load_secret(file)
