"""What a save reports: counts, corrections, new teams and refused rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from store.rejects import Reject


@dataclass(frozen=True, slots=True)
class Correction:
    """Say that a known value of a match was replaced, as ``column: before -> after``."""

    match_id: str
    column: str
    before: object
    after: object
    text: str


@dataclass(slots=True)
class SaveReport:
    """Say what became of the rows of a call; every row is counted once, in a count or in ``rejects``.

    Attributes:
        inserted, updated, unchanged: Numbers of rows.
        corrections: Replaced values; a result that arrives for a fixture is none.
        new_teams: Ids of teams that this store had not met before.
        match_ids: Ids of the rows that were kept, by position in the call.
        revision: Revision of the store after the call.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    corrections: list[Correction] = field(default_factory=list)
    new_teams: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    match_ids: dict[int, str] = field(default_factory=dict)
    revision: int = 0

    @property
    def changed(self) -> int:
        """Return how many rows changed the store."""
        return self.inserted + self.updated
