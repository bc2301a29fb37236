"""A folder is read once: links, pipes and giants are refused, and what is hashed is what is handed on."""

from __future__ import annotations

import hashlib
import os

import pytest

import trust.files
from trust.errors import Untrusted
from trust.files import differences, read_file, read_folder
from trust.manifest import SignedFile


@pytest.fixture
def folder(tmp_path):
    """A folder with a file, and one in a folder within."""
    inside = tmp_path / "folder"
    (inside / "src").mkdir(parents=True)
    (inside / "a.txt").write_bytes(b"first")
    (inside / "src" / "b.txt").write_bytes(b"second")
    return inside


def test_all_files_are_read_with_their_digests(folder):
    """
    Bytes and digest belong together; what is left out at the top is not read.
    """
    files = read_folder(folder)

    assert {path: file.content for path, file in files.items()} == {"a.txt": b"first", "src/b.txt": b"second"}
    assert all(file.sha256 == hashlib.sha256(file.content).hexdigest() for file in files.values())
    assert list(read_folder(folder, leaving_out={"src"})) == ["a.txt"]


def link_file(folder):
    (folder / "src" / "odd").symlink_to(folder / "a.txt")


def link_folder(folder):
    (folder / "src" / "odd").symlink_to(folder)


def link_nowhere(folder):
    (folder / "src" / "odd").symlink_to("nowhere")


def pipe(folder):
    os.mkfifo(folder / "src" / "odd")


def giant(folder):
    with (folder / "src" / "odd").open("wb") as file:
        file.truncate(trust.files.MOST_FILE_BYTES + 1)


@pytest.mark.parametrize("plant", [link_file, link_folder, link_nowhere, pipe, giant])
def test_what_is_no_plain_file_is_refused_by_name(folder, plant):
    """
    A link is not followed, a pipe not waited for, a giant not read; each is named.
    """
    plant(folder)

    with pytest.raises(Untrusted, match="src/odd: "):
        read_folder(folder)


def test_a_name_cannot_write_lines_of_its_own(folder):
    """
    A planted name with a line end, a terminal's command or no UTF-8 is shown as what it is.
    """
    for name in (b"x\nok    bento: as signed", b"\x1b[2J", b"\xff"):
        (folder / os.fsdecode(name)).write_bytes(b"")

    told = "; ".join(differences(read_folder(folder), {}))

    assert told.isascii()
    assert told.isprintable()


def test_one_file_is_read_or_is_not_there(folder):
    """
    A missing file is none, a large one and a link are refused.
    """
    link_file(folder)

    assert read_file(folder, "a.txt", most_bytes=5) == b"first"
    assert read_file(folder, "c.txt", most_bytes=5) is None
    with pytest.raises(Untrusted, match="5 bytes, expected at most 4"):
        read_file(folder, "a.txt", most_bytes=4)
    with pytest.raises(Untrusted, match="symbolic link"):
        read_file(folder / "src", "odd", most_bytes=5)


def test_differences_are_named(folder):
    """
    Altered, missing and extra files are each said; the same files differ in nothing.
    """
    signed = {path: SignedFile(path, file.sha256, len(file.content)) for path, file in read_folder(folder).items()}
    assert differences(read_folder(folder), signed) == []

    (folder / "a.txt").write_bytes(b"fir\0t")
    (folder / "src" / "b.txt").rename(folder / "src" / "c.txt")

    assert differences(read_folder(folder), signed) == [
        "a.txt was altered", "src/b.txt is missing", "src/c.txt was not signed",
    ]  # fmt: skip
