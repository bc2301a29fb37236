"""Opening a store: what is created, what is refused and how clearly."""

import subprocess
import sys

import pytest
import sqlalchemy as sa

from store.database import open_store, reading, writing
from store.errors import SchemaMismatch, StoreUnavailable
from store.reads import standing
from store.schema import SCHEMA_VERSION, state


def test_opening_makes_the_folder_and_the_tables(tmp_path):
    """A path whose folder is missing becomes a store at revision 0."""
    engine = open_store(f"sqlite:///{tmp_path}/new/folder/matches.db")

    with reading(engine) as connection:
        assert connection.execute(sa.select(state.c.schema_version, state.c.revision)).one() == (SCHEMA_VERSION, 0)
    engine.dispose()


def test_opening_again_keeps_what_is_there(tmp_path):
    """Opening a store twice changes nothing."""
    url = f"sqlite:///{tmp_path}/matches.db"
    first = open_store(url)
    with writing(first) as connection:
        connection.execute(sa.update(state).values(revision=7))
    second = open_store(url)

    with reading(second) as connection:
        assert connection.execute(sa.select(state.c.revision)).scalar_one() == 7
    first.dispose()
    second.dispose()


def test_sqlite_runs_in_wal_mode_with_normal_syncing(sqlite_engine):
    """Readers do not wait for the writer, and a commit is one write of the log."""
    with reading(sqlite_engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 1


def test_a_reader_sees_one_instant_while_another_connection_writes(engine):
    """Within one reading transaction, nothing that is committed meanwhile shows."""
    with reading(engine) as connection:
        before = connection.execute(sa.select(state.c.revision)).scalar_one()
        with writing(engine) as writer:
            writer.execute(sa.update(state).values(revision=5))
        meanwhile = connection.execute(sa.select(state.c.revision)).scalar_one()

    assert (before, meanwhile) == (0, 0)


def test_a_store_of_another_version_is_refused(sqlite_engine):
    """The error names both versions and what to do."""
    with writing(sqlite_engine) as connection:
        connection.execute(sa.update(state).values(schema_version=99))

    with pytest.raises(SchemaMismatch, match=rf"version 99, this program reads version {SCHEMA_VERSION}.*ingest again"):
        open_store(str(sqlite_engine.url))


def test_a_store_without_an_identity_is_given_one(engine):
    """A store of version 1 becomes one of this version when it is opened, once, and keeps its revision."""
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE state DROP COLUMN store_id")
        connection.execute(sa.update(state).values(schema_version=1, revision=7))
    url = engine.url.render_as_string(hide_password=False)

    first = open_store(url)
    told = standing(first)
    second = open_store(url)

    assert len(told.store_id) == 32
    assert told.revision == 7
    assert standing(second) == told
    first.dispose()
    second.dispose()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("no url", "is no database URL"),
        ("mysql://somewhere/x", "'mysql' is not supported"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_bad_url_is_named_with_an_example(url, reason):
    """Each wrong URL says what is wrong and shows a right one."""
    with pytest.raises(StoreUnavailable, match=f"{reason}.*sqlite:////home"):
        open_store(url)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """A file in the place of the folder is an error that says what to set."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreUnavailable, match=r"Cannot make the folder .*file/x.*FOOTBALL_DATABASE_URL"):
        open_store(f"sqlite:///{tmp_path}/file/x/matches.db")


def test_a_file_that_is_no_database_is_named(tmp_path):
    """A text file is refused with its path."""
    (tmp_path / "matches.db").write_text("<html>" * 1000)

    with pytest.raises(StoreUnavailable, match=r"matches\.db.*not a database"):
        open_store(f"sqlite:///{tmp_path}/matches.db")


def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path):
    """The message shows the address and hides the secret."""
    with pytest.raises(StoreUnavailable) as failure:
        open_store(f"postgresql://someone:secret@/football?host={tmp_path}")  # pragma: allowlist secret

    assert "secret" not in str(failure.value)
    assert "Check that the server runs" in str(failure.value)


def test_many_processes_may_open_a_new_store_at_once(tmp_path):
    """Of four processes that create the same store, none fails."""
    script = f"from store.database import open_store; open_store('sqlite:///{tmp_path}/matches.db').dispose()"
    processes = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) for _ in range(4)]
    errors = [process.communicate()[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0, 0], errors


def test_postgresql_is_opened_twice_without_harm(postgresql_engine):
    """A second opening of a PostgreSQL store finds its tables."""
    again = open_store(postgresql_engine.url.render_as_string(hide_password=False))

    with reading(again) as connection:
        assert connection.execute(sa.select(state.c.schema_version)).scalar_one() == SCHEMA_VERSION
    again.dispose()
