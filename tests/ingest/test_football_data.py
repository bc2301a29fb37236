"""Files in football-data.co.uk's column names, with the traps that are known of them."""

import datetime as dt

import pytest

from ingest import football_data
from store.records import MatchRecord, Status
from store.rejects import Reject

HEADER = "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR,HTHG,HTAG,HTR"
ROW = "D1,14/08/15,19:30,Bayern Munich,Hamburg,5,0,H,1,0,H"


def _read(*lines, encoding="utf-8"):
    return list(football_data.read("\r\n".join(lines).encode(encoding), "D1.csv"))


def _one(*lines, **options):
    (entry,) = _read(*lines, **options)
    return entry


def test_a_row_is_read_with_uk_time_as_utc():
    """The file's times are UK local ones, whatever the country: 19:30 in August is 18:30 UTC."""
    record = _one(HEADER, ROW)

    assert isinstance(record, MatchRecord)
    assert (record.competition, record.season, record.status) == ("de.1", "2015-16", Status.PLAYED)
    assert (record.home, record.home_goals, record.away_goals) == ("Bayern Munich", 5, 0)
    assert record.kickoff == dt.datetime(2015, 8, 14, 18, 30, tzinfo=dt.UTC)
    assert (record.statistics.home_half_time_goals, record.origin) == (1, "D1.csv, line 2")


def test_both_ways_of_writing_the_year_are_read():
    """dd/mm/yy and dd/mm/yyyy occur in files of one season; without Time only the day is known."""
    header = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,FTR"
    short, long, old = _read(header, "D1,14/08/15,A,B,0,0,D", "D1,14/08/2015,C,D,0,0,D", "E0,14/08/93,E,F,1,0,H")

    assert short.kickoff == long.kickoff == dt.datetime(2015, 8, 14, tzinfo=dt.UTC)
    assert short.is_date_only
    assert old.season == "1993-94"


def test_bom_cp1252_and_trailing_emptiness_are_no_obstacle():
    """A BOM, western bytes, empty rows and empty columns at the end are how these files come."""
    row = "D1,14/08/2015,,Köln,Nürnberg,1,1,D,,,,,"
    (western,) = _read(HEADER + ",,", row, ",,,,,,,,,,,,", "", encoding="cp1252")
    (marked,) = _read(HEADER + ",,", row, ",,,,", encoding="utf-8-sig")

    assert western == marked
    assert western.home == "Köln"


def test_columns_that_move_or_repeat_are_found_by_name():
    """Order changes between seasons, and a name may stand twice; the first one counts."""
    moved = "HomeTeam,AwayTeam,FTR,FTHG,FTAG,Date,Div,HTHG,HTAG,Referee,Time,Referee"
    record = _one(moved, "Bayern Munich,Hamburg,H,5,0,14/08/2015,D1,1,0,A Person,19:30,Another")

    assert record.kickoff == _one(HEADER, ROW).kickoff
    assert (record.home_goals, record.away_goals) == (5, 0)


def test_statistics_are_read_by_their_columns():
    """Shots, shots on target, corners and cards, each side its own."""
    columns = "HS,AS,HST,AST,HC,AC,HY,AY,HR,AR"
    known = _one(f"{HEADER},{columns}", f"{ROW},21,3,10,1,7,2,1,4,0,1").statistics

    assert (known.home_shots, known.away_shots) == (21, 3)
    assert (known.home_shots_on_target, known.away_shots_on_target) == (10, 1)
    assert (known.home_corners, known.away_corners) == (7, 2)
    assert (known.home_yellow_cards, known.away_yellow_cards) == (1, 4)
    assert (known.home_red_cards, known.away_red_cards) == (0, 1)


def test_prices_before_kickoff_and_closing_prices_are_kept_apart():
    """A C in the name means closing; of each kind the first complete triple counts."""
    columns = "B365H,B365D,B365A,AvgH,AvgD,AvgA,PSCH,PSCD,PSCA,AvgCH,AvgCD,AvgCA"
    known = _one(f"{HEADER},{columns}", f"{ROW},1.2,,14,1.25,6.5,13,0,0,0,1.22,6.9,12.5").statistics

    assert (known.odds_home, known.odds_draw, known.odds_away) == (1.25, 6.5, 13)
    assert (known.closing_home, known.closing_draw, known.closing_away) == (1.22, 6.9, 12.5)


