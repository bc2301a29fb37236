"""Bytes that are no text of ours, and lines that cannot be decoded."""

import pytest

from ingest.errors import RowRefused
from ingest.text import decoded_lines, undecodable, unreadable


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\n <!DOCTYPE html><html>", "HTML"),
        (b"\xef\xbb\xbf<html>", "HTML"),
        ("Div,Date".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04\x00", "no text file"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_is(data, reason):
    """Web pages, UTF-16 and binary files are refused as wholes."""
    assert reason in (unreadable(data) or "")


def test_a_plain_table_is_readable():
    """A table, with BOM or without, is not mistaken for a web page."""
    assert unreadable(b"\xef\xbb\xbfDiv,Date\n") is None


def test_a_bom_is_no_part_of_the_first_column():
    """The byte order mark is dropped."""
    assert decoded_lines(b"\xef\xbb\xbfDiv\r\nE0\r\n") == ["Div", "E0"]


def test_cp1252_is_read_only_where_nothing_is_utf8():
    """A file without any valid UTF-8 letter is read by the fallback; in another one the line is damage."""
    western = "Köln\nNürnberg".encode("cp1252")
    mixed = "Köln\n".encode() + "Nürnberg".encode("cp1252")

    assert decoded_lines(western, fallback="cp1252") == ["Köln", "Nürnberg"]
    first, second = decoded_lines(mixed, fallback="cp1252")
    assert first == "Köln"
    assert isinstance(second, RowRefused)
    assert "0xfc at position 2" in str(second)


def test_a_byte_that_no_encoding_has_is_named():
    """cp1252 leaves five bytes undefined; such a line is refused, and the others are read."""
    good, bad = decoded_lines(b"K\xf6ln\nabc\x81", fallback="cp1252")

    assert good == "Köln"
    assert "0x81 at position 4" in str(bad)


def test_undecodable_json_names_byte_and_line():
    """A JSON file cannot be read in part, so the first bad byte is named with its line."""
    assert undecodable("Köln".encode()) is None
    assert undecodable(b'{\n"a":\n"\xff"}') == "byte 0xff in line 3 is not UTF-8; save the file as UTF-8"
