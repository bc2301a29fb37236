"""A small world for the store's tests: record builders, SQLite files, and a PostgreSQL server where there is one."""

import datetime as dt
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.database import open_store
from store.records import MatchRecord, Status

_databases = count()


@pytest.fixture(scope="session")
def record() -> Callable[..., MatchRecord]:
    """Build a record of one match; a score makes it played, no score makes it scheduled."""

    def build(home="SC Freiburg", away="VfB Stuttgart", score=None, day="2015-08-15", **changes):
        kickoff = None if day is None else dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
        goals = score or (None, None)
        told = {
            "competition": "de.1",
            "season": "2015-16",
            "kickoff": kickoff,
            "is_date_only": kickoff is None or kickoff.hour == 0,
            "home": home,
            "away": away,
            "status": Status.PLAYED if score else Status.SCHEDULED,
            "home_goals": goals[0],
            "away_goals": goals[1],
            "source": "openfootball",
            "origin": "de.1.json, match 1",
        }
        return MatchRecord(**told | changes)

    return build


@pytest.fixture
def sqlite_engine(tmp_path) -> Iterator[sa.Engine]:
    engine = open_store(f"sqlite:///{tmp_path}/matches.db")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Start a PostgreSQL server of our own on a unix socket, as a user that is not root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server is installed (Debian: apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user = _user_for(folder)
    programs = found[-1].parent
    data = str(folder / "data")
    subprocess.run([programs / "initdb", "-D", data, "-U", "football", "-A", "trust", "-N"], check=True, **user)
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    start = [programs / "pg_ctl", "-D", data, "-l", str(folder / "log"), "-o", options, "-w", "start"]
    subprocess.run(start, check=True, **user)
    yield f"postgresql://football@/{{database}}?host={folder}"
    subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], check=True, **user)
    shutil.rmtree(folder)


def _user_for(folder: Path) -> dict[str, object]:
    quiet = {"stdout": subprocess.DEVNULL, "cwd": "/"}
    if os.geteuid() != 0:
        return quiet
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres'")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return quiet | {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


@pytest.fixture
def postgresql_engine(postgresql_url) -> Iterator[sa.Engine]:
    name = f"store_{next(_databases)}"
    address = postgresql_url.format(database="postgres").replace("postgresql://", "postgresql+psycopg://")
    server = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    server.dispose()
    engine = open_store(postgresql_url.format(database=name))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request) -> sa.Engine:
    """A fresh store, once in an SQLite file and once in PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_engine")
