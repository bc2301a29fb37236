"""The API around the fake backend, without a socket."""

from __future__ import annotations

import pytest
import pytest_asyncio
from api_harness import client_of, settings_with
from fake_backend import FakeBackend

from api.application import Application, create_application


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def application(backend: FakeBackend) -> Application:
    return create_application(backend, settings=settings_with())


@pytest_asyncio.fixture
async def client(application: Application):
    async with client_of(application) as client:
        yield client
