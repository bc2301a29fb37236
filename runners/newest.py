"""Which saved version of a model is the newest, and whether its files have come to rest.

Asks for the time that a model says it was made at, not for the order in which
versions came into the store: one that is brought back from elsewhere is no newer for it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runners.saved import FACTS, is_saved, place_of, versions_of

REST_S: Final = 2.0
_CREATED: Final = re.compile(rb"^creation_time: '?([-+:.T0-9]+)'?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Show a saved version: when it was made, and a mark that changes whenever its files do."""

    name: str
    version: str
    created_at: dt.datetime
    mark: str


class Lookout:
    """Look for saved versions; reads files, so not on the event loop.

    Args:
        rest_s: Seconds without any change after which a version counts as whole.
        clock: In seconds, never going back.
    """

    def __init__(self, *, rest_s: float = REST_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest_s, self._clock = rest_s, clock
        self._created: dict[Path, tuple[int, dt.datetime | None]] = {}
        self._seen: dict[str, tuple[Candidate, float]] = {}  # by model name, and since when

    def newest(self, name: str) -> Candidate | None:
        """Return the saved version that was made last; None if there is none that says when it was made."""
        dated = ((self._created_at(name, version), version) for version in versions_of(name))
        newest = max(((created, version) for created, version in dated if created is not None), default=None)
        return None if newest is None else Candidate(name, newest[1], newest[0], _mark_of(place_of(name, newest[1])))

    def find(self, name: str, version: str) -> Candidate | None:
        """Return one saved version; None if it is not there or does not say when it was made."""
        created = self._created_at(name, version) if is_saved(name, version) else None
        return None if created is None else Candidate(name, version, created, _mark_of(place_of(name, version)))

    def rested(self, name: str) -> Candidate | None:
        """Return the newest version once its files have not changed for a while; None before."""
        found = self.newest(name)
        if found is None:
            self._seen.pop(name, None)
            return None
        if name not in self._seen or self._seen[name][0] != found:
            self._seen[name] = (found, self._clock())
        return found if self._clock() - self._seen[name][1] >= self._rest_s else None

    def _created_at(self, name: str, version: str) -> dt.datetime | None:
        file = place_of(name, version) / FACTS
        try:
            changed_ns = file.stat().st_mtime_ns
            if file not in self._created or self._created[file][0] != changed_ns:
                self._created[file] = (changed_ns, _created_in(file.read_bytes()))
        except OSError:
            return None
        return self._created[file][1]


def _created_in(facts: bytes) -> dt.datetime | None:
    """Return when a model was made, from what it says of itself: one line of a thousand, found without reading YAML."""
    found = _CREATED.search(facts)
    try:
        moment = None if found is None else dt.datetime.fromisoformat(found[1].decode())
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _mark_of(folder: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.rglob("*")):
        try:
            told = file.stat()
        except OSError:  # it went meanwhile, which the next look will show
            continue
        digest.update(f"{file.relative_to(folder)} {told.st_ino} {told.st_size} {told.st_mtime_ns}\n".encode())
    return digest.hexdigest()
