"""Rows of numbers that lie in a file and are read when they are asked for."""

from __future__ import annotations

import logging
import os
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np

from features.batch import Array

log = logging.getLogger("football.timeline")

FEWEST_LAID_DOWN: Final = 4_096  # rows; fewer are not worth a file


class LaidDown:
    """Hold the rows of an array in a file, and none of them in memory.

    Each is read when it is asked for: in a mapped file they would stay resident once they were.
    What is held open stays readable, also when the file's name is gone.

    Args:
        descriptor: Of the file; closed with this object.
        start: Place of the first row in it, in bytes.
        width: Numbers of a row.
    """

    def __init__(self, descriptor: int, *, start: int, width: int, dtype: np.dtype[np.float64]) -> None:
        self._descriptor, self._start, self._width, self._dtype = descriptor, start, width, dtype
        weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, values: Array) -> Self:
        """Write rows into a temporary file without a name, which goes with this object. Raises OSError."""
        with tempfile.TemporaryFile(prefix="football-features-") as file:
            file.write(np.ascontiguousarray(values).data)
            file.flush()
            return cls(os.dup(file.fileno()), start=0, width=values.shape[1], dtype=values.dtype)

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Open rows that ``numpy.save`` wrote. Raises OSError, ValueError if it is no two-dimensional array of numbers."""
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, is_by_column, dtype = np.lib.format.read_array_header_1_0(file)
            if len(shape) != 2 or is_by_column or dtype != np.float64:
                raise ValueError(f"{path} holds {dtype} of shape {shape}, expected rows of float64")
            return cls(os.dup(file.fileno()), start=file.tell(), width=shape[1], dtype=dtype)

    def __getitem__(self, places: Sequence[int]) -> Array:
        """Return rows by their places. Shape (n, f). Raises OSError if the file is shorter than it was."""
        found = np.empty((len(places), self._width), dtype=self._dtype)
        row_bytes = self._width * self._dtype.itemsize
        for place, row in zip(places, found, strict=True):
            if os.preadv(self._descriptor, [row.data], self._start + place * row_bytes) != row_bytes:
                raise OSError(f"row {place} of the features of old matches cannot be read")
        return found


def laid_down(values: Array) -> Array | LaidDown:
    """Return the same rows from a file; few rows, or all where no file can be written, stay in memory. Shape (n, f)."""
    if len(values) < FEWEST_LAID_DOWN:
        return values
    try:
        return LaidDown.of(values)
    except OSError as error:  # such as a full disk
        log.warning("features of old matches stay in memory", extra={"reason": str(error)})
        return values
