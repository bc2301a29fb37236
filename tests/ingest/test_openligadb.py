"""OpenLigaDB's JSON API, spoken by a server on this machine."""

import json

import pytest
from small_league import CLUBS

from ingest import openligadb
from ingest.errors import DownloadFailed, SourceMissing
from store.records import MatchRecord, Status
from store.rejects import Reject


def _result(kind, home, away, name):
    return {
        "resultID": 100 + kind,
        "resultName": name,
        "pointsTeam1": home,
        "pointsTeam2": away,
        "resultOrderID": 3 - kind,
        "resultTypeID": kind,
        "resultDescription": "",
    }


def _match(home, away, matchday, *, results=(), is_finished=True, **changes):
    """One match as the API answers it."""
    return {
        "matchID": 61924,
        "matchDateTime": "2021-08-13T20:30:00",
        "timeZoneID": "W. Europe Standard Time",
        "leagueId": 4500,
        "leagueName": "1. Fußball-Bundesliga 2021/2022",
        "leagueSeason": 2021,
        "leagueShortcut": "bl1",
        "matchDateTimeUTC": "2021-08-13T18:30:00Z",
        "group": {"groupName": f"{matchday}. Spieltag", "groupOrderID": matchday, "groupID": 38490},
        "team1": {"teamId": 1, "teamName": home, "shortName": home[:3], "teamIconUrl": "", "teamGroupName": None},
        "team2": {"teamId": 2, "teamName": away, "shortName": away[:3], "teamIconUrl": "", "teamGroupName": None},
        "lastUpdateDateTime": "2021-08-13T22:24:56.033",
        "matchIsFinished": is_finished,
        "matchResults": list(results),
        "goals": [],
        "location": None,
        "numberOfViewers": None,
        **changes,
    }


def _played(home, away, matchday, score, half=(0, 0), **changes):
    # As in the real API, the half-time result may come first: the order of the list means nothing.
    results = [_result(1, *half, "Halbzeit"), _result(2, *score, "Endergebnis")]
    return _match(home, away, matchday, results=results, **changes)


def _read(*matches, league="bl1"):
    return list(openligadb.read(json.dumps(list(matches)).encode(), league, 2021))


def test_the_end_result_is_chosen_by_its_type():
    """Type 2 is the score and type 1 half-time, whatever their order in the list."""
    (record,) = _read(_played(*CLUBS[:2], 7, (2, 1), (1, 1)))

    assert isinstance(record, MatchRecord)
    assert (record.competition, record.season, record.round) == ("de.1", "2021-22", "Matchday 7")
    assert (record.home_goals, record.away_goals) == (2, 1)
    assert (record.statistics.home_half_time_goals, record.statistics.away_half_time_goals) == (1, 1)
    assert record.kickoff is not None
    assert record.kickoff.isoformat() == "2021-08-13T18:30:00+00:00"
    assert (record.home, record.away, record.status) == ("SC Freiburg", "VfB Stuttgart", Status.PLAYED)


def test_both_spellings_of_the_fields_are_read():
    """The API once wrote MatchID, now matchID."""

    def upper(value):
        if isinstance(value, dict):
            return {key[0].upper() + key[1:]: upper(item) for key, item in value.items()}
        return [upper(item) for item in value] if isinstance(value, list) else value

    match = _played(*CLUBS[:2], 1, (2, 1), (1, 0))

    assert _read(upper(match)) == _read(match)


def test_a_match_going_on_has_no_result_yet():
    """Goals of a match that is not finished are not a result."""
    (record,) = _read(_played(*CLUBS[:2], 1, (2, 1), is_finished=False))

    assert isinstance(record, MatchRecord)
    assert record.status is Status.SCHEDULED
    assert record.home_goals is None
    assert record.statistics.home_half_time_goals is None


def test_a_fixture_may_lack_date_and_round():
    """An undated fixture stays undated."""
    (record,) = _read(_match(*CLUBS[:2], 1, is_finished=False, matchDateTimeUTC=None, group=None))

    assert isinstance(record, MatchRecord)
    assert record.kickoff is None
    assert record.round is None


