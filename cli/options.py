"""What several commands take in the same way, checked before any work begins."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import click
import sqlalchemy as sa

from store.reads import read_competitions

SEED = click.IntRange(0, 2**31 - 1)  # what both numpy and the boosting library take


interval_option = click.option(
    "--interval-by",
    type=click.Choice(["day", "week"]),
    default="day",
    show_default=True,
    help="Draw whole days or whole weeks for the intervals of differences to the other models.",
)


class OutputFile(click.Path):
    """Take the path of a file to be written, whose folder is there and may be written to."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False, writable=True)

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or end the command with the folder that is missing."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
            self.fail(f"{path.parent} is not a folder that can be written to; make it first.", param, ctx)
        return path


def why_not_free(address: str, port: int) -> str:
    """Return why nothing can listen at an address, in the system's words; empty where something can."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def chosen_competitions(engine: sa.Engine, text: str | None) -> list[str] | None:
    """Return the codes of a comma-separated list, None for none given; a code that the store has not ends the command."""
    if text is None:
        return None
    known = [competition.code for competition in read_competitions(engine)]
    codes = [code.strip() for code in text.split(",") if code.strip()]
    unknown = [code for code in codes if code not in known]
    if unknown or not codes:
        given = ", ".join(map(repr, unknown)) or "in an empty list"
        raise click.ClickException(f"The store has no competition {given}; it has {', '.join(known) or 'none'}.")
    return codes
