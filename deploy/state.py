"""What is to serve: one small file, replaced whole, that every command and the keeper go by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from deploy.durable import append_durably, write_durably
from deploy.errors import StateUnreadable
from deploy.place import Place

SHIFTING: Final = "shifting traffic"
SWITCHING: Final = "giving it all requests"


class Underway(msgspec.Struct, frozen=True):
    """Say what is being done; found by a later command, it was cut off there.

    Attributes:
        what: ``"release"`` or ``"rollback"``.
        tag: Of the bento.
        slot: Where it is started.
        step: The last one that was begun.
        began_at: UTC, RFC 3339.
    """

    what: str
    tag: str
    slot: str
    step: str
    began_at: str


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold which slot serves which bento.

    Attributes:
        serving: The slot that all requests go to once nothing is underway; None before the first release.
        standby: The slot that steps in where the serving one cannot be reached; None for neither.
        tags: The bento in each slot.
        since: When the serving one took over; UTC, RFC 3339.
        why: What made it so, in a few words.
        underway: What is being done just now.
        is_wanted: Whether servers and proxy are to be kept running.
    """

    serving: str | None = None
    standby: str | None = None
    tags: dict[str, str] = {}
    since: str | None = None
    why: str = "nothing was released yet"
    underway: Underway | None = None
    is_wanted: bool = False

    @property
    def tag(self) -> str | None:
        """Return the bento that serves."""
        return None if self.serving is None else self.tags.get(self.serving)

    @property
    def running(self) -> dict[str, str]:
        """Return slot to bento of all that is to be kept running, a release that is underway left out."""
        slots = [slot for slot in (self.serving, self.standby) if slot is not None and self.is_wanted]
        return {slot: self.tags[slot] for slot in slots if slot in self.tags}


def read_state(place: Place) -> State:
    """Return the state; an empty one before the first release. Raises StateUnreadable."""
    try:
        return msgspec.json.decode(place.state.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except (msgspec.MsgspecError, OSError) as error:
        raise StateUnreadable(
            f"{place.state} cannot be read: {error}. What was done is in {place.journal}; "
            "move the file away and release again."
        ) from error


def write_state(place: Place, state: State) -> State:
    """Make a state the one that counts, and return it."""
    write_durably(place.state, msgspec.json.format(msgspec.json.encode(state)) + b"\n")
    return state


def note(place: Place, what: str, **facts: object) -> None:
    """Add a line to the journal."""
    append_durably(place.journal, msgspec.json.encode({"at": now(), "what": what} | facts))


def history(place: Place) -> list[Mapping[str, Any]]:
    """Return the journal, oldest first; a line that was cut off is left out."""
    if not place.journal.exists():
        return []
    lines: list[Mapping[str, Any]] = []
    for line in place.journal.read_bytes().splitlines():
        try:
            lines.append(msgspec.json.decode(line, type=dict[str, Any]))
        except msgspec.MsgspecError:
            continue
    return lines


def now() -> str:
    """Return this instant in UTC, RFC 3339."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
