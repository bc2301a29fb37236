"""Men's internationals."""

import pytest

from ingest import internationals
from ingest.errors import RowRefused
from store.records import MatchRecord, Status

HEADER = "date,home_team,away_team,home_score,away_score,tournament,city,country,neutral"


def _read(*rows):
    return list(internationals.read("\n".join([HEADER, *rows]).encode(), "results.csv"))


def test_the_tournament_is_the_competition_and_the_year_the_season():
    """A match elsewhere is marked as neutral."""
    (record,) = _read("2014-07-13,Germany,Argentina,1,0,FIFA World Cup,Rio de Janeiro,Brazil,TRUE")

    assert isinstance(record, MatchRecord)
    assert (record.competition, record.season) == ("int.fifa-world-cup", "2014")
    assert (record.home_goals, record.away_goals, record.is_neutral_venue) == (1, 0, True)
    assert record.is_date_only


def test_a_score_not_yet_known_makes_a_fixture():
    """The file writes NA until a match is played."""
    (record,) = _read("2026-12-01,Germany,Argentina,NA,NA,Friendly,Berlin,Germany,FALSE")

    assert isinstance(record, MatchRecord)
    assert record.status is Status.SCHEDULED
    assert not record.is_neutral_venue


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2014-7-13,A,B,1,0,Friendly,C,D,FALSE", "YYYY-MM-DD"),
        ("2014-07-13,A,B,x,0,Friendly,C,D,FALSE", "home_score"),
        ("2014-07-13,A,B,1,0,Friendly,C,D,perhaps", "neutral is 'perhaps'"),
        ("2014-07-13,A,B,1,0,???,C,D,FALSE", "no name"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(row, reason):
    """The reject names the line and the reason."""
    (bad,) = _read(row)

    assert bad.line == 2
    assert reason in bad.reason


def test_tournaments_that_differ_in_letters_differ_in_code():
    """Accents and apostrophes fold, words do not; a name without letters is none."""
    assert internationals.competition_of("King's Cup") == "int.kings-cup"
    assert internationals.competition_of("Copa América") != internationals.competition_of("Copa América qualification")
    with pytest.raises(RowRefused):
        internationals.competition_of("!")


@pytest.mark.real_data
def test_the_real_file_is_kept_but_for_a_match_told_twice(archive, football):
    """45,810 rows, of which two tell of one day's Tahiti v New Caledonia with different scores: the second is refused."""
    result = football("internationals", archive / "internationals" / "results.csv")

    assert result.exit_code == 3
    assert "Read 45,810 rows of 1 files: 45,809 inserted, 0 updated, 0 unchanged, 1 refused." in result.stdout
    assert "played 2-1) with played 1-2" in result.stdout
