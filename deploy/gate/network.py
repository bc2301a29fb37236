"""Cutting a process off from the network: a namespace of its own, in which there is nothing but itself."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
from pathlib import Path
from typing import Final

CUT: Final = "cut off"
_ROUTES: Final = Path("/proc/net/route")
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _UP = 0x8913, 0x8914, 0x1
_REQUEST: Final = "16sH14x"
_PROBE_S: Final = 5.0


def cutting_command(database_url: str) -> tuple[tuple[str, ...], str]:
    """Return what to put before a command to cut it off, and why it cannot be, where it cannot.

    As root a namespace of the network is enough; another user needs one of users, too, where the system allows it.
    """
    if not database_url.startswith("sqlite:"):
        return (), "not cut off: the match store is reached through it"
    unshare = shutil.which("unshare")
    if unshare is None:
        return (), "not cut off: the program unshare is not installed"
    option = "--net" if os.geteuid() == 0 else "-rn"
    told = subprocess.run(  # noqa: S603 - a program of the system, no shell
        (unshare, option, "true"), capture_output=True, text=True, timeout=_PROBE_S, check=False
    )
    if told.returncode:
        return (), f"not cut off: {told.stderr.strip() or 'unshare failed'}"
    return (unshare, option, "--"), ""


def is_cut() -> bool:
    """Return whether this process has no route to anywhere."""
    try:
        return len(_ROUTES.read_text(encoding="ascii").splitlines()) <= 1  # its first line is a heading
    except OSError:
        return False


def raise_loopback() -> None:
    """Have 127.0.0.1 answer in a new namespace. Raises OSError if this process may not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        told = fcntl.ioctl(asked, _SIOCGIFFLAGS, struct.pack(_REQUEST, b"lo", 0))
        (_, flags) = struct.unpack(_REQUEST, told)
        fcntl.ioctl(asked, _SIOCSIFFLAGS, struct.pack(_REQUEST, b"lo", flags | _UP))
