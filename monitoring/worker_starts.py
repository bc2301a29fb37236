"""Whether a worker takes the place of one that has died."""

from __future__ import annotations

from pathlib import Path


def takes_a_place(folder: Path | None, place: int | None) -> bool:
    """Return whether another worker has had this place since the server started, and take it.

    Args:
        folder: That the workers of one server share, and that the server empties when it starts; None for a lone process.
        place: Number of the worker among those of the server; None for a lone process.
    """
    if folder is None or place is None:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / f"worker-{place}.started").touch(exist_ok=False)
    except FileExistsError:
        return True
    return False
