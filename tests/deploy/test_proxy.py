"""The proxy, for real: what a dying server throws back is asked again, and no caller notices."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from deploy.errors import ProxyMissing
from deploy.place import Place
from deploy.plan import Plan
from deploy.proxy import Orders, configuration, haproxy
from deploy.state import State

BODY = b"x" * 60_000
CALLERS = 12


class Quiet(ThreadingHTTPServer):
    """Say nothing of callers that went away."""

    daemon_threads = True

    def handle_error(self, *_):
        pass


class Fragile(BaseHTTPRequestHandler):
    """Answer, but for requests over connections from before the time that the test says it died at."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.life = self.server.life

    def do_GET(self):
        self._answer(b"ready")

    def do_POST(self):
        self.server.asked += 1
        if self.life == self.server.life:
            self._answer(BODY)
            return
        if self.server.dies_late:
            self._answer(BODY, sent=len(BODY) // 2)
        # What the kernel does for a process that is killed with a request unread.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True

    def _answer(self, body, sent=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])

    def log_message(self, *_):
        pass


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


@pytest.fixture
def server():
    running = Quiet(("127.0.0.1", 0), Fragile)
    running.asked = running.life = 0
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def proxy(server):
    """The address of a proxy whose only server is the fragile one."""
    try:
        program = haproxy()
    except ProxyMissing as error:
        pytest.skip(str(error))
    place = Place(Path(tempfile.mkdtemp(prefix="football-")))
    ports = (server.server_address[1], free_port())
    plan = Plan("127.0.0.1", free_port(), ports, (50,), 1.0, 1, 2.0, 1.0, 10.0, 5.0, True, 2, 64, {})
    file = place.root / "haproxy.cfg"
    file.write_text(configuration(place, plan, State(serving="blue", tags={"blue": "football:a"}, is_wanted=True)))
    process = subprocess.Popen([program, "-f", str(file), "-db"], cwd=place.root, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10.0
    while Orders(place).pid() is None:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    yield f"http://127.0.0.1:{plan.port}"
    process.kill()
    process.wait()
    shutil.rmtree(place.root)


@pytest.mark.parametrize("dies_late", [False, True])
def test_a_server_that_died_costs_no_caller_an_answer(server, proxy, dies_late):
    """
    Connections to a killed server are reset, some in the middle of an answer; whoever they are used for gets it whole.
    """
    with ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(base_url=proxy, trust_env=False)) for _ in range(CALLERS)]
        before = [client.post("/").status_code for client in clients for _ in range(2)]
        server.life, server.dies_late = server.life + 1, dies_late
        after = [client.post("/") for client in clients]

    assert before == [200] * (2 * CALLERS)
    assert [(answer.status_code, answer.content == BODY) for answer in after] == [(200, True)] * CALLERS
    assert server.asked > 3 * CALLERS, "none was asked again"
