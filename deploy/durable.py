"""Files that are whole or not there, also after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(file: Path, content: bytes) -> None:
    """Put a file in place of an older one, which stays until the new one is safe on the disk."""
    aside = file.with_name(f".{file.name}.new")
    with aside.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    aside.replace(file)
    sync_folder(file.parent)


def append_durably(file: Path, line: bytes) -> None:
    """Add a line to a file. One that was cut off before is closed first, so that it cannot swallow this one."""
    with file.open("a+b") as opened:
        size = opened.seek(0, os.SEEK_END)
        if size:
            opened.seek(size - 1)
            line = line if opened.read(1) == b"\n" else b"\n" + line
        opened.write(line + b"\n")
        opened.flush()
        os.fsync(opened.fileno())


def sync_folder(folder: Path) -> None:
    """Have the disk know which files a folder holds."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
