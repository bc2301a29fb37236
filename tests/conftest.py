"""Fixtures that several packages' tests share: a small world in a store, and a model of it in a model store of its own."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from features.matches import MatchTable
from store.database import open_store
from store.reads import read_matches

# Threads of XGBoost that spin while they wait take the processor from all else that runs; it reads this when it starts.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

with warnings.catch_warnings():
    # BentoML builds its file patterns under a name that pathspec gives up, and its schemas through a method that
    # pydantic gives up; both once, when first imported.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    import _bentoml_sdk  # noqa: F401 - imported for its warnings
    from small_world import bentoml_home, fill, fixtures, results, train

# `make test` asks the same questions each time, so that it says the same each time; `pytest` alone asks new ones.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)

SLOW = (
    "test_faults.py", "test_gate_servers.py", "test_readme.py", "test_service.py", "test_cut_off.py", "test_alarms.py",
    "test_conformance.py", "test_up.py", "test_reload_service.py", "test_killed_train.py", "test_backtest.py",
    "test_odds_command.py", "test_report_command.py", "test_train_command.py", "test_shared_cache.py", "test_further.py",
    "test_evaluation_page.py", "test_runner_service.py", "test_serving_commands.py", "test_loading.py", "test_layers.py",
    "test_selection.py", "test_top.py", "test_leakage.py", "test_transform.py", "test_store_properties.py",
)  # fmt: skip
"""Files that take longest, from the slowest on."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the files, begin with the slow ones, so that none is left with one at the end."""
    if hasattr(config, "workerinput"):
        place = {name: place for place, name in enumerate(SLOW)}
        items.sort(key=lambda item: place.get(item.path.name, len(place)))


@dataclass(frozen=True)
class Home:
    """Where the small world lives: BentoML's folder, the URL of the store, all its matches, and the tag of a model."""

    folder: Path
    database_url: str
    matches: MatchTable
    tag: str


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Iterator[Home]:
    """Three leagues of five seasons and two fixtures; a model that has learned all but the last season. Change nothing."""
    folder = tmp_path_factory.mktemp("home")
    url = f"sqlite:///{folder}/matches.sqlite"
    fill(url, [*results(), *fixtures()])
    engine = open_store(url)
    matches = read_matches(engine)
    engine.dispose()
    with bentoml_home(folder / "bentoml") as bentoml_folder:
        yield Home(bentoml_folder, url, matches, train(matches))
