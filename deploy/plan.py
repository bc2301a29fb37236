"""What a release may take: the values of the settings that deploying goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TOKEN: Final = "FOOTBALL_OPERATOR_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable with the key that opens the metrics of a slot's server."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold ports, steps and bounds of a release.

    Attributes:
        host, port: Where callers reach the service.
        slot_ports: Where the servers of the two slots listen, on the same host.
        steps: Percent of the traffic that the new server gets, one step after the other, before it gets all.
        step_s: Length of a step; a step in which the new server answered less than ``fewest_answers`` takes up to
            three times as long.
        fewest_answers: See ``step_s``; a quiet service need not wait for traffic it does not have.
        most_slowdown: 99th percentile of the new server's times over that of the old one, above which it is taken back.
        least_slow_s: A 99th percentile up to which nothing is called slow.
        ready_within_s: A server that takes longer to be ready is given up.
        drain_within_s: The longest that an old server's last requests are waited for.
        has_standby: Whether the old server stays, to step in and to be rolled back to at once.
        kept: How many releases are kept to roll back to, the serving one included.
        at_once: Requests that a server works on at a time; more wait at the proxy.
        environment: What servers are started with, above what the caller's environment has.
        stands_back: Whether what is examined and started has only what serving leaves of the processor.
    """

    host: str
    port: int
    slot_ports: tuple[int, int]
    steps: tuple[int, ...]
    step_s: float
    fewest_answers: int
    most_slowdown: float
    least_slow_s: float
    ready_within_s: float
    drain_within_s: float
    has_standby: bool
    kept: int
    at_once: int
    environment: Mapping[str, str]
    stands_back: bool = True
