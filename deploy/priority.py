"""Which processes have the processor first: those that serve, before one that is started or examined beside them.

Linux shares the processor among sessions first (``sched_autogroup``) and among
the processes of a session then, and each worker has a session of its own. So
it is the session that must stand back; ``nice`` alone changes nothing between
two servers. Where processes are in control groups instead, as in containers and
under systemd, sessions do not count, and only ``nice`` does.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

BEHIND: Final = 15
"""Of ``nice``: some 3 % of the processor where others want all of it, and all that they leave."""
_EVEN: Final = 0
_TRIES: Final = 20
_PAUSE_S: Final = 0.06  # only root may change two sessions within a tenth of a second


class Background:
    """Have a process and those that it starts stand back, and step forward again; never raises.

    Args:
        root: The first of the processes.
    """

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._behind: set[int] = set()

    def stand_back(self) -> None:
        """Have them use what others leave of the processor; to be called again as new ones come."""
        for pid in self._pids() - self._behind:
            _set(pid, BEHIND)
            self._behind.add(pid)

    def step_forward(self) -> None:
        """Have them be like all others again."""
        for pid in self._pids():
            _set(pid, _EVEN)
        self._behind = set()

    def _pids(self) -> set[int]:
        with suppress(psutil.Error):
            return {self._root.pid, *(child.pid for child in self._root.children(recursive=True))}
        return set()


def session_nice(pid: int) -> int | None:
    """Return how far the session of a process stands back; None where sessions do not count or there is no such process.

    >>> session_nice(2**22 + 1) is None
    True
    """
    with suppress(OSError, ValueError):
        return int(_file(pid).read_text().split()[-1])
    return None


def _set(pid: int, nice: int) -> None:
    for _ in range(_TRIES):
        try:
            _file(pid).write_text(str(nice))
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        except OSError:
            return  # it has gone, or there is no such thing here
        else:
            return


def _file(pid: int) -> Path:
    return Path(f"/proc/{pid}/autogroup")
