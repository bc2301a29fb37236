"""What serves now, as it is found: the state, and whether proxy and servers do what it says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from deploy.lock import is_held
from deploy.place import SLOTS, Place
from deploy.plan import Plan
from deploy.proxy import Orders
from deploy.slot import Slot
from deploy.state import State, read_state


@dataclass(frozen=True, slots=True)
class Server:
    """Hold what was found of one slot.

    Attributes:
        part: ``"serving"``, ``"standby"`` or ``"starting"``.
    """

    slot: str
    part: str
    tag: str
    is_ready: bool
    processes: int


@dataclass(frozen=True, slots=True)
class Status:
    """Hold what serves, what was found, and what is wrong with it.

    Attributes:
        troubles: In words; empty where all is as it should be.
        underway: What is being done, or was cut off, in words; None for nothing.
    """

    tag: str | None
    since: str | None
    why: str
    url: str
    servers: tuple[Server, ...]
    underway: str | None
    troubles: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Return whether what should serve does."""
        return not self.troubles

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self) | {"is_well": self.is_well}

    def in_words(self) -> str:
        """Return it as lines to read."""
        if self.tag is None:
            lines = [f"Nothing serves: {self.why}."]
        else:
            lines = [f"{self.tag} serves on {self.url} since {self.since} ({self.why})."]
        for server in self.servers:
            ready = "ready" if server.is_ready else "not ready"
            lines.append(f"  {server.slot}: {server.tag}, {server.part}, {ready}, {server.processes} processes")
        lines += [self.underway] if self.underway else []
        return "\n".join([*lines, *(f"TROUBLE: {trouble}" for trouble in self.troubles)])


def status_of(place: Place, plan: Plan) -> Status:
    """Return what serves. Changes nothing. Raises StateUnreadable."""
    place.make()
    now = read_state(place)
    servers = tuple(_servers(place, plan, now))
    return Status(
        tag=now.tag if now.is_wanted else None,
        since=now.since,
        why=now.why if now.is_wanted or now.tag is None else f"{now.tag} was taken down",
        url=f"http://{plan.host}:{plan.port}",
        servers=servers,
        underway=_underway(place, now),
        troubles=tuple(_troubles(place, now, servers)),
    )


def _servers(place: Place, plan: Plan, now: State) -> list[Server]:
    parts = {now.serving: "serving", now.standby: "standby"} if now.is_wanted else {}
    if now.underway is not None:
        parts.setdefault(now.underway.slot, "starting")
    found = []
    for name, part in parts.items():
        if name is not None and name in now.tags:
            slot = Slot(place, plan, name)
            found.append(Server(name, part, now.tags[name], slot.is_ready(), len(slot.processes())))
    return found


def _underway(place: Place, now: State) -> str | None:
    if now.underway is None:
        return None
    doing = f"{now.underway.what} of {now.underway.tag}, {now.underway.step} since {now.underway.began_at}"
    if is_held(place.lock):
        return f"Under way: {doing}."
    return f"Cut off: {doing}. The next release or rollback cleans up."


def _troubles(place: Place, now: State, servers: tuple[Server, ...]) -> list[str]:
    if not now.is_wanted:
        return []
    troubles = [] if is_held(place.keeper_lock) else ["nothing starts again what dies: run football keep"]
    if Orders(place).pid() is None:
        troubles.append(f"the proxy does not run; see {place.log('proxy')}")
    elif not is_held(place.lock):  # while something is being done, several may have a part
        troubles += _strays(place, now)
    return troubles + [
        f"the {server.part} server in slot {server.slot} is not ready; see {place.log(server.slot)}"
        for server in servers
        if server.part != "starting" and not server.is_ready
    ]


def _strays(place: Place, now: State) -> list[str]:
    """Say which servers get requests that should not."""
    shares = {slot: Orders(place).counts(slot) for slot in SLOTS if slot != now.serving}
    return [
        f"slot {slot} ({now.tags.get(slot, 'empty')}) gets requests, too; the next release or rollback ends that"
        for slot, counts in shares.items()
        if counts.status.startswith("UP") and counts.weight > 0
    ]
