"""From the bytes of a file to its lines, without guessing.

A whole file that is not what its name says is told apart from a line that
cannot be decoded; only the latter leaves the rest of the file readable.
"""

from __future__ import annotations

import re

from ingest.errors import RowRefused

_HTML = re.compile(rb"\s*<(!doctype|html|head|body|\?xml)", re.IGNORECASE)
_UTF8_BOM = b"\xef\xbb\xbf"


def unreadable(data: bytes) -> str | None:
    """Say why bytes are no text table or JSON of ours at all, or return None."""
    if not data.strip():
        return "the file is empty; save it again from its source"
    if _HTML.match(data.removeprefix(_UTF8_BOM)):
        return (
            "this is a web page (HTML), not data: the download was answered by a page; download the file itself again"
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "this is UTF-16 text; save the file as UTF-8"
    if b"\x00" in data:
        return f"byte {data.index(0) + 1} is zero: this is no text file; a table must be saved as CSV in UTF-8"
    return None


def decoded_lines(data: bytes, *, fallback: str | None = None) -> list[str | RowRefused]:
    """Return the lines of UTF-8 text (with or without BOM); a line that cannot be decoded becomes its refusal.

    Args:
        data: The whole file.
        fallback: Encoding of files that hold no valid UTF-8 beyond ASCII, such as ``"cp1252"``. In a file that
            does, a broken line is damage, and reading it otherwise would turn names into gibberish.

    >>> decoded_lines("Köln".encode("cp1252"), fallback="cp1252")
    ['Köln']
    """
    lines = data.removeprefix(_UTF8_BOM).splitlines()
    decoded = [_decoded(line, "utf-8") for line in lines]
    broken = any(isinstance(line, RowRefused) for line in decoded)
    is_utf8 = any(isinstance(text, str) and not text.isascii() for text in decoded)
    if fallback is None or is_utf8 or not broken:
        return decoded
    return [_decoded(line, fallback) for line in lines]


def undecodable(data: bytes) -> str | None:
    """Name the first byte that is not UTF-8, with its line; None where all of it is."""
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"byte 0x{data[error.start]:02x} in line {data.count(10, 0, error.start) + 1} is not UTF-8; save the file as UTF-8"
    return None


def _decoded(line: bytes, encoding: str) -> str | RowRefused:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        return RowRefused(
            f"byte 0x{line[error.start]:02x} at position {error.start + 1} of the line is not {encoding}; save the file as UTF-8"
        )
