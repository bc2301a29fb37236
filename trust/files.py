"""Reading a folder once: no link is followed, and what is hashed is what is handed on.

Whoever swaps a file after it was read changes nothing: no path is opened again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from trust.errors import Untrusted
from trust.manifest import SignedFile

MOST_FILE_BYTES: Final = 268_435_456
MOST_FILES: Final = 10_000
_SHOWN: Final = 5
_TOP: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC  # a store may lie behind a link; what is in it may not
_FOLDER: Final = _TOP | os.O_NOFOLLOW
# Opening a pipe that nobody writes to would wait for ever without O_NONBLOCK.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class HeldFile(NamedTuple):
    """Hold the bytes of a file, and the SHA-256 of these very bytes."""

    content: bytes
    sha256: str


def read_folder(folder: Path, *, leaving_out: Collection[str] = ()) -> dict[str, HeldFile]:
    """Read all files of a folder by their path within it, sorted; names at its top may be left out.

    Raises:
        Untrusted: If anything in it is neither a file nor a folder, is too large, or cannot be opened.
        FileNotFoundError: If the folder, or a file that was seen in it, is not there.
    """
    faults: list[str] = []
    with _opened(folder, _TOP) as top:
        found = dict(_walk(top, "", leaving_out, faults))
    if faults:
        raise Untrusted(_few(faults))
    return dict(sorted(found.items()))


def read_file(folder: Path, name: str, *, most_bytes: int) -> bytes | None:
    """Return one file of a folder, None if it is not there.

    Raises:
        Untrusted: If it is no file, or too large.
    """
    try:
        with _opened(folder, _TOP) as top:
            return _content(top, name, most_bytes)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Untrusted([f"{name}: {_reason(error)}"]) from error


def differences(found: Mapping[str, HeldFile], signed: Mapping[str, SignedFile]) -> list[str]:
    """Return in words how files differ from what was signed; empty if they are the same, to the byte."""
    missing = [f"{path} is missing" for path in signed if path not in found]
    extra = [f"{_plain(path)} was not signed" for path in found if path not in signed]
    altered = [
        f"{path} was altered"
        for path, file in found.items()
        if path in signed and (signed[path].sha256, signed[path].size) != (file.sha256, len(file.content))
    ]
    return _few(altered + missing + extra)


def _walk(folder: int, place: str, leaving_out: Collection[str], faults: list[str]) -> Iterator[tuple[str, HeldFile]]:
    with os.scandir(folder) as entries:
        listed = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    for name, is_folder in listed[:MOST_FILES]:
        path = place + name
        if not place and name in leaving_out:
            continue
        try:
            if is_folder:
                with _opened(name, _FOLDER, folder) as inner:
                    yield from _walk(inner, f"{path}/", (), faults)
            else:
                content = _content(folder, name, MOST_FILE_BYTES)
                yield path, HeldFile(content, hashlib.sha256(content).hexdigest())
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            faults.append(f"{_plain(path)}: {_reason(error)}")
    if len(listed) > MOST_FILES:
        faults.append(f"{_plain(place) or 'it'} holds {len(listed)} files, expected at most {MOST_FILES}")


@contextmanager
def _opened(path: str | Path, flags: int, folder: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _content(folder: int, name: str, most_bytes: int) -> bytes:
    with _opened(name, _FILE, folder) as descriptor:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("neither a file nor a folder")
        if about.st_size > most_bytes:
            raise ValueError(f"{about.st_size} bytes, expected at most {most_bytes}")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(about.st_size + 1)
    if len(content) != about.st_size:
        raise ValueError("it changed while it was read")
    return content


def _plain(path: str) -> str:
    """Return a path as it can be shown: a name that somebody planted must not write lines of its own."""
    return path if path.isascii() and path.isprintable() else ascii(path)


def _reason(error: OSError | ValueError) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return "a symbolic link" if error.errno == errno.ELOOP else f"it cannot be opened ({error.strerror})"


def _few(reasons: list[str]) -> list[str]:
    more = len(reasons) - _SHOWN
    return reasons if more <= 0 else [*reasons[:_SHOWN], f"and {more} more files"]
