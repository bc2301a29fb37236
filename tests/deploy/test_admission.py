"""The proxy before a server that has too much to do, that hangs, and that is well again; for real, with a stand-in server."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import yaml
from ports import free_port

from deploy import proxy
from deploy.admission import admission, own_errors
from deploy.build import CHECKOUT
from deploy.errors import ProxyMissing
from deploy.place import Place
from deploy.plan import Plan
from deploy.proxy import Orders, configuration, haproxy
from deploy.state import State

AT_ONCE = 4
ANSWER_S = 0.02
WAIT_S = 30.0
SHAPE = {"error", "message", "details", "request_id", "timestamp"}


class Server(ThreadingHTTPServer):
    """Answer each request after some time, unless it is told to hang; count what it has at a time."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Slow)
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.lock = threading.Lock()
        self.now = self.most = self.connections = 0

    def handle_error(self, *_) -> None:
        """Say nothing of callers that went away."""


class Slow(BaseHTTPRequestHandler):
    """Answer a check at once, unless the server hangs, and a request after a while."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self):
        self.server.goes_on.wait(WAIT_S)
        self._answer()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        self.server.goes_on.wait(WAIT_S)
        time.sleep(ANSWER_S)
        with self.server.lock:
            self.server.now -= 1
        self._answer()

    def _answer(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    running = [Server(), Server()]
    threads = [threading.Thread(target=one.serve_forever, daemon=True) for one in running]
    for thread in threads:
        thread.start()
    yield running
    for one in running:
        one.goes_on.set()
        one.shutdown()
        one.server_close()


@pytest.fixture
def place(tmp_path) -> Place:
    """Where the proxy takes its orders."""
    return Place(tmp_path)


@pytest.fixture
def start(servers, place) -> Iterator[Callable[..., str]]:
    """Start a proxy before the two servers, blue serving; return its address."""
    processes = []

    def begin(*, standby: str | None = None) -> str:
        try:
            program = haproxy()
        except ProxyMissing as error:
            pytest.skip(str(error))
        ports = (servers[0].server_port, servers[1].server_port)
        plan = Plan("127.0.0.1", free_port(), ports, (50,), 1.0, 1, 2.0, 1.0, 10.0, 5.0, True, 2, AT_ONCE, {})
        state = State(
            serving="blue", standby=standby, tags={"blue": "football:a", "green": "football:b"}, is_wanted=True
        )
        file = place.root / "haproxy.cfg"
        file.write_text(configuration(place, plan, state))
        processes.append(subprocess.Popen([program, "-f", str(file), "-db"], cwd=place.root, stderr=subprocess.DEVNULL))
        end = time.monotonic() + WAIT_S
        while Orders(place).pid() is None:
            assert time.monotonic() < end
            time.sleep(0.02)
        return f"http://127.0.0.1:{plan.port}"

    yield begin
    for process in processes:
        process.kill()
        process.wait()


def post(address: str) -> httpx.Response:
    return httpx.post(address, json={}, timeout=WAIT_S, trust_env=False)


def eagerly_asked(address: str) -> list[httpx.Response]:
    """What sixty callers are answered in four seconds who ask again at once."""
    is_over = threading.Event()

    def ask() -> list[httpx.Response]:
        answers = []
        with httpx.Client(base_url=address, timeout=WAIT_S, trust_env=False) as client:
            while not is_over.is_set():
                answers.append(client.post("/", json={}))
        return answers

    with ThreadPoolExecutor(60) as callers:
        asking = [callers.submit(ask) for _ in range(60)]
        time.sleep(4.0)
        is_over.set()
        return [answer for one in asking for answer in one.result()]


def test_during_a_release_callers_wait_and_nobody_is_refused(start, place):
    """
    The same sixty, who wait a quarter of a second each; nor in the seconds after the release, which leaves a queue behind.
    Later some are refused again.
    """
    address = start()
    Orders(place).have_patience(is_patient=True)
    during = eagerly_asked(address)
    Orders(place).have_patience(is_patient=False)
    just_after = eagerly_asked(address)
    time.sleep(17.0)  # HAProxy forgets what it counted over ten seconds within twenty
    later = eagerly_asked(address)

    assert {answer.status_code for answer in during + just_after} == {200}
    assert {answer.status_code for answer in later} == {200, 503}


def test_while_one_stands_in_for_the_other_nobody_is_refused(servers, start):
    """
    The server that serves is gone; its callers are all answered by the one that stands by, and by the first when it is
    back.
    """
    address = start(standby="green")
    servers[0].shutdown()
    servers[0].server_close()
    end = time.monotonic() + WAIT_S
    while post(address).status_code != 200 and time.monotonic() < end:
        time.sleep(0.1)

    answers = eagerly_asked(address)

    assert {answer.status_code for answer in answers} == {200}
    assert servers[1].most == AT_ONCE
    servers[0].__init__(servers[0].server_port)
    threading.Thread(target=servers[0].serve_forever, daemon=True).start()
    time.sleep(2.0)

    assert {answer.status_code for answer in eagerly_asked(address)} == {200}
    assert servers[0].most == AT_ONCE


def test_a_server_has_no_more_than_its_bound_and_the_rest_is_refused_in_the_one_shape(servers, start):
    """
    Sixty callers that ask again at once: some are answered all the while, some are told 503 with Retry-After; when they
    have gone, whoever asks is answered.
    """
    address = start()

    answers = eagerly_asked(address)

    refused = [answer for answer in answers if answer.status_code != 200]

    assert servers[0].most <= AT_ONCE
    assert {answer.status_code for answer in answers} == {200, 503}
    assert len(answers) - len(refused) > 200
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.json()["error"] for answer in refused} == {"OVERLOADED"}
    assert all(set(answer.json()) == SHAPE for answer in refused)
    assert len({answer.json()["request_id"] for answer in refused}) == len(refused)
    assert post(address).status_code == 200


def test_a_moments_jam_refuses_nobody(servers, start):
    """
    Sixty at once, where four are worked on at a time: all are answered.
    """
    address = start()

    with ThreadPoolExecutor(60) as callers:
        statuses = {answer.status_code for answer in callers.map(lambda _: post(address), range(60))}

    assert statuses == {200}
    assert servers[0].most <= AT_ONCE


def test_who_waits_for_a_server_that_hangs_is_answered_by_the_next(servers, start):
    """
    Nobody is refused, nobody is lost, and the one that stands by takes them.
    """
    address = start(standby="green")
    assert post(address).status_code == 200
    servers[0].goes_on.clear()

    with ThreadPoolExecutor(40) as callers:
        statuses = {answer.status_code for answer in callers.map(lambda _: post(address), range(40))}

    assert statuses == {200}
    assert servers[1].most > 0


def test_more_waiting_callers_than_may_be_do_not_lock_the_proxy_up(servers, start, monkeypatch):
    """
    All places of callers are taken while the only server hangs; when it goes on, they and later ones are answered.
    """
    scale = proxy._MOST_CALLERS // 35
    monkeypatch.setattr(proxy, "_MOST_CONNECTIONS", proxy._MOST_CONNECTIONS // scale)
    monkeypatch.setattr(proxy, "_MOST_CALLERS", proxy._MOST_CALLERS // scale)
    address = start()
    assert post(address).status_code == 200
    servers[0].goes_on.clear()

    with ThreadPoolExecutor(60) as callers:
        waiting = [callers.submit(post, address) for _ in range(60)]
        time.sleep(1.5)
        servers[0].goes_on.set()
        statuses = [one.result().status_code for one in waiting]

    assert statuses == [200] * 60
    assert post(address).status_code == 200


def test_who_was_answered_leaves_his_place_where_few_are_left(servers, start, monkeypatch):
    """
    All places are taken by callers who keep their connections and ask no more; sixty others are answered none the less.
    """
    monkeypatch.setattr(proxy, "_MOST_CONNECTIONS", 230)
    monkeypatch.setattr(proxy, "_MOST_CALLERS", 40)
    address = start()

    with ExitStack() as kept:
        clients = [kept.enter_context(httpx.Client(base_url=address, timeout=5.0, trust_env=False)) for _ in range(60)]
        answers = [client.post("/", json={}) for client in clients]

    assert {answer.status_code for answer in answers} == {200}
    assert ["connection" in answer.headers for answer in answers] == [False] * 32 + [True] * 28


def test_however_many_callers_wait_a_server_is_asked_over_connections_that_it_has(servers, start, monkeypatch):
    """
    Nearly all places of callers are taken; forty requests one after the other need one connection, beside those of checks.
    """
    monkeypatch.setattr(proxy, "_MOST_CONNECTIONS", 230)
    monkeypatch.setattr(proxy, "_MOST_CALLERS", 180)
    address = start()
    port = int(address.rpartition(":")[2])

    with ExitStack() as held, httpx.Client(base_url=address, trust_env=False) as client:
        for _ in range(175):
            held.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert client.post("/", json={}).status_code == 200
        before, begun = servers[0].connections, time.monotonic()
        statuses = [client.post("/", json={}).status_code for _ in range(40)]
        checks = 2 * (time.monotonic() - begun) + 2

    assert statuses == [200] * 40
    assert servers[0].connections - before <= 2 + checks


def test_what_the_proxy_answers_itself_has_the_shape_of_errors(servers, start):
    """
    No server is there: 503 with Retry-After; what is no HTTP: 400.
    """
    address = start()
    for one in servers:
        one.server_close()
        one.shutdown()
    end = time.monotonic() + WAIT_S
    while (answer := post(address)).status_code != 503 and time.monotonic() < end:
        time.sleep(0.1)

    assert set(answer.json()) == SHAPE
    assert (answer.json()["error"], answer.headers["retry-after"]) == ("MODEL_UNAVAILABLE", "1")


@pytest.mark.parametrize("file", ["compose/haproxy.cfg", "kubernetes/base/proxy.yaml"])
def test_the_other_configurations_have_the_same_rules(file):
    """
    Line by line, in compose and in Kubernetes; and servers with a bound, over connections that are kept.
    """
    text = (CHECKOUT / "deploy" / file).read_text()
    if file.endswith(".yaml"):
        maps = [told for told in yaml.safe_load_all(text) if told and told["kind"] == "ConfigMap"]
        text = maps[0]["data"]["haproxy.cfg"]
    table, rules = admission({"football": []}, most_callers=proxy._MOST_CALLERS)

    for line in (table + rules + own_errors()).splitlines():
        assert line in text.splitlines(), line
    assert " maxconn 64 " in text
    kept = [line for line in proxy._CONFIGURATION.splitlines() if "-fd-ratio" in line]
    assert len(kept) == 2
    assert set(kept) <= set(text.splitlines())


def test_messages_are_json_whatever_haproxy_puts_in():
    """
    The texts between the marks of HAProxy's own values.
    """
    for line in own_errors().splitlines():
        text = line.partition("lf-string '")[2].rpartition("'")[0]
        assert (
            set(json.loads(text.replace("%[uuid()]", "x").replace("%[date,utime(%Y-%m-%dT%H:%M:%SZ)]", "x"))) == SHAPE
        )
