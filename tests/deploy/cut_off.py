"""Releases and rolls back again and again, each time cut short at a later operation, and says what callers saw.

    python cut_off.py HOW EVERY ROOT PORT BLUE GREEN

HOW is ``killed``; ``traced``, which kills at system calls by strace, a process for each, and takes half an hour with EVERY
2; or ``full``: from that operation on, the disk takes nothing more.

The deployer, HAProxy, the keeper, the state and BentoML's store are real. Behind HAProxy stands a small HTTP server
instead of a bento, which starts in a tenth of a second: what is looked at is the deployer. Prints one JSON object.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from stand_in import ask, keeper_of, plan_of

from deploy.admission import MARK, TABLE
from deploy.errors import DeployFailed
from deploy.place import SLOTS, Place
from deploy.proxy import Orders
from deploy.release import Releases
from deploy.slot import Slot
from deploy.state import read_state
from deploy.status import status_of

TAGS = ("football:one", "football:two", "football:three")
CHANGING = frozenset(
    [
        "os.rename",
        "os.remove",
        "os.mkdir",
        "os.rmdir",
        "os.symlink",
        "os.kill",
        "os.fsync",
        "subprocess.Popen",
        "socket.connect",
        "fcntl.flock",
    ]
)
"""Python's audit events of what changes files and processes; opening for writing is looked at apart, orders are connections."""

CALLS = (
    "write,pwrite64,sendfile,copy_file_range,sendto,connect,ftruncate,fsync,fdatasync,flock,rename,renameat,renameat2,link,"
    "linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,chmod,fchmod,utimensat,kill,tgkill,pidfd_send_signal,"
    "fork,vfork,clone,clone3"
)
"""System calls that change files and processes."""

FAILED = 9
MOST_ROUNDS = 500


