"""An ingest that is killed leaves a usable store, and running again completes it."""

import os
import random
import signal
import subprocess
import sys
import time

from small_league import round_robin, write_archive

from store.database import open_store
from store.reads import data_digest, read_directory, read_matches

PROGRAM = """
import sys
from cli.ingest import ingest
from configs.settings import load_settings
ingest.main(sys.argv[1:], obj=load_settings())
"""
SEASONS = [f"{year}-{(year + 1) % 100:02d}" for year in range(1950, 2010)]


def _start(folder, home):
    environment = os.environ | {"FOOTBALL_HOME": str(home), "FOOTBALL_DATABASE_URL": ""}
    command = [sys.executable, "-c", PROGRAM, "openfootball", str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _content(home):
    engine = open_store(f"sqlite:///{home}/matches.sqlite")
    try:
        return [tuple(row) for row in read_directory(engine)], data_digest(read_matches(engine))
    finally:
        engine.dispose()


def test_killed_at_any_moment_the_next_run_completes(tmp_path):
    """Three times killed at random, once run to the end: the same content as a run nobody disturbed."""
    chance = random.Random(2026)
    folder = write_archive(tmp_path / "a", {f"{season}/de.1": round_robin(season) for season in SEASONS})
    started = time.monotonic()
    assert _start(folder, tmp_path / "whole").wait(60) == 0
    whole_s = time.monotonic() - started
    whole, digest = _content(tmp_path / "whole")

    counts = []
    for _ in range(3):
        process = _start(folder, tmp_path / "killed")
        # The first part of a run only loads the program.
        time.sleep(chance.uniform(0.4, 0.95) * whole_s)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        counts.append(len(_content(tmp_path / "killed")[0]))
    last = _start(folder, tmp_path / "killed")

    assert last.wait(60) == 0
    assert _content(tmp_path / "killed") == (whole, digest)
    assert len(whole) == 12 * len(SEASONS)
    assert all(count % 12 == 0 for count in counts)
    assert counts == sorted(counts)
