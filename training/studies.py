"""Where searches are kept: Optuna's tables, in the SQL store's database but apart from its tables.

Beside an SQLite store that is a file of its own, in PostgreSQL a schema of its own: Optuna names its tables `trials`,
`version_info`, `alembic_version`, changes them with its versions, and begins its SQLite transactions as readers, which
fail at once where another process has written in between (docs/decisions/0013). One process at a time may select.

Looks at the untouched season are kept here, too, with the study that took them.
"""

from __future__ import annotations

import fcntl
import hashlib
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import optuna
import sqlalchemy as sa
from optuna.pruners import WilcoxonPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from training.search_space import SPACE

SCHEMA: Final = "football_selection"
LOOKS: Final = "looks"
_LOCK: Final = 7_046_292  # any constant but the store's own
_BUSY_TIMEOUT_S: Final = 30.0
_PRUNE_BELOW: Final = 0.1  # chance of a fold-wise lead as large as the best trial's, were the two equally good
_FEWEST_FOLDS: Final = 4
_REDONE: Final = "redone_as_its_process_ended"


class SelectionBusy(RuntimeError):
    """Say that another process selects with the same store."""


@contextmanager
def opened(engine: sa.Engine) -> Iterator[RDBStorage]:
    """Open the searches that belong to a match store, alone.

    Raises:
        SelectionBusy: If another process has them open.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with _alone(engine):
        storage = _storage(engine.url)
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()


def file_beside(url: sa.URL) -> Path:
    """Return the file that keeps the searches of an SQLite store.

    >>> file_beside(sa.make_url("sqlite:////tmp/matches.sqlite"))
    PosixPath('/tmp/matches.selection.sqlite')
    """
    store = Path(str(url.database))
    return store.with_name(f"{store.stem}.selection.sqlite")


def study_name(**parts: object) -> str:
    """Return the name of the study of these data, windows and space: what makes scores comparable, and no more."""
    told = "\n".join(f"{name}={parts[name]!r}" for name in sorted(parts))
    return f"select-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def open_study(storage: RDBStorage, name: str) -> optuna.Study:
    """Open a study or begin it. Trials that a process left behind when it ended are put in the queue again."""
    study = optuna.create_study(
        storage=storage, study_name=name, direction="minimize", load_if_exists=True, pruner=_pruner()
    )
    for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(left.number, state=TrialState.FAIL)
        fixed = left.system_attrs.get("fixed_params", {})  # of one that had been queued and had not begun to score
        study.enqueue_trial({**fixed, **left.params}, user_attrs={_REDONE: left.number})
    return study


def next_trial(study: optuna.Study, *, seed: int, jobs: int) -> optuna.Trial:
    """Ask for a trial: one that waits, or a new one.

    What is drawn depends on the seed, the number of trials before and their scores, and not on how often the search
    was ended and gone on with.
    """
    before = len(begun(study))
    study.sampler = TPESampler(seed=(seed + before) % 2**32, constant_liar=jobs > 1)
    return study.ask(fixed_distributions=dict(SPACE))


def begun(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count: finished, cut short for being worse, or under way."""
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
    return study.get_trials(deepcopy=False, states=states)


def recorded_looks(storage: RDBStorage) -> list[Mapping[str, Any]]:
    """Return every look that was taken at a season that was kept for a decision, oldest first."""
    summaries = optuna.get_all_study_summaries(storage, include_best_trial=False)
    looks = [look for summary in summaries for look in summary.user_attrs.get(LOOKS, [])]
    return sorted(looks, key=lambda look: str(look["at"]))


def _pruner() -> WilcoxonPruner:
    with warnings.catch_warnings():
        # Its behaviour may change with Optuna's version; the lock says which one that is.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return WilcoxonPruner(p_threshold=_PRUNE_BELOW, n_startup_steps=_FEWEST_FOLDS)


def _storage(url: sa.URL) -> RDBStorage:
    if url.get_backend_name() == "sqlite":
        file = file_beside(url)
        return RDBStorage(f"sqlite:///{file}", engine_kwargs={"creator": lambda: _connection(file)})
    address = url.render_as_string(hide_password=False)
    own = {"options": f"-csearch_path={SCHEMA}"}
    return RDBStorage(address, engine_kwargs={"connect_args": own, "pool_pre_ping": True})


def _connection(file: Path) -> sqlite3.Connection:
    """Connect as the match store does: a killed process loses nothing, a commit need not wait for the disk."""
    connection = sqlite3.connect(file, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Hold the lock of a store's searches, which ends with the process."""
    busy = "another `football select` works with this store; wait for it, or end it: what it has done is kept"
    if engine.dialect.name == "sqlite":
        with file_beside(engine.url).with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise SelectionBusy(busy) from error
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(_LOCK))).scalar_one():
            raise SelectionBusy(busy)
        try:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
