"""Positive controls: a detector that was never seen to fire proves nothing by its silence.

Before every proof some requests go through a relay that breaks off one and
alters a digit in the answer to another. The verdict on them must count one
lost, one wrong, and no more.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

import msgspec

from proof.driver import Driver, Orders
from proof.questions import only_single
from proof.records import Record
from proof.relay import Relay
from proof.verdict import Verdict, verdict_of

REQUESTS_A_SECOND: Final = 100.0
SECONDS: Final = 2.0
_REQUESTS: Final = 100  # of those, among the first so many, two are tampered with


class Controls(msgspec.Struct, frozen=True):
    """Hold what the driver saw through the relay."""

    responses: int
    lost: int
    wrong: int
    troubles: dict[str, int]

    @property
    def are_caught(self) -> bool:
        """Return whether it saw just what the relay did."""
        return (self.lost, self.wrong) == (1, 1) and self.troubles == {"broken off": 1, "other numbers": 1}


def controls_of(orders: Orders) -> Controls:
    """Ask through a relay for some seconds, as ordered but for what is asked, and return what was seen."""
    return _of(verdict_of(asyncio.run(_records(orders)), []))


async def _records(orders: Orders) -> list[Record]:
    draw = random.Random(orders.seed)  # noqa: S311 - keeps no secret
    break_off, alter = draw.sample(range(1, _REQUESTS), 2)
    relay = Relay(orders.host, orders.port, break_off=break_off, alter=alter)
    server = await asyncio.start_server(relay.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    given = msgspec.structs.replace(
        orders,
        host="127.0.0.1",
        port=port,
        mix=only_single(orders.mix),
        rate=REQUESTS_A_SECOND,
        seconds=SECONDS,
        fresh_share=0.3,
    )
    try:
        return await Driver(given).run(asyncio.Event())
    finally:
        server.close()
        await relay.end()


def _of(seen: Verdict) -> Controls:
    troubles: dict[str, int] = {}
    for phase in seen.phases:
        for trouble, count in phase.troubles.items():
            troubles[trouble] = troubles.get(trouble, 0) + count
    return Controls(seen.responses, seen.lost, seen.wrong, troubles)
