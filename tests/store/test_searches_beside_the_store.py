"""Searches of `football select` are kept in the same database and touch none of the store's tables."""

from __future__ import annotations

import optuna
import pytest
import sqlalchemy as sa

from store.database import open_store
from store.schema import metadata
from training.studies import LOOKS, SCHEMA, SelectionBusy, open_study, opened, recorded_looks


def test_a_search_is_kept_and_the_store_stays_as_it_was(engine):
    """
    What a search has recorded is there when it is opened again, and the store has its own tables and no others.
    """
    with opened(engine) as storage:
        study = open_study(storage, "some")
        study.set_user_attr(LOOKS, [{"at": "2026-11-26"}])
        study.add_trial(optuna.trial.create_trial(value=0.2))
    with opened(engine) as storage:
        again = open_study(storage, "some")
        looks, value = recorded_looks(storage), again.best_value

    assert looks == [{"at": "2026-11-26"}]
    assert value == 0.2
    assert set(sa.inspect(engine).get_table_names()) == set(metadata.tables)
    if engine.dialect.name == "postgresql":
        assert "trials" in sa.inspect(engine).get_table_names(schema=SCHEMA)
    open_store(engine.url.render_as_string(hide_password=False)).dispose()


def test_only_one_process_selects_at_a_time(engine):
    """
    Another one is refused while the searches are open, and let in afterwards.
    """
    with opened(engine), pytest.raises(SelectionBusy), opened(engine):
        pass
    with opened(engine):
        pass