def test_closing_prices_are_never_taken_for_earlier_ones():
    """With closing prices alone there are none on offer before kick-off."""
    known = _one(f"{HEADER},B365CH,B365CD,B365CA", f"{ROW},1.2,7,14").statistics

    assert known.odds_home is None
    assert known.closing_home == 1.2


def test_the_layout_by_country_names_its_seasons():
    """One file a country, with all its seasons; all its prices are closing ones."""
    header = "Country,League,Season,Date,Time,Home,Away,HG,AG,Res,AvgH,AvgD,AvgA,PSCH,PSCD,PSCA"
    rows = [
        "Austria,Bundesliga,2012/2013,21/07/2012,15:00,A,B,2,0,H,1.5,4,6,1.6,3.9,5.5",
        "Brazil,Serie A,2012,20/05/2012,22:30,C,D,,,,1.5,4,6,,,",
    ]
    austria, brazil = _read(header, *rows)

    assert (austria.competition, austria.season, austria.statistics.closing_home) == ("at.1", "2012-13", 1.6)
    assert austria.statistics.odds_home is None
    assert (brazil.competition, brazil.season, brazil.status) == ("br.1", "2012", Status.SCHEDULED)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace("5,0,H,1", "5,0,A,1"), "FTR is 'A' though the score is 5-0"),
        (ROW.replace("5,0,H,1", "5,0,,1"), "FTR is ''"),
        (ROW.replace("14/08/15", "08/14/15"), "does not exist"),
        (ROW.replace("14/08/15", "2015-08-14"), "dd/mm/yy"),
        (ROW.replace("D1", "X9"), "Div 'X9'"),
        (ROW.replace("5,0,H,1", "five,0,H,1"), "FTHG is 'five'"),
        (ROW.replace("19:30", "7pm"), "HH:MM"),
        (ROW + ",1,2", "values for"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_the_rest_kept(row, reason):
    """The reject names file, line and reason."""
    bad, good = _read(HEADER, row, ROW)

    assert isinstance(bad, Reject)
    assert (bad.origin, bad.line) == ("D1.csv", 2)
    assert reason in bad.reason
    assert isinstance(good, MatchRecord)


def test_a_bad_row_of_a_country_file_is_refused():
    """Country and season are checked like division and date."""
    header = "Country,League,Season,Date,Time,Home,Away,HG,AG,Res"
    rows = ["Atlantis,One,2012,20/05/2012,,A,B,1,0,H", "Brazil,Serie A,12,20/05/2012,,A,B,1,0,H"]
    country, season = _read(header, *rows)

    assert "Country 'Atlantis'" in country.reason
    assert "season '12'" in season.reason


def test_a_season_that_few_rows_claim_is_a_wrong_year():
    """Most rows tell the season of the file; a lone date of another year is refused, a second season is not."""
    rows = [ROW.replace("Hamburg", f"Club {at}") for at in range(12)]
    next_season = [row.replace("14/08/15", "14/08/16") for row in rows]

    entries = _read(HEADER, *rows, next_season[0])

    assert [isinstance(entry, MatchRecord) for entry in entries] == [True] * 12 + [False]
    assert entries[-1].line == 14
    assert "2016-17, the rest of the file in 2015-16" in entries[-1].reason
    assert all(isinstance(entry, MatchRecord) for entry in _read(HEADER, *rows, *next_season))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<!DOCTYPE html>\n<html><body>Not found</body></html>", "HTML"),
        (b"Date,HomeTeam,AwayTeam\n", "columns Div, FTHG, FTAG, FTR are missing"),
        (b"Country,Season\n", "columns Date, Home, Away, HG, AG, Res are missing"),
        (b"", "empty"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole(data, reason):
    """One reject says what the file is and what was expected."""
    (reject,) = football_data.read(data, "D1.csv")

    assert isinstance(reject, Reject)
    assert reason in reject.reason


def test_a_line_with_a_byte_of_no_encoding_is_refused_alone():
    """The byte is named with its place; the other line is kept."""
    data = f"{HEADER}\n".encode() + ROW.replace("Bayern", "B\x81yern").encode("latin-1") + f"\n{ROW}".encode()

    bad, good = football_data.read(data, "D1.csv")

    assert isinstance(bad, Reject)
    assert bad.line == 2
    assert "0x81" in bad.reason
    assert isinstance(good, MatchRecord)
