"""What others said of matches before they were played, from a file of theirs, by match of the store. Nothing is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from ingest import fivethirtyeight
from ingest.errors import NoRivalForecasts
from ingest.fivethirtyeight import Proba
from store.recognition import recognise
from store.records import MatchRecord
from store.rejects import Reject

Reader = Callable[[bytes, str], Iterator[tuple[MatchRecord, Proba] | Reject]]

READERS: Final[Mapping[str, Reader]] = {fivethirtyeight.SOURCE: fivethirtyeight.read_forecasts}
"""How the file of each rival is read, by the rival's name."""


@dataclass(frozen=True, slots=True)
class RivalForecasts:
    """Hold home, draw and away probabilities by match id, the number of rows read, and the rows refused."""

    proba: Mapping[str, Proba]
    rows: int
    rejects: Sequence[Reject]


def read_rival_forecasts(engine: sa.Engine, rival: str, data: bytes, origin: str) -> RivalForecasts:
    """Read a rival's forecasts of the matches that the store has.

    Args:
        engine: From ``store.database.open_store``.
        rival: A name in READERS.
        data: The whole file.
        origin: Its name, for people.

    Raises:
        NoRivalForecasts: If no row is a forecast of a match in the store.
    """
    entries = list(READERS[rival](data, origin))
    told = [entry for entry in entries if not isinstance(entry, Reject)]
    found = recognise(engine, [record for record, _ in told])
    rejects = [*(entry for entry in entries if isinstance(entry, Reject)), *found.rejects]
    proba = {match_id: told[position][1] for position, match_id in sorted(found.match_ids.items())}
    if not proba:
        first = f" The first row that was refused: {rejects[0].reason} ({rejects[0].origin})." if rejects else ""
        raise NoRivalForecasts(f"{origin} has no forecast by {rival} of a match in the store.{first}")
    return RivalForecasts(proba, len(entries), rejects)
