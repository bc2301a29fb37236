"""What each fault may cost: the figures by which a proof is passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from proof.marks import Kind


class Row(msgspec.Struct, frozen=True):
    """Hold the bounds of one kind of change.

    Attributes:
        outage_s: Seconds from its beginning in which requests may be lost; 0 for none at all.
        back_s: Seconds until all is back; None where it is not judged.
        silence_s: The longest that nobody may get an answer; None where it is not judged.
        what: In words.
    """

    outage_s: float
    back_s: float | None
    what: str
    silence_s: float | None = None


ROWS: Final[Mapping[Kind, Row]] = {
    "release": Row(0.0, None, "another bento takes over"),
    "rollback": Row(0.0, None, "the bento before takes over again"),
    "kill-worker": Row(0.0, 15.0, "kill -9 of one serving worker"),
    "kill-slot": Row(0.0, 30.0, "kill -9 of all processes of the serving slot"),
    "kill-supervisor": Row(0.0, 10.0, "kill -9 of the process that replaces dead workers; no worker is left over"),
    "kill-proxy": Row(1.0, None, "kill -9 of the proxy: who is connected loses his connection"),
    "stop-worker": Row(0.0, 5.0, "SIGSTOP of one serving worker, SIGCONT later", silence_s=3.0),
}
