"""Why a server failed, by what it logged: JSON lines of ours, and tracebacks of what broke before logging was set up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

_REFUSED: Final = "model refused"
_ERROR: Final = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Exit|NotFound|Warning)\b.*")
_NOT_IMPORTED: Final = re.compile(r"attempting to import bento by tag: '(.+)")  # BentoML hides it in its advice
_SHOWN: Final = 400


def refusal_in(log: str) -> str:
    """Return why the loader refused a model, such as a feature that differs from its golden; empty if it did not.

    >>> refusal_in('{"message": "model refused", "model": "football:1", "reasons": ["golden check: elo differ"]}')
    'model football:1 is refused: golden check: elo differ'
    """
    for line in _lines(log):
        if line.get("message") == _REFUSED:
            return f"model {line.get('model')} is refused: {'; '.join(map(str, line.get('reasons', [])))}"
    return ""


def reason_in(log: str) -> str:
    r"""Return the most telling line of a log: a refusal, else the last error, else the last line.

    >>> reason_in("Traceback (most recent call last):\n  File ...\nImportError: no module\nbye")
    'ImportError: no module'
    """
    if told := refusal_in(log):
        return told
    for line in reversed(list(_lines(log))):
        if traceback := str(line.get("traceback") or ""):
            return _shortened(traceback.splitlines()[-1])
    plain = [line.strip() for line in log.splitlines() if line.strip()]
    if hidden := _NOT_IMPORTED.search(log):
        return _shortened(hidden.group(1))
    errors = [line for line in plain if _ERROR.match(line)]
    return _shortened((errors or plain or ["it logged nothing"])[-1])


def _lines(log: str) -> Iterator[Mapping[str, Any]]:
    for line in log.splitlines():
        if line.startswith("{"):
            try:
                decoded = msgspec.json.decode(line)
            except msgspec.DecodeError:
                continue
            if isinstance(decoded, dict):
                yield decoded


def _shortened(line: str) -> str:
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
