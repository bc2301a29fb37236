"""What the throw-away process is told, through its standard input: a password in a store's address is in no file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.gate.bounds import Bounds
from deploy.plan import Plan


@dataclass(frozen=True, slots=True)
class Task:
    """Hold which bento to examine beside which.

    Attributes:
        folder: Of the kept copy.
        pinned: Full tags of the models that the bento pins.
        current_folder, current_tag: Of the release that serves; None for none.
        cell: An empty folder, in which all of it happens.
        requests: Where requests are recorded.
        why_connected: Why the process is not cut off from the network; empty where it is.
    """

    tag: str
    folder: str
    pinned: tuple[str, ...]
    current_tag: str | None
    current_folder: str | None
    cell: str
    requests: str
    why_connected: str
    plan: Plan
    bounds: Bounds

    @property
    def current(self) -> tuple[Path, str] | None:
        """Return folder and tag of the release that serves."""
        if self.current_tag is None or self.current_folder is None:
            return None
        return Path(self.current_folder), self.current_tag
