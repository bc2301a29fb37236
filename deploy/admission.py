"""Who is let in while more is asked than can be answered: lines of HAProxy's configuration.

A server works on so many requests at a time and no more; the others wait at the
proxy, where waiting costs nothing and where another server can take them over.
Without that bound a server that has fallen behind once never catches up: it
works for callers that have gone, and what they had asked is asked again.

What would wait longer than ``_SOON_MS`` is refused at once, but only where more
comes in than goes out for longer than a moment: after a queue that was long for
a second without a break, and until it is short for a second (as the controlled
delay of Nichols and Jacobson, 2012). Where next to nothing is answered, nobody
is refused: a server that hangs is given up within three seconds, and those who
waited for it are answered by the next. Nothing at all would be too little to
ask for: the counts of a dead server's last second, of answers and of short
queues, come to nothing some milliseconds apart.

While a release takes its part of the processor, and while a server that stands
by answers for one that died, nobody is refused, and callers wait for as long as
the hop has them wait; nor for ten seconds after that, for a new server is cold,
and what was asked meanwhile is still to be answered. Of a release the deployer
tells by a mark in the table.

Who has been answered keeps his connection, unless four in five of all that
callers may have are taken: then he is told that it is closed, and it goes to
somebody who waits for one. Else callers who ask nothing would have them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_SOON_MS: Final = 50
_ALL: Final = 1_000_000
"""More requests than can wait."""

TABLE: Final = "flow"
MARK: Final = "gpt0"
"""Of the table's only entry, whose key is 1: whether a release is under way."""

_SHORT: Final = 32
"""Requests that may always wait; so few are answered soon, unless each of them is long."""

# One line of counters, for all callers together: answers, requests that met a short queue, refusals; a second each.
_TABLE: Final = """\
backend {table}
  stick-table type integer size 1 store {mark},gpc(3),gpc_rate(3,1s)
"""
_STAND_IN_TABLE: Final = """\
backend standing-in
  stick-table type integer size 1 store gpc0_rate(10s)
"""
_STAND_IN: Final = """\
  http-request track-sc1 int(1) table standing-in
  http-request sc-inc-gpc0(1) if {used}
"""
_IS_RELEASING: Final = f"{{ sc_get_{MARK}(0) gt 0 }}"
_IS_STANDING_IN: Final = "{ sc_gpc0_rate(1) gt 0 }"
_RULES: Final = """\
  http-request track-sc0 int(1) table {table}
{stand_in}  http-response sc-inc-gpc(0,0)
  http-after-response set-header connection close if {{ fe_conn gt {most_kept} }}
  http-request set-var(txn.soon) sc_gpc_rate(0,0),div({parts}),add({short})
  http-request set-var(txn.soon) int({everybody}) if {patience}
{waiting}  acl is_long var(txn.waiting),sub(txn.soon) gt 0
  acl was_short sc_gpc_rate(1,0) gt 0
  acl is_answering sc_gpc_rate(0,0) gt 9
  acl is_refusing sc_gpc_rate(2,0) gt 0
  http-request sc-inc-gpc(1,0) if !is_long
  http-request set-var(txn.refused) bool(true) if is_long is_answering is_refusing or is_long is_answering !was_short
  http-request sc-inc-gpc(2,0) if {{ var(txn.refused) -m bool }}
  http-request return status 503 {body} hdr Retry-After 1 if {{ var(txn.refused) -m bool }}
"""
_BODY: Final = (
    "content-type application/json lf-string "
    '\'{{"error":"{code}","message":"{message}","details":{{}},"request_id":"%[uuid()]",'
    '"timestamp":"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"}}\''
)
_OWN: Final = {
    400: ("INVALID_REQUEST", "This is no request of HTTP/1.1 that can be read. Send another."),
    408: ("BODY_TIMEOUT", "The request did not come to its end in time. Send it at once."),
    502: ("MODEL_UNAVAILABLE", "No server gave a whole answer. Ask again in a moment."),
    503: ("MODEL_UNAVAILABLE", "No server can answer now. Ask again in a moment."),
    504: ("DEADLINE_EXCEEDED", "No server answered in time. Try again, or send fewer items at a time."),
}
_RETRY_AFTER: Final = frozenset({502, 503})


def admission(queues: Mapping[str, Sequence[str]], *, most_callers: int, spares: Sequence[str] = ()) -> tuple[str, str]:
    """Return a table, which is a backend of its own, and the rules of the frontend.

    Args:
        queues: Backend in which requests wait for room, to the names of the server that they wait for. While it is up under
            none of them, it gets no more, and who waits for it is in nobody's way. No names: they wait for any server.
        most_callers: Connections that callers may have.
        spares: Names under which servers stand in; while one of them is asked, another starts again. None: nobody does.
    """
    lines = ["  http-request set-var(txn.waiting) int(0)\n"]
    for backend, servers in queues.items():
        is_up = " or ".join(f"{{ srv_is_up({server}) }}" for server in servers)
        condition = f" if {is_up}" if servers else ""
        lines.append(f"  http-request set-var(txn.waiting) queue({backend}),add(txn.waiting){condition}\n")
    busy = _BODY.format(code="OVERLOADED", message="More is asked than can be answered in time. Ask again in a moment.")
    table, stand_in, patience = _TABLE.format(table=TABLE, mark=MARK), "", _IS_RELEASING
    if spares:
        used = " or ".join([*(f"{{ srv_sess_rate({server}) gt 0 }}" for server in spares), _IS_RELEASING])
        table, stand_in = table + _STAND_IN_TABLE, _STAND_IN.format(used=used)
        patience += f" or {_IS_STANDING_IN}"
    most_kept = most_callers * 4 // 5
    bounds = {"most_kept": most_kept, "parts": 1_000 // _SOON_MS, "everybody": _ALL, "short": _SHORT}
    asked = {"stand_in": stand_in, "patience": patience, "waiting": "".join(lines)}
    return table, _RULES.format(table=TABLE, body=busy, **asked, **bounds)


def own_errors() -> str:
    """Return what the proxy itself answers, in the one shape of the API's errors."""
    return "".join(
        f"  http-error status {status} {_BODY.format(code=code, message=message)}"
        f"{' hdr Retry-After 1' if status in _RETRY_AFTER else ''}\n"
        for status, (code, message) in _OWN.items()
    )
