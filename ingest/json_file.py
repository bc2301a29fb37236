"""JSON documents of sources, and what is said of their bad parts."""

from __future__ import annotations

from typing import Any

import msgspec

from ingest.errors import RowRefused
from ingest.text import undecodable, unreadable
from store.rejects import Reject

_SHOWN = 200  # characters of a bad row in its reject


def parsed(data: bytes, origin: str) -> Any | Reject:
    """Return the document, or the one reject that refuses the whole file."""
    reason = unreadable(data) or undecodable(data)
    if reason is None:
        try:
            return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
        except msgspec.DecodeError as error:
            reason = f"this is not valid JSON ({error}); the file may be cut off, download it again"
    return Reject(origin=origin, reason=reason, row="")


def rejected(origin: str, number: int, refusal: RowRefused, row: Any) -> Reject:
    """Return the reject of the numbered row of a document; its text is cut to what a person reads."""
    text = msgspec.json.encode(row).decode()
    return Reject(origin=f"{origin}, match {number}", reason=str(refusal), row=text[:_SHOWN])
