"""Write every dashboard as JSON for Grafana: ``python -m deploy.dashboards FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.dashboards.boards import boards


def texts() -> dict[str, str]:
    """Return the text of each file by its name."""
    encode = JSONEncoder(sort_keys=True, indent=1).encode
    return {f"{name}.json": encode(board.build()) + "\n" for name, board in boards().items()}


def main(folder: Path) -> None:
    """Write the files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
