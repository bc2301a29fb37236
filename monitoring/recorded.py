"""The form in which requests are recorded: one JSON line each, for whoever asks them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

PATTERN: Final = "*.jsonl"


class RecordedRequest(msgspec.Struct, frozen=True):
    """Hold a request for a prediction and what was answered.

    Attributes:
        at: When the answer was computed; UTC, RFC 3339.
        question: The body of ``POST /v1/predictions/predict`` that asks the same.
        proba: Home, draw, away, as answered.
        model: Name and version of the model that answered.
        as_of: The instant that the answer stood for.
    """

    at: str
    question: dict[str, Any]
    proba: tuple[float, float, float]
    model: str
    as_of: str


_line = msgspec.json.Decoder(RecordedRequest)


def recorded_in(folder: Path) -> list[RecordedRequest]:
    """Return all recorded requests of a folder, the newest first; lines that were cut off are left out."""
    files = sorted(folder.glob(PATTERN)) if folder.is_dir() else []
    return sorted((one for file in files for one in _read(file)), key=lambda one: one.at, reverse=True)


def _read(file: Path) -> Iterator[RecordedRequest]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:  # it was replaced meanwhile
        return
    for line in lines:
        try:
            yield _line.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
