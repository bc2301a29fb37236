"""Ports for the servers that tests start."""

from __future__ import annotations

import random
import socket
from pathlib import Path

FIRST = 10_000
CHOSEN_BY_THE_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")
_chance = random.SystemRandom()  # hypothesis seeds the usual one, and servers of two processes must not meet


def free_port() -> int:
    """Give a port that nobody listens on, below those that the system gives to connections.

    A server takes seconds until it listens, and until then any connection of any test could come to have a port of theirs.
    """
    below = int(CHOSEN_BY_THE_SYSTEM.read_text().split()[0]) if CHOSEN_BY_THE_SYSTEM.exists() else 32_768
    while True:
        port = _chance.randrange(FIRST, below) if below > 2 * FIRST else 0
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
