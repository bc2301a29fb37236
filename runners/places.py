"""Where each of many texts stands, kept so that it can be copied and changed without holding up other threads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# One C call copies a dictionary, and no other thread runs meanwhile: 90,000 texts in one would take 2 ms.
PARTS: Final = 32


class Places:
    """Map texts to places. Never changed once made; ``moved`` makes the next one.

    >>> places = Places().moved((), ["a", "b", "c"], 0)
    >>> places.get("c"), places.moved(["b"], ["c"], 1).get("c"), places.get("d")
    (2, 1, None)
    """

    def __init__(self) -> None:
        self._parts: tuple[dict[str, int], ...] = tuple({} for _ in range(PARTS))

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __contains__(self, text: str) -> bool:
        return text in self._parts[hash(text) % PARTS]

    def get(self, text: str) -> int | None:
        """Return the place of a text, None for one that is not there."""
        return self._parts[hash(text) % PARTS].get(text)

    def moved(self, gone: Iterable[str], texts: Iterable[str], first: int) -> Places:
        """Return the places once some texts are gone and others stand, one after another, from a place on."""
        after = Places()
        for part, before in zip(after._parts, self._parts, strict=True):
            part.update(before)
        for text in gone:
            after._parts[hash(text) % PARTS].pop(text, None)
        for place, text in enumerate(texts, first):
            after._parts[hash(text) % PARTS][text] = place
        return after
