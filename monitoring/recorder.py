"""Writes down a few of the requests that callers make, to be asked of the next release before it serves.

A request costs one comparison; those that are chosen, one tuple. They are
made out and written by a thread, some seconds later. Kept are the question and
the probabilities: no header, no address, no id of a request.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from monitoring.recorded import PATTERN, RecordedRequest

log = logging.getLogger("football.recorder")

FLUSHED_EVERY_S: Final = 5.0
LONGEST_BODY: Final = 4_096
LONGEST_ANSWER: Final = 262_144
_MOST_OF_A_BATCH: Final = 20
_SPENT: Final = 60.0 / FLUSHED_EVERY_S
# How it was sent, not what was asked; a version that is named is not the one that the next release brings.
_LEFT_OUT: Final = ("force_recalculate", "prediction_type", "explain")

_Asked = tuple[bytes, Mapping[str, str], bytes]


class _Metadata(msgspec.Struct):
    as_of: str


class _Answer(msgspec.Struct):
    """Hold what is kept of an answer; the rest is not even decoded."""

    predicted_at: str
    home_win_prob: float
    draw_prob: float
    away_win_prob: float
    model_name: str
    model_version: str
    metadata: _Metadata


class _Batch(msgspec.Struct):
    predictions: list[msgspec.Raw]


_question = msgspec.json.Decoder(dict[str, Any])
_answer = msgspec.json.Decoder(_Answer)
_batch = msgspec.json.Decoder(_Batch)
_encode = msgspec.json.Encoder().encode


class Recorder:
    """Record requests of one worker. Is told of every answered prediction; never raises, whatever the disk says.

    Args:
        folder: Shared with other workers, each of which has files of its own.
        per_minute: Most requests that are recorded; the first ones of every few seconds.
        per_file: Most lines of a file; two files of a worker are kept.
        most_files: Of all workers, also those that have ended; the oldest are removed when one starts.
    """

    def __init__(self, folder: Path, *, per_minute: int, per_file: int, most_files: int) -> None:
        self._folder, self._per_file, self._most_files = folder, per_file, most_files
        self._at_once = max(round(per_minute / _SPENT), 1)
        self._left = self._at_once
        self._taken: deque[_Asked] = deque(maxlen=self._at_once)
        self._lines = 0
        self._is_failing = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="request-recorder", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what was taken, and end."""
        self._over.set()
        self._thread.join(timeout=FLUSHED_EVERY_S)

    def note(self, body: bytes, parameters: Mapping[str, str], answer: bytes) -> None:
        """Take note of an answered request, if this one is to be recorded."""
        if self._left > 0 and len(body) <= LONGEST_BODY and len(answer) <= LONGEST_ANSWER:
            self._left -= 1
            self._taken.append((body, parameters, answer))

    def flush(self) -> None:
        """Write what was taken since the last time."""
        taken = [self._taken.popleft() for _ in range(len(self._taken))]
        self._left = self._at_once
        lines = [line for asked in taken for line in lines_of(*asked)]
        if not lines:
            return
        try:
            self._write(lines)
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                log.warning("requests cannot be recorded", extra={"reason": str(error)})
            self._is_failing = True

    def _run(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_oldest()
        except OSError as error:
            log.warning("requests cannot be recorded", extra={"reason": str(error)})
        while not self._over.wait(FLUSHED_EVERY_S):
            self.flush()
        self.flush()

    def _write(self, lines: list[bytes]) -> None:
        file = self._folder / f"{os.getpid()}.jsonl"
        if self._lines >= self._per_file:
            file.replace(self._folder / f"{os.getpid()}-before.jsonl")
            self._lines = 0
        with file.open("ab") as opened:
            opened.write(b"\n".join(lines) + b"\n")
        self._lines += len(lines)

    def _remove_oldest(self) -> None:
        files = sorted(self._folder.glob(PATTERN), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[self._most_files - 1 :]:  # one is about to be added
            file.unlink(missing_ok=True)


def lines_of(body: bytes, parameters: Mapping[str, str], answer: bytes) -> Iterator[bytes]:
    """Return an answered request as lines of a record, a batch as several; none where it is not to be asked again."""
    try:
        asked = _question.decode(body or b"{}")
        pairs: Sequence[tuple[Any, bytes | msgspec.Raw]] = [(asked, answer)]
        if isinstance(asked.get("requests"), list):
            pairs = list(zip(asked["requests"], _batch.decode(answer).predictions, strict=True))[:_MOST_OF_A_BATCH]
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return
    for question, told in pairs:
        try:
            line = _line(dict(parameters) | question, _answer.decode(told))
        except (msgspec.MsgspecError, TypeError):  # one of a batch was refused
            continue
        if line is not None:
            yield line


def _line(question: dict[str, Any], answer: _Answer) -> bytes | None:
    if question.get("model_version") is not None:
        return None
    told = {name: value for name, value in question.items() if name not in _LEFT_OUT and value is not None}
    return _encode(
        RecordedRequest(
            at=answer.predicted_at,
            question=told,
            proba=(answer.home_win_prob, answer.draw_prob, answer.away_win_prob),
            model=f"{answer.model_name}:{answer.model_version}",
            as_of=answer.metadata.as_of,
        )
    )
