"""Write what the peers need of our model: its booster, and the feature rows of the stored matches.

    python load_tests/rows.py FOLDER

Runs in the project's environment, as it unpickles the newest saved model.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bentoml
import numpy as np

from configs.settings import load_settings
from runners.loading import load
from store.database import open_store
from store.reads import dated, read_matches

ROWS = 20_000


def main(folder: Path) -> None:
    """Write ``booster.ubj`` and ``rows.npy``: float32, shape (n, features), without missing values.

    The peers' formats have no common way to write an unknown number, so each
    is given its column's median, or 0 where none is known; the trees cost the same.
    """
    settings = load_settings()
    loaded = load(str(bentoml.models.get(settings.service.models[0]).tag))
    table = read_matches(open_store(settings.database_url))
    table = table.take(np.flatnonzero(dated(table))[-ROWS:])
    boosted = loaded.model.boosted
    values = loaded.features.transform(table).select(boosted.names).values
    usual = np.array(
        [np.median(column[~np.isnan(column)]) if not np.isnan(column).all() else 0.0 for column in values.T]
    )
    values = np.where(np.isnan(values), usual, values).astype(np.float32)
    boosted.booster.save_model(folder / "booster.ubj")
    np.save(folder / "rows.npy", values)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
