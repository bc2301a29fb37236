"""A small HTTP server that stands in for a bento, where the deployer is looked at: it starts in a tenth of a second.

    python stand_in.py ROOT PORT BLUE GREEN

keeps servers and proxy running. HAProxy, the state and BentoML's store are real. One whose version is ``slow``
answers after .3 s, one that is ``failing`` answers every third request with 500.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from deploy.keeper import Keeper
from deploy.place import Place
from deploy.plan import Plan

SERVER = """
import asyncio, json, signal, sys

tag, port, answers, failures = sys.argv[2], int(sys.argv[6]), 0, 0

async def answer(path):
    global answers, failures
    if path == b"/metrics":
        slow = 0 if tag.endswith("slow") else answers
        return 200, (
            f'football_requests_total{{status="200"}} {answers}\\nfootball_requests_total{{status="500"}} {failures}\\n'
            f'football_request_duration_seconds_bucket{{le="0.1"}} {slow}\\n'
            f'football_request_duration_seconds_bucket{{le="+Inf"}} {answers}\\n'
        )
    if path == b"/predict":
        answers += 1
        if tag.endswith("slow"):
            await asyncio.sleep(0.3)
        if tag.endswith("failing") and answers % 3 == 0:
            failures += 1
            return 500, "{}"
    return 200, json.dumps({"tag": tag})

async def serve(reader, writer):
    while head := await reader.readline():
        while await reader.readline() not in (b"\\r\\n", b""):
            pass
        status, body = await answer(head.split(b" ")[1])
        writer.write(b"HTTP/1.1 %d X\\r\\nContent-Length: %d\\r\\n\\r\\n" % (status, len(body)) + body.encode())
    writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sys.exit)
    await server.serve_forever()

asyncio.run(main())
"""

BENTO = """
service: service:Football
name: football
version: {name}
bentoml_version: 1.4.40
creation_time: '2026-11-24T12:00:{second:02d}+00:00'
labels: {{}}
models:
- {{tag: 'football:{name}', module: bentoml.xgboost, creation_time: '2026-11-24T11:00:{second:02d}+00:00'}}
entry_service: football
services: []
envs: []
schema: {{}}
args: {{}}
spec: 2
"""
MODEL = """
name: football
version: {name}
module: bentoml.xgboost
labels: {{}}
options: {{}}
metadata: {{}}
context: {{framework_name: xgboost, framework_versions: {{}}, bentoml_version: 1.4.40, python_version: 3.11.7}}
signatures: {{}}
api_version: v2
creation_time: '2026-11-24T11:00:{second:02d}+00:00'
"""


def lay_down(root: Path, *names: str) -> None:
    """Put the server where a slot finds it, and a bento of each name with a model of its own in a store, oldest first."""
    package = root / "stand_in" / "bentoml"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(SERVER)
    for second, name in enumerate(names):
        for store, file, text in (("bentos", "bento.yaml", BENTO), ("models", "model.yaml", MODEL)):
            own = root / "bentoml" / store / "football" / name
            own.mkdir(parents=True)
            (own / file).write_text(text.format(name=name, second=second))


@contextmanager
def own_root(*names: str) -> Iterator[Path]:
    """Give a folder with bentos in a store; what was started for it and still runs afterwards is killed, and a fault.

    Its path is longer than that of a socket may be, with spaces in it, as a user's may.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"football's own {'long ' * 20}"))
    lay_down(folder, *names)
    yield folder
    left = list(_processes(folder))
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"left behind: {left}"


def _processes(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_ours = process.environ().get("PYTHONPATH", "").startswith(str(folder))
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def plan_of(root: Path, port: int, slots: tuple[int, int]) -> Plan:
    """Return a plan whose steps are short, and whose servers are found in the place of BentoML."""
    environment = {"PYTHONPATH": str(root / "stand_in")}
    return Plan("127.0.0.1", port, slots, (50,), 0.05, 0, 2.0, 0.1, 10.0, 5.0, True, 2, 64, environment)


def keeper_of(root: Path, port: int, slots: tuple[int, int]) -> tuple[str, ...]:
    """Return the command that keeps servers and proxy running."""
    return (sys.executable, __file__, str(root), str(port), *map(str, slots))


def ask(port: int) -> str:
    """Return who answers. Raises OSError, HTTPException."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10.0)
    try:
        connection.request("GET", "/predict")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise HTTPException(f"status {answer.status}")
        return str(json.loads(body)["tag"])
    finally:
        connection.close()


if __name__ == "__main__":
    folder, port, slots = Path(sys.argv[1]), int(sys.argv[2]), (int(sys.argv[3]), int(sys.argv[4]))
    Keeper(Place(folder / "releases"), plan_of(folder, port, slots)).run()