class Trial:
    """Change what serves, be killed meanwhile, and look what became of it."""

    def __init__(self, how: str, every: int, root: Path, port: int, slots: tuple[int, int]) -> None:
        self.how, self.every, self.place, self.plan = how, every, Place(root / "releases"), plan_of(root, port, slots)
        self._releases = Releases(self.place, self.plan, lambda _: None, keeper_of(root, port, slots))
        self._state, self._status = lambda: read_state(self.place), lambda: status_of(self.place, self.plan)
        self.kinds: Counter[str] = Counter()
        self.patient = 0
        self._points: list[tuple[str, int]] = []  # system calls of a change, in order: which, and its so-manieth

    def release(self, tag: str) -> None:
        self._releases.release(tag, examine=lambda _folder, _tag: None)

    def roll_back(self, tag: str) -> None:
        self._releases.roll_back(tag, examine=lambda _folder, _tag: None)

    def next_tag(self) -> str:
        """The one of three that is neither served nor kept, so that it has to be copied and an old one goes."""
        return TAGS[(TAGS.index(self._state().tag) + 1) % len(TAGS)]

    def previous_tag(self) -> str:
        return TAGS[(TAGS.index(self._state().tag) - 1) % len(TAGS)]

    def cut_everywhere(self, change: Callable[[str], None], target: Callable[[], str]) -> int:
        """Cut a change short at one operation after the other until it gets through; return how often it was."""
        if self.how == "traced":
            self._record(change, tag := target())
            self._make_room(change, tag)
        cut = 0
        for rounds in range(MOST_ROUNDS):
            tag, at = target(), 1 + rounds * self.every
            if self._was_cut(change, tag, at=at):
                cut += 1
                self._require_truth()
                assert not self._was_cut(change, tag, at=0), "the second time failed"
            elif self.how != "traced" or at > len(self._points):
                return cut
            self._require_order(tag)
            self._make_room(change, tag)
        raise AssertionError(f"not through after {MOST_ROUNDS} rounds")

    def _make_room(self, change: Callable[[str], None], tag: str) -> None:
        """Have something to roll back from again, after a rollback."""
        if change == self.roll_back:
            assert not self._was_cut(self.release, TAGS[(TAGS.index(tag) + 1) % 3], at=0)

    def _record(self, change: Callable[[str], None], tag: str) -> None:
        """Take note of all system calls of a change. When it is made again there may be some more or fewer."""
        assert self._strace(change, tag, []) == (0, "")
        seen: Counter[str] = Counter()
        self._points = []
        for name in self._called():
            seen[name] += 1
            self._points.append((name, seen[name]))

    def _has_patience(self) -> bool:
        return f"{MARK}=1" in Orders(self.place)._ask(f"show table {TABLE}")

    def _was_cut(self, change: Callable[[str], None], tag: str, *, at: int) -> bool:
        """Run a change in a process of its own that is cut short at its so-manieth operation; 0 for never."""
        status, kind = (self._traced if self.how == "traced" else self._forked)(change, tag, at)
        self.kinds.update([kind] if kind else [])
        assert status in ({-signal.SIGKILL, FAILED} if kind else {0}), f"the change ended with {status}"
        return bool(kind)

    def _traced(self, change: Callable[[str], None], tag: str, at: int) -> tuple[int, str]:
        """Return how a change ended that strace kills at a system call, and at which."""
        if not 0 < at <= len(self._points):
            return self._strace(change, tag, [])
        name, count = self._points[at - 1]  # strace counts the calls of each name for themselves
        print(f"{at} of {len(self._points)}: {name} {count}", file=sys.stderr, flush=True)
        return self._strace(change, tag, ["-e", f"inject={name}:signal=SIGKILL:when={count}"])

    def _strace(self, change: Callable[[str], None], tag: str, injected: list[str]) -> tuple[int, str]:
        ports = (self.plan.port, *self.plan.slot_ports)
        told = (change.__name__, str(self.place.root.parent), *map(str, ports), tag)
        tracing = ["strace", "-qq", "-o", str(self._log), "-e", f"trace={CALLS}", *injected]
        status = subprocess.run([*tracing, sys.executable, __file__, "once", *told], check=False).returncode
        return status, self._called()[-1] if status == -signal.SIGKILL else ""

    @property
    def _log(self) -> Path:
        return self.place.root.parent / "strace.log"

    def _called(self) -> list[str]:
        """Return the system calls of the process that was traced last, in order."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line.partition("(")[0] for line in lines if "(" in line and not line.startswith("+++")]

    def _forked(self, change: Callable[[str], None], tag: str, at: int) -> tuple[int, str]:
        """Return how a change ended that watches its own operations, and at which it was cut short."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            watch = (_killing if self.how == "killed" else _filling)(at, write)
            sys.addaudithook(watch)
            _announce_syncs(watch)
            os._exit(_code(change, tag))
        os.close(write)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with os.fdopen(read, "rb") as told:
            return status, told.read().decode()

    def _require_truth(self) -> None:
        """Look whether the status names who answers, and says that a change was cut off where one was."""
        told, now = self._status(), self._state()
        strays = " ".join(told.troubles)
        self.patient += self._has_patience()
        for _ in range(4):
            answered = ask(self.plan.port)
            assert answered == told.tag or answered in strays, f"{answered} answers, the status says {told}"
        assert (now.underway is None) == (told.underway is None)
        assert told.underway is None or "Cut off" in told.underway, told.underway
        assert all("gets requests" in trouble for trouble in told.troubles), told.troubles
        assert not strays or now.underway is not None, told

    def _require_order(self, tag: str) -> None:
        """Look whether the target serves alone, and whether anything was left behind."""
        now = self._state()
        assert (now.tag, now.underway) == (tag, None), now
        assert not self._has_patience(), "callers wait as during a release"
        assert {ask(self.plan.port) for _ in range(4)} == {tag}
        for name in SLOTS:
            found = len(Slot(self.place, self.plan, name).processes())
            assert found == int(name in now.running), f"{found} processes in slot {name}, running are {now.running}"
        kept = sorted(folder.name for folder in self.place.kept.iterdir())
        assert len(kept) <= 3, kept
        assert not [name for name in kept if name.startswith(".")], kept


