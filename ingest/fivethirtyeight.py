"""FiveThirtyEight's club matches (spi_matches.csv, CC-BY 4.0): scores and expected goals.

Days only, no times. Their forecasts are never stored; a backtest may set them beside ours. Scores of cup ties include
extra time, which the file does not mark; league matches are unaffected.

The file counts chances in two ways, from shots (xg) and from all else that
happened near a goal (nsxg); their mean is kept, which tells more of the next
match than either.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.cells import count, iso_day, real
from ingest.csv_table import Fields, read_table
from ingest.errors import RowRefused
from ingest.seasons import season_of
from ingest.timezones import kickoff_of
from store.records import MatchRecord, Statistics, Status
from store.rejects import Reject

SOURCE = "fivethirtyeight"

Proba = tuple[float, float, float]

COMPETITIONS = {
    "1818": "uefa.cl", "1820": "uefa.el", "1827": "at.1", "1832": "be.1", "1837": "dk.1", "1843": "fr.1",
    "1844": "fr.2", "1845": "de.1", "1846": "de.2", "1849": "nl.1", "1854": "it.1", "1856": "it.2", "1859": "no.1",
    "1864": "pt.1", "1866": "ru.1", "1869": "es.1", "1871": "es.2", "1874": "se.1", "1879": "ch.1", "1882": "tr.1",
    "1884": "gr.1", "1947": "jp.1", "1948": "au.1", "1951": "us.1", "1952": "mx.1", "1975": "mx.1", "1979": "cn.1",
    "1983": "za.1", "2105": "br.1", "2160": "us.2", "2411": "en.1", "2412": "en.2", "2413": "en.3", "2414": "en.4",
    "2417": "sco.1", "5641": "ar.1", "10281": "uefa.conf",
    # Women's clubs carry the names of men's, so they have associations of their own.
    "4582": "us-w.1", "7921": "en-w.1", "9541": "us-w.cup",
}  # fmt: skip
"""Our competition code by ``league_id``."""

_REQUIRED = ("date", "league_id", "league", "team1", "team2", "score1", "score2")
_FORECAST = ("prob1", "probtie", "prob2")
_ROUNDING = 0.001  # they are given with four digits


def read(data: bytes, origin: str) -> Iterator[MatchRecord | Reject]:
    """Read spi_matches.csv; rows without a score are fixtures."""
    return read_table(data, origin, required=_REQUIRED).records(_record)


def read_forecasts(data: bytes, origin: str) -> Iterator[tuple[MatchRecord, Proba] | Reject]:
    """Read spi_matches.csv with what it says of each match: home, draw and away, made to sum to 1.

    Their forecast of a tie that must have a winner gives a draw no probability.
    """
    table = read_table(data, origin, required=(*_REQUIRED, *_FORECAST))
    return table.records(lambda cells, place: (_record(cells, place), _forecast(cells)))


def _forecast(cells: Fields) -> Proba:
    given = [real(cells[name], name) for name in _FORECAST]
    home, draw, away = (-1.0 if value is None else value for value in given)
    total = home + draw + away
    if min(home, draw, away) < 0.0 or abs(total - 1.0) > _ROUNDING:
        told = ", ".join(f"{name} {cells[name]!r}" for name in _FORECAST)
        raise RowRefused(f"the forecast is {told}; expected three probabilities that sum to 1")
    return home / total, draw / total, away / total


def _record(cells: Fields, origin: str) -> MatchRecord:
    competition = COMPETITIONS.get(cells["league_id"])
    if competition is None:
        raise RowRefused(f"league_id {cells['league_id']!r} ({cells['league']}) is none that we know")
    day = iso_day(cells["date"])
    home_goals = count(cells["score1"], "score1")
    kickoff, is_date_only = kickoff_of(day, None, None)
    return MatchRecord(
        competition=competition,
        season=season_of(competition, day),
        kickoff=kickoff,
        is_date_only=is_date_only,
        home=cells["team1"],
        away=cells["team2"],
        status=Status.SCHEDULED if home_goals is None else Status.PLAYED,
        home_goals=home_goals,
        away_goals=count(cells["score2"], "score2"),
        statistics=Statistics(home_xg=_expected_goals(cells, "1"), away_xg=_expected_goals(cells, "2")),
        source=SOURCE,
        origin=origin,
    )


def _expected_goals(cells: Fields, side: str) -> float | None:
    """Return the mean of the counts that are given, None where there is none."""
    names = (f"xg{side}", f"nsxg{side}")
    given = [value for name in names if (value := real(cells.get(name, ""), name)) is not None]
    return sum(given) / len(given) if given else None
