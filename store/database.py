"""Opening the match store, and its two kinds of transaction.

One writer and several reader processes share a store. SQLite runs in WAL mode,
so that readers never wait for the writer; PostgreSQL does that by itself.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from store.errors import SchemaMismatch, StoreUnavailable
from store.schema import SCHEMA_VERSION, metadata, state

BUSY_TIMEOUT_S = 30.0
_CREATION_LOCK = 7_046_291  # any constant; it keeps two processes from creating the tables at once
_WITHOUT_STORE_ID = 1
_outer: ContextVar[sa.Connection | None] = ContextVar("reading_transaction", default=None)
_EXAMPLES = "expected such as sqlite:////home/me/matches.db or postgresql+psycopg://user@host/football"


def open_store(url: str) -> sa.Engine:
    """Open the match store at an SQLAlchemy URL; create its folder and tables where they are missing.

    ``postgresql://`` is read as ``postgresql+psycopg://``. An engine must not cross a fork: open one in each process.

    Raises:
        StoreUnavailable: If the URL is not one, the folder is not writable, or the server does not answer.
        SchemaMismatch: If another version of this program made the store.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        _make_folder(address)
    engine = _engine(address)
    try:
        _ensure_tables(engine)
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        engine.dispose()
        reason = getattr(error, "orig", error)
        raise StoreUnavailable(
            f"Cannot open the match store {_shown(address)}: {reason}. {_advice(address)}"
        ) from error
    except SchemaMismatch:
        engine.dispose()
        raise
    return engine


def reopen_store(url: str) -> sa.Engine:
    """Open a match store that is there, as ``open_store`` does, and make none in the place of one that is gone.

    For whoever works beside those who read it: an empty store would be read as one whose matches were all deleted.

    Raises:
        StoreUnavailable: If the file of an SQLite store is not there, or as ``open_store``.
        SchemaMismatch: As ``open_store``.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).exists():
        raise StoreUnavailable(f"The match store {_shown(address)} is gone. Put it back, or ingest again.")
    return open_store(url)


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a transaction that alone may write; it is committed as a whole, or not at all."""
    with engine.connect().execution_options(store_writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a transaction whose statements all see the store at one instant.

    Within another one of the same engine it is that one: whoever reads several things together wraps the reads.
    """
    outer = _outer.get()
    if outer is not None and outer.engine is engine:
        yield outer
        return
    isolation: dict[str, Any] = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**isolation) as connection, connection.begin():
        token = _outer.set(connection)
        try:
            yield connection
        finally:
            _outer.reset(token)


def _address(url: str) -> sa.URL:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreUnavailable(f"{url!r} is no database URL: {_EXAMPLES}.") from error
    if address.drivername in {"postgresql", "postgres"}:
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise StoreUnavailable(f"Database {address.drivername!r} is not supported: {_EXAMPLES}.")
    if address.drivername == "sqlite" and address.database in {None, "", ":memory:"}:
        raise StoreUnavailable(f"{url!r} names no file; the store outlives the process: {_EXAMPLES}.")
    return address


def _make_folder(address: sa.URL) -> None:
    folder = Path(str(address.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"Cannot make the folder {folder} of the match store: {error.strerror}. {_advice(address)}"
        ) from error


def _engine(address: sa.URL) -> sa.Engine:
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(address, pool_pre_ping=True)
    engine = sa.create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_S})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the module's own implicit BEGIN would come too late for a read snapshot
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that turns into a writing one fails at once when another writer came first;
    # IMMEDIATE waits for its turn (up to the busy timeout).
    writes = connection.get_execution_options().get("store_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _ensure_tables(engine: sa.Engine) -> None:
    # Looked at first in a reading transaction: opening an existing store never waits for a writer.
    with reading(engine) as connection:
        is_there = sa.inspect(connection).has_table(state.name)
    if not is_there:
        with writing(engine) as connection:
            _create_tables(connection)
    found = _schema_version(engine)
    if found == _WITHOUT_STORE_ID:
        with writing(engine) as connection:
            _give_store_id(connection)
        found = _schema_version(engine)
    if found != SCHEMA_VERSION:
        raise SchemaMismatch(found=found, expected=SCHEMA_VERSION, place=_shown(engine.url))


def _schema_version(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(sa.select(state.c.schema_version)).scalar_one())


def _give_store_id(connection: sa.Connection) -> None:
    """Bring a store of version 1 to version 2: it lacks nothing but an identity."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATION_LOCK)))
    # Another process may have done it while this one waited for its turn.
    if connection.execute(sa.select(state.c.schema_version)).scalar_one() == _WITHOUT_STORE_ID:
        connection.exec_driver_sql("ALTER TABLE state ADD COLUMN store_id TEXT NOT NULL DEFAULT ''")
        connection.execute(sa.update(state).values(schema_version=2, store_id=uuid.uuid4().hex))


def _create_tables(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATION_LOCK)))
    if not sa.inspect(connection).has_table(state.name):
        metadata.create_all(connection)
        told = {"one": 1, "schema_version": SCHEMA_VERSION, "store_id": uuid.uuid4().hex, "revision": 0}
        connection.execute(sa.insert(state).values(**told))


def _shown(address: sa.URL) -> str:
    return address.render_as_string(hide_password=True)


def _advice(address: sa.URL) -> str:
    if address.get_backend_name() == "sqlite":
        return "Choose a folder that you may write to (FOOTBALL_HOME or FOOTBALL_DATABASE_URL)."
    return "Check that the server runs and that FOOTBALL_DATABASE_URL names a database you may write to."