def _code(change: Callable[[str], None], tag: str) -> int:
    """Return the exit code of a change: 0, ``FAILED`` where it said why, or 1."""
    try:
        change(tag)
    except DeployFailed:
        return FAILED
    except BaseException:  # noqa: BLE001 - told to the parent by the exit code
        traceback.print_exc()
        return 1
    return 0


def _killing(at: int, told: int) -> Callable[[str, tuple[object, ...]], None]:
    left = at

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in CHANGING or _is_write(event, arguments):
            left -= 1
            if left == 0:
                os.write(told, event.encode())
                os.kill(os.getpid(), signal.SIGKILL)

    return watch


def _filling(at: int, told: int) -> Callable[[str, tuple[object, ...]], None]:
    left = at

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        # A file that is there already, such as a lock or a log, can be opened on a full disk.
        takes_room = _is_write(event, arguments) and not str(arguments[0]).endswith(("lock", ".log"))
        if takes_room or event in {"os.mkdir", "os.rename", "os.symlink", "os.fsync"}:
            left -= 1
            if left == 0:
                os.write(told, event.encode())
            if at and left <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return watch


def _is_write(event: str, arguments: tuple[object, ...]) -> bool:
    return event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))


def _announce_syncs(watch: Callable[[str, tuple[object, ...]], None]) -> None:
    """Have syncs of files looked at like all else; Python tells of them to nobody."""
    sync = os.fsync

    def announced(number: int) -> None:
        watch("os.fsync", (number,))
        sync(number)

    os.fsync = announced


def _callers(port: int, stop: int, told: int) -> None:
    """Ask all the time, until the other end of a pipe is closed; then tell how many answers were had and lost."""
    os.set_blocking(stop, False)
    asked, lost = 0, []
    while True:
        try:
            if os.read(stop, 1) == b"":
                break
        except BlockingIOError:
            pass
        asked += 1
        try:
            ask(port)
        except (OSError, HTTPException, ValueError) as error:
            lost.append(f"{type(error).__name__}: {error}")
        time.sleep(0.002)
    os.write(told, json.dumps({"asked": asked, "lost": lost[:20]}).encode())


def once(change: str, root: Path, port: int, blue: int, green: int, tag: str) -> int:
    """Change what serves, in this process; return the exit code."""
    trial = Trial("once", 1, root, port, (blue, green))
    return _code(trial.release if change == "release" else trial.roll_back, tag)


def main() -> None:
    if sys.argv[1] == "once":
        change, root, port, blue, green, tag = sys.argv[2:]
        sys.exit(once(change, Path(root), int(port), int(blue), int(green), tag))
    how, every, root, port = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    slots = int(sys.argv[5]), int(sys.argv[6])
    trial = Trial(how, every, root, port, slots)
    trial.place.make()
    for tag in TAGS[:2]:
        trial.release(tag)
    stop, keep_asking = os.pipe()
    answers, told = os.pipe()
    callers = os.fork()
    if callers == 0:
        os.close(keep_asking)
        _callers(port, stop, told)
        os._exit(0)
    os.close(stop)
    os.close(told)
    try:
        released = trial.cut_everywhere(trial.release, trial.next_tag)
        rolled_back = trial.cut_everywhere(trial.roll_back, trial.previous_tag)
    finally:
        os.close(keep_asking)
        with os.fdopen(answers, "rb") as heard:
            seen = json.loads(heard.read())
        os.waitpid(callers, 0)
        trial._releases.down()
    print(
        json.dumps(
            seen | {"release": released, "rollback": rolled_back, "kinds": trial.kinds, "patient": trial.patient}
        )
    )


if __name__ == "__main__":
    main()
