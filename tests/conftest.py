"""Fixtures that several packages' tests share: a small world in a store, and a model of it in a model store of its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from features.matches import MatchTable
from store.database import open_store
from store.reads import read_matches

with warnings.catch_warnings():
    # BentoML builds its file patterns under a name that pathspec gives up, and its schemas through a method that
    # pydantic gives up; both once, when first imported.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    import _bentoml_sdk  # noqa: F401 - imported for its warnings
    from small_world import bentoml_home, fill, fixtures, results, train


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
