"""Releasing, rolling back and taking back: which server gets the requests, changed without losing one.

What is to serve stands in the state, written before the proxy is told. Whoever
comes after a process that was cut off reads it and makes it so: see
``converge``.
"""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import msgspec

from deploy import kept, state, traffic
from deploy.errors import Breach, NotKept, NotWritten, ProxyMissing
from deploy.lock import held, is_held
from deploy.place import SLOTS, Place, other
from deploy.plan import TOKEN, Plan
from deploy.proxy import FULL, Orders, haproxy
from deploy.served import previous_tag
from deploy.slot import Slot
from deploy.state import State, Underway

Examine = Callable[[Path, str], None]
"""Looks at a kept bento before it is started; raises DeployFailed with the reason to refuse it."""

_PROXY_S: Final = 10.0
_PAUSE_S: Final = 0.1
_MOST_STEPS_LONGER: Final = 3
_SHARE: Final = 0.99
_DISK_TROUBLES: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES})


class Releases:
    """Change what serves, one change at a time.

    Args:
        say: Told what is done, in a line each.
        keeper: The command that keeps servers and proxy running; started where none does.
    """

    def __init__(self, place: Place, plan: Plan, say: Callable[[str], None], keeper: tuple[str, ...]) -> None:
        self._place, self._plan, self._say, self._keeper = place, plan, say, keeper
        self._orders = Orders(place)

    def release(self, tag: str, examine: Examine) -> State:
        """Have a bento serve; whatever goes wrong, what served before goes on serving.

        Raises:
            DeployFailed: If it was refused or taken back, with the reason.
        """
        with self._alone() as before:
            if before.tag == tag and before.is_wanted:
                self._say(f"{tag} serves already.")
                return before
            with self._noted("release", tag), self._patience(before):
                folder = kept.keep(self._place, tag)
                self._say(f"Examining {tag}.")
                examine(folder, tag)
                slot = other(before.serving)
                started = self._started(before, "release", tag, folder)
                self._shift(started, slot)
                after = self._switched(started, slot, "release", f"release of {tag}")
            self._forget_old(after)
            return after

    def roll_back(self, tag: str | None, examine: Examine) -> State:
        """Have an earlier bento serve again, at once: the one before, or any that is kept.

        Raises:
            DeployFailed: If there is none, it is refused, or its server does not come up.
        """
        with self._alone() as before:
            target = tag or previous_tag(state.history(self._place), kept.kept_tags(self._place))
            if target is None or not kept.is_kept(self._place, target):
                known = ", ".join(kept.kept_tags(self._place)) or "none"
                raise NotKept(f"There is no {target or 'earlier release'} to roll back to; kept are: {known}.")
            if before.tag == target and before.is_wanted:
                self._say(f"{target} serves already.")
                return before
            with self._noted("rollback", target), self._patience(before):
                slot, at_hand = other(before.serving), before
                examine(kept.folder_of(self._place, target), target)
                stands_by = before.standby == slot and before.tags.get(slot) == target
                if not (stands_by and self._slot(slot).is_ready()):
                    at_hand = self._started(before, "rollback", target, kept.folder_of(self._place, target))
                # What was rolled back from must not step in again.
                return self._switched(at_hand, slot, "rollback", f"rollback to {target}", has_standby=False)

    def down(self) -> None:
        """Stop proxy and servers. The state keeps what served, and the next release or rollback starts anew."""
        with held(self._place.lock):
            now = state.read_state(self._place)
            state.write_state(self._place, msgspec.structs.replace(now, is_wanted=False, underway=None, standby=None))
            end = time.monotonic() + _PROXY_S
            while (is_held(self._place.keeper_lock) or self._orders.pid() is not None) and time.monotonic() < end:
                time.sleep(_PAUSE_S)
            for name in SLOTS:
                self._slot(name).stop()
            state.note(self._place, "down", tag=now.tag)

    @contextmanager
    def _alone(self) -> Iterator[State]:
        haproxy()  # said before anything is changed
        self._place.make()
        with held(self._place.lock), self._disk():
            kept.sweep(self._place)
            if (cut := state.read_state(self._place).underway) is not None:
                state.note(self._place, "cut off", tag=cut.tag, step=cut.step)
                end = "finished" if cut.step == state.SWITCHING else "undone"
                self._say(f"A {cut.what} of {cut.tag} was cut off while {cut.step}; it is {end}.")
            yield self.converge()

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _DISK_TROUBLES:
                raise
            told = f"{error.strerror}: {error.filename or self._place.root}"
            raise NotWritten(f"{told}. Nothing was changed, or it is undone. Mend that, and try again.") from error

    @contextmanager
    def _noted(self, what: str, tag: str) -> Iterator[None]:
        """Write down how a change ends; one that fails, or is interrupted, is taken back."""
        began = time.monotonic()
        state.note(self._place, f"{what} begun", tag=tag, pid=os.getpid())
        try:
            yield
        except BaseException as error:
            reason = str(error) or type(error).__name__
            with suppress(OSError):  # a full disk must not keep the proxy from being told
                state.note(self._place, f"{what} failed", tag=tag, reason=reason, took_s=_took(began))
            self.converge()
            raise
        state.note(self._place, f"{what} done", tag=tag, took_s=_took(began))

    @contextmanager
    def _patience(self, now: State) -> Iterator[None]:
        """Have callers wait rather than be refused, as a change takes a part of the processor, and a server begins cold."""
        if now.running:
            self._orders.have_patience(is_patient=True)
        yield
        self._orders.have_patience(is_patient=False)

    def converge(self) -> State:
        """Make it so that what the state says serves, and nothing else; the work of a process that was cut off is undone.

        To be called by the one who holds the lock.
        """
        now = state.read_state(self._place)
        if now.running:
            self._ensure_kept_running()
            self._tell(now)
            self._orders.have_patience(is_patient=False)
        for name in SLOTS:
            if name not in now.running:
                self._slot(name).stop()
        if now.underway is not None:
            now = state.write_state(self._place, msgspec.structs.replace(now, underway=None))
        return now

    def _tell(self, now: State) -> None:
        """Tell the proxy who has which part, the new ones first, so that there is always one."""
        if now.serving is not None:
            self._orders.serve_from(now.serving)
            self._orders.end_standby(now.serving)
        for name in SLOTS:
            if name == now.standby:
                self._orders.stand_by(name)
                self._orders.drain(name)
            elif name != now.serving:
                self._orders.retire(name)

    def _started(self, now: State, what: str, tag: str, folder: Path) -> State:
        """Start a bento in the slot that does not serve, and wait until it is ready."""
        slot = self._slot(other(now.serving))
        now = self._step(now, what, tag, slot.name, "making room")
        if now.running:
            self._orders.retire(slot.name)
        slot.stop()
        now = self._step(now, what, tag, slot.name, "starting")
        self._say(f"Starting {tag} in slot {slot.name}.")
        slot.mount(folder)
        # A rollback is in a hurry, and where nothing serves nobody is in the way.
        is_behind = self._plan.stands_back and what == "release" and now.is_wanted
        slot.wait_ready(slot.start(tag), stands_back=is_behind)
        return self._step(now, what, tag, slot.name, state.SHIFTING)

    def _step(self, now: State, what: str, tag: str, slot: str, step: str) -> State:
        at = now.underway.began_at if now.underway is not None else state.now()
        standby = None if now.standby == slot else now.standby
        tags = now.tags | {slot: tag}
        return state.write_state(
            self._place,
            msgspec.structs.replace(now, standby=standby, tags=tags, underway=Underway(what, tag, slot, step, at)),
        )

    def _shift(self, now: State, slot: str) -> None:
        """Give the new server more and more of the requests, and look how it does. Raises Breach."""
        if now.serving is None or not now.is_wanted:
            return
        old, new = self._slot(now.serving), self._slot(slot)
        before = {one.name: self._seen(one) for one in (old, new)}
        for percent in self._plan.steps:
            self._orders.serve_from(now.serving, FULL - percent)
            self._orders.serve_from(slot, percent)
            self._say(f"{percent} % of the requests go to {new.name}.")
            self._watch(old, new, before)
        self._say("All requests go to it.")

    def _watch(self, old: Slot, new: Slot, before: dict[str, traffic.Look]) -> None:
        for _ in range(_MOST_STEPS_LONGER):
            time.sleep(self._plan.step_s)
            seen = self._seen(new).since(before[new.name])
            if seen.failures:
                raise Breach(f"{seen.failures:.0f} of {seen.answers:.0f} requests failed in the new server.")
            usual = self._seen(old).since(before[old.name]).quantile_s(_SHARE)
            bound = max(self._plan.least_slow_s, self._plan.most_slowdown * usual)
            if (slow := seen.quantile_s(_SHARE)) > bound:
                raise Breach(f"The new server's 99th percentile is {slow * 1e3:g} ms, the bound {bound * 1e3:g} ms.")
            if seen.answers >= self._plan.fewest_answers:
                return

    def _seen(self, slot: Slot) -> traffic.Look:
        try:
            return traffic.look(slot.url, self._plan.environment.get(TOKEN, ""))
        except httpx.HTTPError as error:
            raise Breach(f"The server in slot {slot.name} no longer gives its metrics: {error}") from error

    def _switched(self, now: State, slot: str, what: str, why: str, *, has_standby: bool | None = None) -> State:
        """Have a started slot serve alone, and see the old one off.

        The state says that it is under way until the proxy does what it says: cut off in between, the old server answers.
        """
        has_standby = self._plan.has_standby if has_standby is None else has_standby
        old = now.serving if now.is_wanted else None
        now = state.write_state(
            self._place,
            msgspec.structs.replace(
                now,
                serving=slot,
                standby=old if has_standby else None,
                since=state.now(),
                why=why,
                underway=Underway(what, now.tags[slot], slot, state.SWITCHING, state.now()),
                is_wanted=True,
            ),
        )
        models = kept.models_in(self._place, now.tags[slot])
        state.note(self._place, "serving", tag=now.tag, slot=slot, why=why, models=models)
        self._ensure_kept_running()
        self._orders.serve_from(slot)
        self._orders.end_standby(slot)
        if old is not None:
            self._drain(old)
        self._tell(now)
        if old is not None and not has_standby:
            self._slot(old).stop()
        now = state.write_state(self._place, msgspec.structs.replace(now, underway=None))
        self._say(f"{now.tag} serves on http://{self._plan.host}:{self._plan.port}.")
        return now

    def _drain(self, slot: str) -> None:
        self._orders.drain(slot)
        end = time.monotonic() + self._plan.drain_within_s
        while self._orders.counts(slot).current and time.monotonic() < end:
            time.sleep(_PAUSE_S)

    def _ensure_kept_running(self) -> None:
        """Start the keeper where there is none, and wait for the proxy. Raises ProxyMissing."""
        if not is_held(self._place.keeper_lock):
            with self._place.log("keeper").open("ab") as log:
                subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                    self._keeper,
                    env=dict(os.environ) | dict(self._plan.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        end = time.monotonic() + _PROXY_S
        while self._orders.pid() is None:
            if time.monotonic() > end:
                raise ProxyMissing(
                    f"HAProxy did not come up on {self._plan.host}:{self._plan.port}; see {self._place.log('proxy')}"
                )
            time.sleep(_PAUSE_S)

    def _forget_old(self, now: State) -> None:
        for tag in kept.forget_old(self._place, self._plan.kept, set(now.tags.values())):
            state.note(self._place, "forgotten", tag=tag)

    def _slot(self, name: str) -> Slot:
        return Slot(self._place, self._plan, name)


def _took(began: float) -> float:
    return round(time.monotonic() - began, 3)
