"""The last odds before kick-off, from a file of the user's, by match of the store. Nothing is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.errors import NoClosingOdds
from ingest.football_data import CLOSING_PRICES, read
from store.recognition import recognise
from store.records import MatchRecord
from store.rejects import Reject

Odds = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ClosingLines:
    """Hold closing decimal odds (home, draw, away) by match id, the number of rows read, and the rows refused."""

    odds: Mapping[str, Odds]
    rows: int
    rejects: Sequence[Reject]


def read_closing_lines(engine: sa.Engine, data: bytes, origin: str) -> ClosingLines:
    """Read the closing odds of a file in football-data.co.uk's column names, for the matches that the store has.

    Of each row the first complete triple of ``PSC``, ``AvgC`` and ``B365C`` with ``H``, ``D`` and ``A`` counts. Rows
    without one are left out; they are not refused.

    Args:
        engine: From ``store.database.open_store``.
        data: The whole file, of either layout.
        origin: Its name, for people.

    Raises:
        NoClosingOdds: If no row has closing odds, or none of those is of a match in the store.
    """
    entries = list(read(data, origin))
    records = [entry for entry in entries if isinstance(entry, MatchRecord)]
    found = recognise(engine, records)
    rejects = [*(entry for entry in entries if isinstance(entry, Reject)), *found.rejects]
    prices = [_closing(record) for record in records]
    known = ((match_id, prices[position]) for position, match_id in sorted(found.match_ids.items()))
    odds = {match_id: price for match_id, price in known if price is not None}
    if not odds:
        raise NoClosingOdds(_nothing(origin, sum(price is not None for price in prices), rejects))
    return ClosingLines(odds, len(entries), rejects)


def _closing(record: MatchRecord) -> Odds | None:
    told = record.statistics
    if told.closing_home is None or told.closing_draw is None or told.closing_away is None:
        return None
    return told.closing_home, told.closing_draw, told.closing_away


def _nothing(origin: str, priced: int, rejects: Sequence[Reject]) -> str:
    first = f" The first row that was refused: {rejects[0].reason} ({rejects[0].origin})." if rejects else ""
    if priced:
        return f"{origin} has closing odds in {priced:,} rows, but of no match in the store.{first}"
    columns = " or ".join(f"{name}H, {name}D, {name}A" for name in CLOSING_PRICES)
    return f"{origin} has no closing odds; expected columns such as {columns}.{first}"
