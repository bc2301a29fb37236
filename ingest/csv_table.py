"""CSV files as rows by column name, each with its line.

Columns are found by name wherever they stand. Of a name that repeats the
first column counts. A file that is no such table is refused as a whole.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ingest.errors import RowRefused
from ingest.text import decoded_lines, unreadable
from store.rejects import Reject

_SHOWN = 200  # characters of a bad line in its reject

Record = TypeVar("Record")

Fields = Mapping[str, str]
"""Cells by column name, stripped; empty where the line ends early."""


@dataclass(frozen=True, slots=True)
class Row:
    """Hold one line: where it stands, its text, and its cells or why it has none."""

    line: int
    text: str
    cells: Fields | RowRefused


@dataclass(frozen=True, slots=True)
class Table:
    """Hold the rows of a file, or the reason why all of it is refused."""

    origin: str
    columns: Sequence[str]
    rows: Sequence[Row]
    refusal: str | None = None

    def records(self, to_record: Callable[[Fields, str], Record]) -> Iterator[Record | Reject]:
        """Turn each row into a record; ``to_record`` gets the cells and the origin, and may raise RowRefused."""
        if self.refusal is not None:
            yield Reject(origin=self.origin, reason=self.refusal, row="")
        for row in self.rows:
            try:
                if isinstance(row.cells, RowRefused):
                    raise row.cells
                yield to_record(row.cells, f"{self.origin}, line {row.line}")
            except RowRefused as refusal:
                yield Reject(origin=self.origin, line=row.line, reason=str(refusal), row=row.text[:_SHOWN])


def read_table(data: bytes, origin: str, *, required: Sequence[str], fallback: str | None = None) -> Table:
    """Read a CSV file with a header line, separated by commas, semicolons or tabs.

    Args:
        data: The whole file.
        origin: Its name, for people.
        required: Columns without which the whole file is refused.
        fallback: Encoding of files that are not UTF-8.
    """
    reason = unreadable(data)
    if reason is not None:
        return Table(origin, (), (), reason)
    lines = decoded_lines(data, fallback=fallback)
    start = next((number for number, line in enumerate(lines) if not isinstance(line, str) or line.strip()), 0)
    header = lines[start]
    if not isinstance(header, str):
        return Table(origin, (), (), f"the header (line {start + 1}) cannot be read: {header}")
    separator = max(",;\t", key=header.count)
    columns = [name.strip() for name in next(csv.reader([header], delimiter=separator))]
    missing = [name for name in required if name not in columns]
    if missing:
        found = ", ".join(filter(None, columns))[:_SHOWN]
        return Table(origin, columns, (), f"the columns {', '.join(missing)} are missing; the header has: {found}")
    rows = [_row(number + 1, lines[number], columns, separator) for number in range(start + 1, len(lines))]
    return Table(origin, columns, [row for row in rows if row is not None])


def _row(number: int, line: str | RowRefused, columns: Sequence[str], separator: str) -> Row | None:
    """Return the row of one line, None for one without any value. A cell never spans lines."""
    if isinstance(line, RowRefused):
        return Row(number, "", line)
    try:
        values = [value.strip() for value in next(csv.reader([line], delimiter=separator, strict=True), [])]
    except csv.Error as error:
        return Row(number, line, RowRefused(f"the quotes of this line do not close ({error})"))
    if not any(values):
        return None
    if any(values[len(columns) :]):
        return Row(number, line, RowRefused(f"the line has {len(values)} values for {len(columns)} columns"))
    cells = dict.fromkeys(columns, "")
    cells.update(reversed(list(zip(columns, values, strict=False))))
    return Row(number, line, cells)
