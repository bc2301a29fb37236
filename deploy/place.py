"""Where releases live: one folder, in which nothing needs the trainer, Redis or the network."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SLOTS: Final = ("blue", "green")
"""Two places for a server; the proxy in front sends requests to one of them, or to both while a release is being shifted."""


@dataclass(frozen=True, slots=True)
class Place:
    """Name the files and folders of the releases of one service.

    Attributes:
        root: In FOOTBALL_HOME; all else lies in it.
    """

    root: Path

    @property
    def kept(self) -> Path:
        """Return the folder of the releases that can be served, each complete with its models."""
        return self.root / "kept"

    @property
    def state(self) -> Path:
        """Return the file that says what is to serve."""
        return self.root / "state.json"

    @property
    def journal(self) -> Path:
        """Return the record of what was done, one JSON line each, only ever added to."""
        return self.root / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Return the file that the one who changes anything holds."""
        return self.root / "lock"

    @property
    def keeper_lock(self) -> Path:
        """Return the file that the one who keeps everything running holds."""
        return self.root / "keeper.lock"

    @property
    def requests(self) -> Path:
        """Return the folder in which the slots' servers record some of the requests they get."""
        return self.root / "requests"

    @property
    def reports(self) -> Path:
        """Return the folder of what examinations found, two files each."""
        return self.root / "reports"

    @property
    def cell(self) -> Path:
        """Return the folder in which bentos are examined; there only meanwhile."""
        return self.root / "cell"

    @property
    def cell_lock(self) -> Path:
        """Return the file that the one who examines holds."""
        return self.root / "cell.lock"

    def token(self) -> str:
        """Return the secret with which the metrics of the slots' servers are read; made when first asked for."""
        file = self.root / "token"
        if not file.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with open(number, "w", encoding="ascii") as opened:  # noqa: PTH123 - with a mode, and never another's
                    opened.write(f"deployer_{secrets.token_urlsafe(32)}")
        return file.read_text(encoding="ascii")

    def slot(self, name: str) -> Path:
        """Return the folder of a slot."""
        return self.root / "slots" / name

    def log(self, name: str) -> Path:
        """Return the log of a slot's server, of the proxy or of the keeper."""
        return self.root / "logs" / f"{name}.log"

    def make(self) -> None:
        """Make the folders that are not there yet."""
        for folder in (self.kept, self.root / "logs", *(self.slot(name) for name in SLOTS)):
            folder.mkdir(parents=True, exist_ok=True)


def other(slot: str | None) -> str:
    """Return the slot that is not the given one; the first for none.

    >>> other("blue"), other("green"), other(None)
    ('green', 'blue', 'blue')
    """
    return SLOTS[1] if slot == SLOTS[0] else SLOTS[0]
