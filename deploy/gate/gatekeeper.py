"""Who decides whether a kept bento may be started in a slot, and writes down why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from deploy import kept, state
from deploy.errors import Refused, StateUnreadable
from deploy.gate.bounds import Bounds
from deploy.gate.cell import swept
from deploy.gate.checks import NAMES
from deploy.gate.last_words import reason_in
from deploy.gate.network import CUT, cutting_command
from deploy.gate.report import Check, Report, Sample, not_judged
from deploy.gate.task import Task
from deploy.lock import held
from deploy.place import Place
from deploy.plan import Plan

_ROOT: Final = str(Path(__file__).resolve().parents[2])
_ENDING_S: Final = 10.0

# What a candidate has no use for stays out of its process altogether.
_SECRET: Final = frozenset({"FOOTBALL_REDIS_URL", "FOOTBALL_CACHE_SECRET"})


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Examine bentos, one at a time.

    Args:
        say: Told what was found, in a line each.
        verify: Looks at a copy before any of it is read or run; raises DeployFailed with the reason to refuse it.
    """

    place: Place
    plan: Plan
    bounds: Bounds
    say: Callable[[str], None]
    verify: Callable[[Path, str], None] | None = None

    def __call__(self, folder: Path, tag: str) -> None:
        """Let a kept bento through, or not. Raises Refused with all reasons, DeployFailed if it cannot be examined."""
        report = self.examined(folder, tag)
        if not report.is_passed:
            reasons = "\n".join(f"  {reason}" for reason in report.reasons)
            readable = self.place.reports / f"{tag.partition(':')[2]}.txt"
            raise Refused(f"{tag} is refused, what served goes on serving:\n{reasons}\nThe report: {readable}")

    def examine_apart(self, tag: str) -> Report:
        """Examine a bento that is not to be released now, from a copy that is removed afterwards. Raises DeployFailed."""
        self.place.make()
        if kept.is_kept(self.place, tag):
            return self.examined(kept.folder_of(self.place, tag), tag)
        with swept(self.place.root / "apart") as folder:
            kept.copy_to(folder / "copy", tag)
            return self.examined(folder / "copy", tag)

    def examined(self, folder: Path, tag: str) -> Report:
        """Examine a copy, write the report and a line of the journal. Raises DeployFailed if it cannot be examined."""
        if self.verify is not None:
            self.verify(folder, tag)
        if (current := self._current(tag)) is not None:
            kept.lend_past(kept.folder_of(self.place, current), folder)
        with held(self.place.cell_lock), swept(self.place.cell) as cell:
            prefix, why_connected = cutting_command(self.plan.environment.get("FOOTBALL_DATABASE_URL", ""))
            report = self._found(prefix, self._task(folder, tag, cell, why_connected))
        file = report.write(self.place.reports)
        for check in report.checks:
            self.say(check.in_a_line())
        verdict = "passed" if report.is_passed else "refused"
        facts = {"reasons": report.reasons} if report.reasons else {}
        state.note(self.place, "examined", tag=tag, verdict=verdict, took_s=report.took_s, report=str(file), **facts)
        return report

    def _task(self, folder: Path, tag: str, cell: Path, why_connected: str) -> Task:
        current = self._current(tag)
        return Task(
            tag=tag,
            folder=str(folder),
            pinned=tuple(kept.models_of(kept.bento_in(folder, tag))),
            current_tag=current,
            current_folder=None if current is None else str(kept.folder_of(self.place, current)),
            cell=str(cell),
            requests=str(self.place.requests),
            why_connected=why_connected,
            plan=self.plan,
            bounds=self.bounds,
        )

    def _current(self, tag: str) -> str | None:
        """Return the release that serves, or served last; None where there is no other than this."""
        with suppress(StateUnreadable):
            current = state.read_state(self.place).tag
            if current is not None and current != tag and kept.is_kept(self.place, current):
                return current
        return None

    def _found(self, prefix: tuple[str, ...], task: Task) -> Report:
        """Have the throw-away process examine; that it fails is a reason to refuse."""
        at, began = state.now(), time.monotonic()
        child = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            (*prefix, sys.executable, "-m", "deploy.gate", str(os.getpid())),
            cwd=_ROOT,
            env={name: value for name, value in os.environ.items() if name not in _SECRET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = child.communicate(msgspec.json.encode(task), timeout=self.bounds.within_s)
            return msgspec.json.decode(out, type=Report)
        except subprocess.TimeoutExpired:
            reason = f"it was not done within {self.bounds.within_s:g} s"
        except msgspec.MsgspecError:
            reason = f"the examining process ended with {child.returncode}: {reason_in(err.decode(errors='replace'))}"
        finally:
            _end(child)
        network = task.why_connected or CUT
        checks = (Check("examination", "refused", reason=reason), *not_judged(NAMES, "the examination failed"))
        return Report(task.tag, None, at, round(time.monotonic() - began, 1), network, Sample(), checks)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask the examining process to end its servers and itself; kill it where that takes long."""
    for order in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            child.send_signal(order)
            with suppress(subprocess.TimeoutExpired):
                child.communicate(timeout=_ENDING_S)
