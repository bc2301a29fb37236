"""CSV files in football-data.co.uk's column names, which the user already has.

Two layouts: one file a division and season (``Div``, ``FTHG`` ...), and one
file a country with all its seasons (``Country``, ``Season``, ``HG`` ...). Nothing is
downloaded: the site's owner forbids automated collection. Traps met here: BOM,
cp1252, dd/mm/yy beside dd/mm/yyyy, columns that move or repeat, empty rows and
columns at the end, kick-off times of every country in UK local time.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.cells import british_day, count, real, time_of_day
from ingest.csv_table import Fields, Table, read_table
from ingest.errors import RowRefused
from ingest.seasons import first_year, season_of
from ingest.timezones import UNITED_KINGDOM, kickoff_of
from store.records import MatchRecord, Statistics, Status
from store.rejects import Reject

SOURCE = "football-data"

DIVISIONS = {
    "E0": "en.1", "E1": "en.2", "E2": "en.3", "E3": "en.4", "EC": "en.5", "SC0": "sco.1", "SC1": "sco.2",
    "SC2": "sco.3", "SC3": "sco.4", "D1": "de.1", "D2": "de.2", "I1": "it.1", "I2": "it.2", "SP1": "es.1",
    "SP2": "es.2", "F1": "fr.1", "F2": "fr.2", "N1": "nl.1", "B1": "be.1", "P1": "pt.1", "T1": "tr.1", "G1": "gr.1",
}  # fmt: skip
"""Our competition code by ``Div``."""

COUNTRIES = {
    "Argentina": "ar.1", "Austria": "at.1", "Brazil": "br.1", "China": "cn.1", "Denmark": "dk.1", "Finland": "fi.1",
    "Ireland": "ie.1", "Japan": "jp.1", "Mexico": "mx.1", "Norway": "no.1", "Poland": "pl.1", "Romania": "ro.1",
    "Russia": "ru.1", "Sweden": "se.1", "Switzerland": "ch.1", "USA": "us.1",
}  # fmt: skip
"""Our competition code by ``Country``: each of these files holds the top league only, whose name changes with sponsors."""

# Of the prices on offer before kick-off the first complete triple counts. B365 comes first for it is in the files of
# all years since 2002; averages of all bookmakers come in only later, and under two names.
_BEFORE_KICKOFF = ("B365", "Avg", "BbAv", "PS")

CLOSING_PRICES = ("PSC", "AvgC", "B365C")
"""Beginnings of the columns of closing prices, the first choice first.

