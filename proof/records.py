"""One record a request: when, over what, what came back, and what is wrong with it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Trouble = Literal[
    "",
    "refused",
    "broken off",
    "cut short",
    "garbled",
    "no answer",
    "status",
    "item refused",
    "unreadable",
    "other match",
    "unknown version",
    "mixed versions",
    "other numbers",
]
"""What is wrong with a response; empty for one that is as the oracle says.

refused          no connection could be made
broken off       the connection ended before the answer began
cut short        it ended within the answer
garbled          what came is no HTTP answer
no answer        none had come when the driver had waited long enough after its end
status           answered, but not with 2xx
item refused     a batch was answered, but not all of it
unreadable       2xx, but not the answer to a prediction
other match      2xx, but of another match than was asked
unknown version  2xx, of a model version there is no oracle of
mixed versions   2xx, a batch that several versions answered
other numbers    2xx, but not the probabilities of the version that it names
"""

WRONG: Final = frozenset({"unreadable", "other match", "unknown version", "mixed versions", "other numbers"})
"""Those that a caller would have taken for an answer; all others he knows to be none."""


class Record(msgspec.Struct, array_like=True, gc=False):
    """Hold what became of one request. Times by the clock that all processes of a machine share (``time.monotonic``).

    Attributes:
        due: When it was to leave; latencies count from here.
        sent: When it left; later than due where a connection had to be made.
        done: When its answer was complete, or it was known that none comes.
        predictions: How many were asked for.
        is_fresh: Whether it had a connection of its own.
        status: Of HTTP; 0 where none came.
        version: Of the model that the answer names; empty where it names none.
        trouble: See ``Trouble``.
        digest: CRC-32 of the body; 0 where none came.
        seen: The beginning of an answer that is wrong.
    """

    due: float
    sent: float
    done: float
    predictions: int
    is_fresh: bool
    status: int = 0
    version: str = ""
    trouble: Trouble = ""
    digest: int = 0
    seen: str = ""

    @property
    def is_lost(self) -> bool:
        """Return whether the caller got no prediction."""
        return bool(self.trouble) and self.trouble not in WRONG

    @property
    def is_wrong(self) -> bool:
        """Return whether the caller got one that is not so."""
        return self.trouble in WRONG
