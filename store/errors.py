"""What can go wrong in the match store.

StoreError                  any of the below
├── StoreUnavailable        the URL is wrong, or the place cannot be reached or written
├── SchemaMismatch          the store was made by another version of this program
├── UnknownTeam             a source's name that resolves to no team; carries the nearest names
└── NotARoundRobin          a season whose missing pairings cannot be told
"""

from __future__ import annotations

from collections.abc import Sequence


class StoreError(Exception):
    """Stand for any failure of the match store; the message says what to do."""


class StoreUnavailable(StoreError):
    """Say that the store cannot be opened, and why."""


class SchemaMismatch(StoreError):
    """Say which schema version the store has and which one this program reads."""

    def __init__(self, *, found: int, expected: int, place: str) -> None:
        super().__init__(
            f"The match store {place} has schema version {found}, this program reads version {expected}. "
            "Use the program that made it, or point FOOTBALL_DATABASE_URL at a new place and ingest again."
        )
        self.found = found
        self.expected = expected


class UnknownTeam(StoreError):
    """Say that a name resolves to no team, name the nearest ones, and give the command that settles it.

    Attributes:
        nearest: Canonical names of the same association, most similar first.
    """

    def __init__(self, name: str, association: str, nearest: Sequence[str] = ()) -> None:
        hint = f" Nearest known: {', '.join(repr(near) for near in nearest)}." if nearest else ""
        canonical = nearest[0] if nearest else "CANONICAL"
        super().__init__(
            f"Unknown team {name!r} in association {association!r}.{hint} If it is a known club: "
            f'football teams alias {association} "{name}" "{canonical}"; '
            f'if it is a club of its own: football teams add {association} "{name}".'
        )
        self.name = name
        self.association = association
        self.nearest = tuple(nearest)


class NotARoundRobin(StoreError):
    """Say why a season is not a double round robin."""
