"""The small world of these tests: a store of its own, a league of four clubs, and the real archive where it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from cli.ingest import ingest
from configs.settings import Settings, load_settings
from store.database import open_store
from store.reads import MatchRow, read_directory

ARCHIVE = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose state lies in a folder of the test."""
    monkeypatch.setenv("FOOTBALL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FOOTBALL_DATABASE_URL", raising=False)
    monkeypatch.delenv("FOOTBALL_CONFIG", raising=False)
    return load_settings()


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """The store of those settings."""
    opened = open_store(settings.database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def stored(settings: Settings) -> Callable[[], list[MatchRow]]:
    """Read all matches of the store."""

    def read() -> list[MatchRow]:
        opened = open_store(settings.database_url)
        try:
            return read_directory(opened)
        finally:
            opened.dispose()

    return read


@pytest.fixture
def football(settings: Settings) -> Callable[..., Result]:
    """Run ``football ingest`` with arguments."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(ingest, [str(argument) for argument in arguments], obj=settings)

    return run


@pytest.fixture(scope="session")
def archive() -> Path:
    """The folder of real data beside the project."""
    if not ARCHIVE.is_dir():
        pytest.skip(f"the match archive is not at {ARCHIVE}")
    return ARCHIVE


@dataclass
class Web:
    """A web server of the test on this machine: ``pages`` by path, everything else is 404."""

    url: str
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def web() -> Iterator[Web]:
    """Serve pages over HTTP from a thread, on a port that the system chooses."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            body = served.pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Web(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