A C marks closing prices. In the files by country all prices are closing ones, so unmarked ones are not read there.
"""

_COUNTS = {
    "home_half_time_goals": "HTHG", "away_half_time_goals": "HTAG", "home_shots": "HS", "away_shots": "AS",
    "home_shots_on_target": "HST", "away_shots_on_target": "AST", "home_corners": "HC", "away_corners": "AC",
    "home_yellow_cards": "HY", "away_yellow_cards": "AY", "home_red_cards": "HR", "away_red_cards": "AR",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Layout:
    """Hold the names that differ between the two layouts, and the prices on offer before kick-off."""

    key: tuple[str, ...]
    home: str
    away: str
    home_goals: str
    away_goals: str
    result: str
    prices: tuple[str, ...]

    @property
    def required(self) -> tuple[str, ...]:
        return (*self.key, "Date", self.home, self.away, self.home_goals, self.away_goals, self.result)


_DIVISION = _Layout(("Div",), "HomeTeam", "AwayTeam", "FTHG", "FTAG", "FTR", _BEFORE_KICKOFF)
_COUNTRY = _Layout(("Country", "Season"), "Home", "Away", "HG", "AG", "Res", ())

# A division's file is of one season. Files put together by hand are read too, but a season with fewer rows than this
# beside another one is a wrong year in the date.
_FEWEST_OF_A_SEASON = 10

_SEASON = re.compile(r"(\d{4})(?:[/-](?:\d{2})?(\d{2}))?")


def read(data: bytes, origin: str) -> Iterator[MatchRecord | Reject]:
    """Read one file of either layout; rows without goals are fixtures."""
    first_line = data.lstrip(b"\xef\xbb\xbf").splitlines()[:1]
    if first_line and first_line[0].lstrip().startswith(b"Country"):
        yield from read_table(data, origin, required=_COUNTRY.required, fallback="cp1252").records(_of_country)
        return
    table = read_table(data, origin, required=_DIVISION.required, fallback="cp1252")
    yield from _by_division(table)


def _by_division(table: Table) -> Iterator[MatchRecord | Reject]:
    entries = list(table.records(_of_division))
    seasons: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        if isinstance(entry, MatchRecord):
            seasons[entry.competition][entry.season] += 1
    for entry in entries:
        problem = _lonely(entry, seasons) if isinstance(entry, MatchRecord) else None
        yield entry if problem is None else problem


def _lonely(record: MatchRecord, seasons: Mapping[str, Counter[str]]) -> Reject | None:
    """Refuse a row whose date falls in another season than the rest of its file."""
    of_division = seasons[record.competition]
    main, _ = of_division.most_common(1)[0]
    if record.season == main or of_division[record.season] >= _FEWEST_OF_A_SEASON:
        return None
    file, _, line = record.origin.rpartition(", line ")
    reason = (
        f"the date lies in the season {record.season}, the rest of the file in {main}; "
        "correct the date, or put the season into a file of its own"
    )
    row = f"{record.competition} {record.kickoff:%Y-%m-%d} {record.home} v {record.away}"
    return Reject(origin=file, line=int(line), reason=reason, row=row)


def _of_division(cells: Fields, origin: str) -> MatchRecord:
    competition = DIVISIONS.get(cells["Div"])
    if competition is None:
        raise RowRefused(f"Div {cells['Div']!r} is none of {', '.join(DIVISIONS)}")
    season = season_of(competition, british_day(cells["Date"]))
    return _record(cells, origin, competition, season, _DIVISION)


def _of_country(cells: Fields, origin: str) -> MatchRecord:
    competition = COUNTRIES.get(cells["Country"])
    if competition is None:
        raise RowRefused(f"Country {cells['Country']!r} is none of {', '.join(COUNTRIES)}")
    return _record(cells, origin, competition, _season(cells["Season"]), _COUNTRY)


def _record(cells: Fields, origin: str, competition: str, season: str, layout: _Layout) -> MatchRecord:
    day = british_day(cells["Date"])
    kickoff, is_date_only = kickoff_of(day, time_of_day(cells.get("Time", "")), UNITED_KINGDOM)
    home_goals, away_goals = (count(cells[name], name) for name in (layout.home_goals, layout.away_goals))
    _check_result(cells[layout.result], home_goals, away_goals, layout.result)
    return MatchRecord(
        competition=competition,
        season=season,
        kickoff=kickoff,
        is_date_only=is_date_only,
        home=cells[layout.home],
        away=cells[layout.away],
        status=Status.SCHEDULED if home_goals is None and away_goals is None else Status.PLAYED,
        home_goals=home_goals,
        away_goals=away_goals,
        statistics=_statistics(cells, layout.prices),
        source=SOURCE,
        origin=origin,
    )


def _check_result(result: str, home_goals: int | None, away_goals: int | None, column: str) -> None:
    """Refuse a row whose result letter contradicts its goals: one of its columns has moved."""
    if home_goals is None or away_goals is None:
        return
    expected = "H" if home_goals > away_goals else "A" if home_goals < away_goals else "D"
    if result != expected:
        raise RowRefused(f"{column} is {result!r} though the score is {home_goals}-{away_goals}; expected {expected!r}")


def _statistics(cells: Fields, prices: Sequence[str]) -> Statistics:
    counts = {field: count(cells.get(column, ""), column) for field, column in _COUNTS.items()}
    before = _odds(cells, prices)
    closing = _odds(cells, CLOSING_PRICES)
    known = replace(Statistics(), **counts)
    if before:
        known = replace(known, odds_home=before[0], odds_draw=before[1], odds_away=before[2])
    if closing:
        known = replace(known, closing_home=closing[0], closing_draw=closing[1], closing_away=closing[2])
    return known


def _odds(cells: Fields, prices: Sequence[str]) -> tuple[float, float, float] | None:
    """Return the first complete triple of decimal odds. A price of 1 or less is how the files write "none"."""
    for name in prices:
        home, draw, away = (real(cells.get(name + outcome, ""), name + outcome) or 0.0 for outcome in "HDA")
        if min(home, draw, away) > 1.0:
            return home, draw, away
    return None


def _season(text: str) -> str:
    """Read a season written 2012/2013, 2012/13 or 2012.

    >>> _season("2012/2013"), _season("2019")
    ('2012-13', '2019')
    """
    found = _SEASON.fullmatch(text)
    if found is None:
        raise RowRefused(f"season {text!r} is not written 2012/2013 or 2012")
    season = found[1] if found[2] is None else f"{found[1]}-{found[2]}"
    first_year(season)
    return season
