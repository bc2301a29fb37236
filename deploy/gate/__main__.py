"""The throw-away process: reads its task, examines, writes its report to standard output as JSON."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import msgspec

from deploy.gate.cell import sweep
from deploy.gate.examination import Examination
from deploy.gate.network import is_cut, raise_loopback
from deploy.gate.task import Task
from deploy.priority import BEHIND

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_ENDED: Final = 143


def main() -> None:
    """Examine what the task names; whatever happens, the servers are ended."""
    signal.signal(signal.SIGTERM, _end)
    os.nice(BEHIND)
    _end_with(int(sys.argv[1]))
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    if not task.why_connected and is_cut():
        raise_loopback()
    try:
        report = Examination(task).report()
    finally:
        sweep(Path(task.cell))
    sys.stdout.buffer.write(msgspec.json.encode(report))


def _end_with(parent: int) -> None:
    """Have the system end this process when its parent is gone, however that ended."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(_ENDED)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(_ENDED)


if __name__ == "__main__":
    main()
