"""A writer killed at any moment leaves the store as before or after a call, never in between."""

import os
import random
import signal
import subprocess
import sys
import time

import sqlalchemy as sa

from store.database import open_store, reading
from store.reads import read_directory, revision
from store.schema import matches

# Saves one whole season a call, 30 pairings each; the season's name counts up from what is there.
WRITER = """
import datetime as dt, itertools, sys
from store.database import open_store
from store.reads import read_directory
from store.records import MatchRecord, Status
from store.writes import save
engine = open_store(sys.argv[1])
last = int(sys.argv[2])
clubs = ["1. FC Köln", "Hertha BSC", "SC Freiburg", "VfB Stuttgart", "Werder Bremen", "Hamburger SV"]
for year in range(1900, last):
    day = dt.datetime(year, 9, 1, tzinfo=dt.UTC)
    rows = [MatchRecord("de.1", str(year), day, True, home, away, Status.PLAYED, 1, 0, source="test")
            for home, away in itertools.permutations(clubs, 2)]
    report = save(engine, rows, may_register_teams=True)
    assert not report.rejects, report.rejects[0]
    print(year, flush=True)
"""


def test_a_killed_writer_leaves_whole_seasons_and_a_rerun_completes(tmp_path):
    """Killed six times at random moments, every season has 30 matches or none; then the rest is written."""
    url = f"sqlite:///{tmp_path}/matches.db"
    moments = random.Random(7)
    for _ in range(6):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, url, "9999"], stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.15))
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        engine = open_store(url)
        with reading(engine) as connection:
            per_season = sa.select(sa.func.count(matches.c.match_id)).group_by(matches.c.season)
            assert set(connection.execute(per_season).scalars()) == {30}
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
            seasons = connection.execute(sa.select(sa.func.count(sa.distinct(matches.c.season)))).scalar_one()
        assert revision(engine) == seasons
        engine.dispose()

    subprocess.run([sys.executable, "-c", WRITER, url, "1930"], check=True, stdout=subprocess.DEVNULL)
    engine = open_store(url)
    assert len({row.season for row in read_directory(engine)} & {str(year) for year in range(1900, 1930)}) == 30
    engine.dispose()
