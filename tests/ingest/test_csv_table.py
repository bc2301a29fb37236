"""CSV files as rows by column name."""

from __future__ import annotations

from ingest.csv_table import read_table
from ingest.errors import RowRefused


def _cells(data: bytes, *required: str):
    return [row.cells for row in read_table(data, "a.csv", required=required).rows]


def test_columns_are_found_by_name():
    """Moved columns, repeated ones and other separators change nothing; of a repeated name the first counts."""
    expected = [{"A": "1", "B": "2"}]

    assert _cells(b"A,B\n1,2\n", "A", "B") == expected
    assert _cells(b"B;A\n2;1\n", "A", "B") == expected
    assert _cells(b"A\tB\tA\n1\t2\t9\n", "A", "B") == expected


def test_empty_rows_and_columns_are_skipped():
    """Trailing commas and blank lines, as spreadsheets leave them, are no rows and no values."""
    assert _cells(b"\nA,B,,\n1,2,,\n,,,\n\n3\n", "A") == [{"A": "1", "B": "2", "": ""}, {"A": "3", "B": "", "": ""}]


def test_a_value_without_a_column_is_refused():
    """A line with more values than columns has a comma too many, so none of its cells can be trusted."""
    (cells,) = _cells(b"A,B\nFC, Nord,2\n", "A")

    assert isinstance(cells, RowRefused)
    assert "3 values for 2 columns" in str(cells)


def test_an_open_quote_is_refused():
    """A quote that does not close takes its own line with it and no other."""
    broken, whole = _cells(b'A,B\n"1,2\n3,4\n', "A")

    assert isinstance(broken, RowRefused)
    assert whole == {"A": "3", "B": "4"}


def test_a_missing_column_refuses_the_file_and_lists_what_is_there():
    """The message names what is missing and what was found."""
    table = read_table(b"A,B\n1,2\n", "a.csv", required=("A", "C"))

    assert table.refusal == "the columns C are missing; the header has: A, B"
    assert not table.rows


def test_a_header_that_cannot_be_decoded_refuses_the_file():
    """Without a header no row has a meaning."""
    table = read_table(b"A,\xff\n1,2\n", "a.csv", required=("A",))

    assert "header (line 1)" in (table.refusal or "")
