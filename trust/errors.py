"""What is said of a bento or a model that is not believed."""

from __future__ import annotations

from collections.abc import Sequence


class Untrusted(Exception):
    """Say why something is not believed; for the log and the operator, never for a caller."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)
