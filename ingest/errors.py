"""What can go wrong while matches are taken in.

IngestError           any of the below; nothing of the source could be read
├── SourceMissing     no file, folder or league of that name
├── DownloadFailed    the network, or a server that answered otherwise than expected
├── SampleChanged     the sample is not the file that this program knows
├── NoClosingOdds     a file without the closing odds it was given for
└── NoRivalForecasts  a file without the forecasts it was given for

RowRefused is not among them: it concerns one row, and the rest of the file is kept.
"""

from __future__ import annotations


class IngestError(Exception):
    """Stand for any reason why a source could not be read at all; the message says what to do."""


class SourceMissing(IngestError):
    """Say what was looked for and where."""


class DownloadFailed(IngestError):
    """Say what was asked of whom, and what came back."""


class SampleChanged(IngestError):
    """Say that a download is not the file whose digest this program knows."""


class NoClosingOdds(IngestError):
    """Say that a file has no closing odds of matches in the store, and why."""


class NoRivalForecasts(IngestError):
    """Say that a file has no forecast of a match in the store, and why."""


class RowRefused(ValueError):
    """Say what is wrong with one row, in words its owner can act on."""