def test_a_time_without_zone_is_utc():
    """The field's name says so."""
    (record,) = _read(_played(*CLUBS[:2], 1, (0, 0), matchDateTimeUTC="2021-08-13T18:30:00"))

    assert isinstance(record, MatchRecord)
    assert record.kickoff is not None
    assert record.kickoff.isoformat() == "2021-08-13T18:30:00+00:00"


def test_cup_ties_count_ninety_minutes():
    """A level end result stands; one that is not level though extra time followed is refused."""
    extra = _result(4, 2, 1, "nach Verlängerung")
    level = _match(*CLUBS[:2], 1, results=[_result(2, 1, 1, "Endergebnis"), extra])
    typed_in = _match(*CLUBS[2:], 1, results=[_result(2, 2, 1, "Endergebnis"), extra])

    record, reject = _read(level, typed_in, league="dfb")

    assert isinstance(record, MatchRecord)
    assert (record.competition, record.round, record.home_goals, record.away_goals) == ("de.cup", "1. Spieltag", 1, 1)
    assert isinstance(reject, Reject)
    assert "extra time" in reject.reason


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        (_match(*CLUBS[:2], 1), "no end result"),
        (_match(*CLUBS[:2], 1, team1={"teamId": 1}), "teamname"),
        (_match(*CLUBS[:2], 1, matchDateTimeUTC="13.08.2021", is_finished=False), "2021-08-13T18:30:00Z"),
        ("oops", "not a match"),
    ],
)
def test_a_bad_row_is_refused_with_its_number_and_the_rest_kept(match, reason):
    """The reject names the request, the match's number and the reason."""
    bad, good = _read(match, _played(*CLUBS[2:], 1, (1, 0)))

    assert isinstance(bad, Reject)
    assert bad.origin == "getmatchdata/bl1/2021, match 1"
    assert reason in bad.reason
    assert isinstance(good, MatchRecord)


def test_an_answer_that_is_no_list_is_refused_as_a_whole():
    """An error object is no list of matches."""
    (reject,) = openligadb.read(b'{"error": "x"}', "bl1", 2021)
    (page,) = openligadb.read(b"<html></html>", "bl1", 2021)

    assert isinstance(reject, Reject)
    assert "no list of matches" in reject.reason
    assert isinstance(page, Reject)
    assert "HTML" in page.reason


def test_a_season_is_fetched_by_league_and_year(web):
    """The path is that of the API, and an unknown league or an error answer is said."""
    web.pages["/getmatchdata/bl1/2021"] = b"[]"

    assert openligadb.fetch_season("bl1", 2021, base_url=web.url + "/") == b"[]"
    assert web.asked == ["/getmatchdata/bl1/2021"]
    with pytest.raises(DownloadFailed, match="404"):
        openligadb.fetch_season("bl2", 2021, base_url=web.url)
    with pytest.raises(SourceMissing, match="bl1, bl2, bl3, dfb"):
        openligadb.fetch_season("xyz", 2021, base_url=web.url)


def test_fixtures_then_results_reach_the_store_and_only_changes_are_written(football, web, stored):
    """A fixture is inserted, its result updates it, and asking again changes nothing."""
    web.pages["/getmatchdata/bl1/2021"] = json.dumps([_match(*CLUBS[:2], 1, is_finished=False)]).encode()
    first = json.loads(football("openligadb", "bl1", 2021, "--base-url", web.url, "--json").stdout)
    (fixture,) = stored()
    web.pages["/getmatchdata/bl1/2021"] = json.dumps([_played(*CLUBS[:2], 1, (2, 1))]).encode()
    second = json.loads(football("openligadb", "bl1", 2021, "--base-url", web.url, "--json").stdout)
    third = json.loads(football("openligadb", "bl1", 2021, "--base-url", web.url, "--json").stdout)
    (played,) = stored()

    assert [report["inserted"] for report in (first, second, third)] == [1, 0, 0]
    assert [report["updated"] for report in (first, second, third)] == [0, 1, 0]
    assert third["unchanged"] == 1
    assert fixture.status == "scheduled"
    assert (played.status, played.home_goals, played.away_goals) == ("played", 2, 1)
    assert played.match_id == fixture.match_id
