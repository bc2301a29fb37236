"""What the tests of the runners share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from runners.embedded import EmbeddedBackend
from runners.loading import LoadedModel, load
from store.database import open_store


@pytest.fixture(scope="session")
def model(home) -> LoadedModel:
    return load(home.tag)


@pytest.fixture
def engine(home, tmp_path):
    """A copy of the small world's store, to be changed."""
    copy = tmp_path / "matches.sqlite"
    shutil.copy(home.database_url.removeprefix("sqlite:///"), copy)
    opened = open_store(f"sqlite:///{copy}")
    yield opened
    opened.dispose()


@pytest.fixture
def backend(home, engine) -> Iterator[EmbeddedBackend]:
    """A backend that follows the copied store."""
    served = EmbeddedBackend(str(engine.url), {"football": home.tag}, poll_s=0.05)
    served.start()
    yield served
    served.stop()
