"""What an examination found, as a file to read and as one for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from deploy.durable import write_durably

Verdict = Literal["passed", "refused", "not judged"]

_SHOWN: Final[dict[Verdict, str]] = {"passed": "passed", "refused": "REFUSED", "not judged": "-"}


class Check(msgspec.Struct, frozen=True):
    """Hold one thing that was looked at.

    Attributes:
        name: One or two words.
        found: What was measured, in words.
        bound: What it may be, in words; empty where there is no figure.
        reason: Why it was refused or not judged; empty where it passed.
        figures: The same as numbers, by name with unit.
    """

    name: str
    verdict: Verdict
    found: str = ""
    bound: str = ""
    reason: str = ""
    figures: dict[str, float] = {}

    def in_a_line(self) -> str:
        """Return it as a line to read."""
        said = "; ".join(part for part in (self.found, self.reason) if part)
        bound = f" ({self.bound})" if self.bound else ""
        return f"{_SHOWN[self.verdict]:8}{self.name}: {said}{bound}".rstrip(": ")


class Sample(msgspec.Struct, frozen=True):
    """Say what was asked.

    Attributes:
        recorded: Requests that callers made.
        from_store: Fixtures and meetings of the store's teams that stood in for requests there were not.
        left_out: Recorded requests about the past, where a server had not replayed it in time.
    """

    recorded: int = 0
    from_store: int = 0
    left_out: int = 0


class Report(msgspec.Struct, frozen=True):
    """Hold an examination.

    Attributes:
        compared_with: The bento that serves; None for none.
        network: Whether the candidate was cut off from the network, in words.
        at: When it began; UTC, RFC 3339.
    """

    tag: str
    compared_with: str | None
    at: str
    took_s: float
    network: str
    sample: Sample
    checks: tuple[Check, ...]

    @property
    def is_passed(self) -> bool:
        """Return whether nothing was refused and something was judged."""
        return not self.reasons and any(check.verdict == "passed" for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        """Return why the bento is refused, one line a check."""
        return [f"{one.name}: {_why(one)}" for one in self.checks if one.verdict == "refused"]

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain | {"is_passed": self.is_passed}

    def in_words(self) -> str:
        """Return it as a page to read."""
        sample = self.sample
        lines = [
            f"{self.tag}: {'passed' if self.is_passed else 'REFUSED'}",
            f"Examined {self.at}, {self.took_s:.1f} s. Compared with {self.compared_with or 'nothing, as nothing serves'}.",
            f"Network: {self.network}.",
            f"Asked: {sample.recorded} recorded requests, {sample.from_store} meetings of teams of the store.",
            *(
                [f"Left out: {sample.left_out} about the past, which was not at hand in time."]
                if sample.left_out
                else []
            ),
            "",
            *(check.in_a_line() for check in self.checks),
        ]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> Path:
        """Write both files, named for the bento's version, over those of an earlier examination; return the one to read."""
        folder.mkdir(parents=True, exist_ok=True)
        version = self.tag.partition(":")[2]
        plain = msgspec.json.format(msgspec.json.encode(self.to_plain()))
        write_durably(folder / f"{version}.json", plain + b"\n")
        readable = folder / f"{version}.txt"
        write_durably(readable, self.in_words().encode())
        return readable


def not_judged(names: Sequence[str], reason: str) -> list[Check]:
    """Return checks that were not come to."""
    return [Check(name, "not judged", reason=reason) for name in names]


def _why(check: Check) -> str:
    measured = f"{check.found} ({check.bound})" if check.bound else check.found
    return "; ".join(part for part in (check.reason, measured) if part)
