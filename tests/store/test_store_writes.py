"""Saving: what is inserted, updated, left alone and refused."""

import dataclasses
import datetime as dt
import json

import pytest
import sqlalchemy as sa

from store.database import reading
from store.reads import read_directory, read_matches, read_teams, revision
from store.records import Statistics, Status
from store.rejects import Reject, append_rejects
from store.schema import matches
from store.teams import add_alias, add_team
from store.writes import save


def put(engine, *records, register=True):
    return save(engine, records, may_register_teams=register)


def counts(report):
    return report.inserted, report.updated, report.unchanged, len(report.rejects)


def only(engine):
    with reading(engine) as connection:
        return connection.execute(sa.select(matches)).mappings().one()


def test_the_same_source_again_changes_nothing(engine, record):
    """The second save is all unchanged, and the revision stays."""
    rows = [record(score=(2, 1), round="Matchday 1"), record("VfB Stuttgart", "SC Freiburg", day="2016-01-23")]
    first = put(engine, *rows)
    second = put(engine, *rows)

    assert counts(first) == (2, 0, 0, 0)
    assert counts(second) == (0, 0, 2, 0)
    assert first.revision == second.revision == revision(engine) == 1
    assert first.match_ids == second.match_ids
    assert first.new_teams == ["de:SC Freiburg", "de:VfB Stuttgart"]
    assert second.new_teams == []


def test_a_corrected_score_updates_the_row_and_is_reported(engine, record):
    """The correction names the match, the column, and both values."""
    put(engine, record(score=(2, 1)))
    report = put(engine, record(score=(2, 2)))

    assert counts(report) == (0, 1, 0, 0)
    assert [c.text for c in report.corrections] == ["de.1 2015-16 de:SC Freiburg v de:VfB Stuttgart: away_goals 1 -> 2"]
    assert only(engine)["away_goals"] == 2
    assert revision(engine) == 2


def test_a_result_for_a_fixture_is_news_not_a_correction(engine, record):
    """Scheduled to played is what fixtures are for."""
    put(engine, record(day="2015-08-15T18:30"))
    report = put(engine, record(score=(0, 0), day="2015-08-15T18:30"))

    assert counts(report) == (0, 1, 0, 0)
    assert report.corrections == []


def test_a_moved_date_keeps_the_id_and_is_reported(engine, record):
    """The date is no part of the identity."""
    before = put(engine, record()).match_ids
    report = put(engine, record(day="2015-10-01"))

    assert report.match_ids == before
    assert [c.text.partition(": ")[2] for c in report.corrections] == ["kickoff 2015-08-15 00:00 -> 2015-10-01 00:00"]


def test_a_date_only_row_of_the_same_source_keeps_the_known_time(engine, record):
    """A source that drops the time of day takes nothing away."""
    put(engine, record(score=(1, 0), day="2015-08-15T18:30"))
    report = put(engine, record(score=(1, 0)))

    assert counts(report) == (0, 0, 1, 0)
    assert not only(engine)["is_date_only"]


def test_another_source_fills_what_is_unknown(engine, record):
    """It gives time of day and statistics; score, source and names stay."""
    put(engine, record(score=(2, 1)))
    more = Statistics(home_shots=12, odds_home=2.1)
    report = put(engine, record("Freiburg", "Stuttgart", (2, 1), "2015-08-15T18:30", source="csv", statistics=more))

    row = only(engine)
    assert counts(report) == (0, 1, 0, 0)
    assert report.corrections == []
    assert (row["home_shots"], row["odds_home"], row["is_date_only"]) == (12, 2.1, False)
    assert (row["source"], row["source_home"]) == ("openfootball", "SC Freiburg")


def test_another_source_cannot_change_a_score(engine, record):
    """The refusal names both sources and both scores."""
    put(engine, record(score=(2, 1)))
    report = put(engine, record(score=(2, 2), source="csv"))

    assert counts(report) == (0, 0, 0, 1)
    assert "csv says played 2-2, but openfootball said played 2-1" in report.rejects[0].reason
    assert only(engine)["away_goals"] == 1


def test_a_source_that_brings_the_result_owns_it_from_then_on(engine, record):
    """Whoever told the score may correct it; the teller of the fixture may not."""
    put(engine, record())
    put(engine, record(score=(1, 1), day="2015-08-16", source="openligadb"))
    corrected = put(engine, record(score=(1, 2), day="2015-08-16", source="openligadb"))
    refused = put(engine, record(score=(1, 1)))

    assert [c.column for c in corrected.corrections] == ["away_goals"]
    assert len(refused.rejects) == 1
    assert only(engine)["source"] == "openligadb"


def test_a_played_match_never_goes_back_to_scheduled(engine, record):
    """The same source is refused; another source, whose fixture list is old, is ignored."""
    put(engine, record(score=(2, 1)))
    same = put(engine, record())
    other = put(engine, record(source="csv"))

    assert "cannot be scheduled again" in same.rejects[0].reason
    assert counts(other) == (0, 0, 1, 0)
    assert only(engine)["status"] == "played"


def test_an_awarded_match_stays_awarded_whatever_another_source_says(engine, record):
    """The score at the green table is stored but not learned from."""
    put(engine, record(score=(0, 3), status=Status.AWARDED))
    report = put(engine, record(score=(0, 3), source="csv"))

    table = read_matches(engine)
    assert counts(report) == (0, 0, 1, 0)
    assert not table.played.any()
    assert only(engine)["away_goals"] == 3


def test_the_same_source_may_award_a_played_match_without_goals(engine, record):
    """A match that is annulled loses its score and is reported."""
    put(engine, record(score=(2, 1)))
    report = put(engine, record(status=Status.ABANDONED))

    assert {c.column for c in report.corrections} == {"status", "home_goals", "away_goals"}
    assert only(engine)["home_goals"] is None


def test_an_abandoned_match_that_is_replayed_becomes_played(engine, record):
    """Another source may tell the replay, on another day."""
    put(engine, record(status=Status.ABANDONED))
    same_day = put(engine, record(score=(1, 0), source="csv"))
    replay = put(engine, record(score=(2, 2), day="2015-09-01", source="csv"))

    assert counts(same_day) == (0, 0, 1, 0)
    assert counts(replay) == (0, 1, 0, 0)
    assert only(engine)["status"] == "played"


def test_another_source_may_postpone_and_date_an_open_fixture(engine, record):
    """It postpones, gives the new date, and fills a missing one; it does not move a known date."""
    put(engine, record())
    moved = put(engine, record(day="2015-08-20", source="csv"))
    put(engine, record(status=Status.POSTPONED, source="csv"))
    postponed = only(engine)["status"]
    put(engine, record(day="2015-09-20T18:00", source="csv"))
    row = only(engine)

    assert counts(moved) == (0, 0, 1, 0)
    assert postponed == "postponed"
    assert (row["status"], row["is_date_only"]) == ("scheduled", False)


def test_an_undated_fixture_takes_a_date_from_anyone_and_loses_it_to_noone(engine, record):
    """A row without a date says nothing about the date."""
    put(engine, record(day=None))
    dated = put(engine, record(day="2015-08-20", source="csv"))
    undated = put(engine, record(day=None, source="csv"))

    assert counts(dated) == (0, 1, 0, 0)
    assert counts(undated) == (0, 0, 1, 0)
    assert only(engine)["kickoff"] is not None


def test_rows_of_one_batch_that_repeat_a_match(engine, record):
    """The first is kept; an equal one is unchanged, one with another score is refused with both scores."""
    report = put(
        engine, record(score=(1, 0), origin="line 1"), record(score=(1, 0)), record(score=(1, 1), origin="line 3")
    )

    assert counts(report) == (1, 0, 1, 1)
    assert report.rejects[0].origin == "line 3"
    assert "repeats line 1 (played 1-0) with played 1-1" in report.rejects[0].reason
    assert report.match_ids[0] == report.match_ids[1]


def test_four_rounds_make_two_legs_at_each_ground(engine, record):
    """Repeated pairings are told apart by round and keep their ids when the file grows."""
    first = record(score=(1, 0), round="Matchday 2", competition="sco.1", home="Celtic FC", away="Rangers FC")
    second = dataclasses.replace(first, round="Matchday 24", kickoff=first.kickoff.replace(month=12), home_goals=3)
    before = put(engine, first)
    after = put(engine, second, first)

    assert counts(after) == (1, 0, 1, 0)
    assert after.match_ids[1] == before.match_ids[0]
    assert after.match_ids[0] != before.match_ids[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"home": "SC Freiburg", "away": "SC Freiburg"}, "cannot play against itself"),
        ({"home": "SC Freiburg", "away": "Freiburg"}, "both mean 'de:SC Freiburg'"),
        ({"home": " "}, "needs two teams"),
        ({"score": (-1, 0)}, "impossible score -1-0"),
        ({"score": (0, 41)}, "impossible score 0-41"),
        ({"status": Status.PLAYED}, "needs its goals"),
        ({"home_goals": 1}, "one team's goals are missing"),
        ({"score": (1, 0), "day": None}, "needs its date"),
        ({"score": (1, 0), "status": Status.SCHEDULED}, "cannot have the score 1-0"),
        ({"score": (1, 0), "statistics": Statistics(2, 0)}, "half-time score 2-0 is impossible"),
        ({"score": (1, 0), "statistics": Statistics(0, -1)}, "half-time score 0--1 is impossible"),
        ({"score": (1, 0), "statistics": Statistics(odds_home=1.0)}, "odds_home 1.0 are no decimal odds"),
        ({"score": (1, 0), "statistics": Statistics(home_xg=-0.1)}, "home_xg -0.1 is impossible"),
        ({"score": (1, 0), "statistics": Statistics(away_red_cards=12)}, "away_red_cards 12 is impossible"),
    ],
)
def test_impossible_rows_are_refused_and_harm_no_other(sqlite_engine, record, changes, reason):
    """The reason says what was given; the good row beside it is kept."""
    report = put(sqlite_engine, record(**changes), record("1. FC Köln", "Hertha BSC", (0, 0)))

    assert counts(report) == (1, 0, 0, 1)
    assert reason in report.rejects[0].reason
    assert report.rejects[0].origin == "de.1.json, match 1"
    assert list(report.match_ids) == [1]


def test_a_kickoff_without_time_zone_is_refused(sqlite_engine, record):
    """Local times of unknown place are no kick-offs."""
    naive = record(score=(1, 0))
    report = put(sqlite_engine, dataclasses.replace(naive, kickoff=naive.kickoff.replace(tzinfo=None)))

    assert "has no time zone" in report.rejects[0].reason


NOW = dt.datetime(2015, 8, 15, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"score": (1, 0), "day": "2015-08-15T15:01"}, "cannot be played already"),
        ({"score": (1, 0), "day": "2015-08-15T15:00"}, None),
        ({"score": (1, 0), "day": "2015-08-16"}, None),
        ({"score": (1, 0), "day": "2015-08-17"}, "cannot be played already"),
        ({"score": (0, 3), "status": Status.AWARDED, "day": "2015-08-17"}, "cannot be awarded already"),
        ({"status": Status.ABANDONED, "day": "2015-08-17"}, "cannot be abandoned already"),
        ({"day": "2015-08-17"}, None),
        ({"day": "2019-08-17", "season": "2019-20"}, "expected 1850 to 3 years from now"),
        ({"day": "1849-08-17", "season": "1849-50"}, "expected 1850 to 3 years from now"),
    ],
)
def test_no_match_is_over_before_it_begins(sqlite_engine, record, changes, reason):
    """A result from the future, and a kick-off out of all time, are refused."""
    report = save(sqlite_engine, [record(**changes)], may_register_teams=True, now=NOW)

    assert [reason in reject.reason for reject in report.rejects] == [True] * (reason is not None)


def test_a_result_is_held_against_the_clock(sqlite_engine, record):
    """Unless told otherwise, now is now."""
    report = put(sqlite_engine, record(score=(1, 0), day="2099-08-15", season="2099-00"))

    assert "cannot be played already" in report.rejects[0].reason


def test_plausible_statistics_are_kept(sqlite_engine, record):
    """Half-time goals, odds and cards of an ordinary match pass."""
    ordinary = Statistics(1, 0, home_xg=1.3, home_shots=14, home_corners=6, odds_draw=3.4, home_yellow_cards=2)

    assert counts(put(sqlite_engine, record(score=(2, 1), statistics=ordinary))) == (1, 0, 0, 0)


def test_a_new_club_that_resembles_none_is_registered(sqlite_engine, record):
    """Whole-season sources may bring clubs that we have never heard of."""
    report = put(sqlite_engine, record("Qwertz Utrep", "Yxcvb Mnbvc", (1, 0), competition="xx.1"))

    assert report.new_teams == ["xx:Qwertz Utrep", "xx:Yxcvb Mnbvc"]
    assert [row.team for row in read_teams(sqlite_engine, "xx.1")] == report.new_teams


def test_sources_that_name_no_roster_register_nothing(sqlite_engine, record):
    """Their unknown names are refused."""
    report = put(sqlite_engine, record("Qwertz Utrep", "Hertha BSC", (1, 0)), register=False)

    assert counts(report) == (0, 0, 0, 1)
    assert "Unknown team 'Qwertz Utrep'" in report.rejects[0].reason
    assert revision(sqlite_engine) == 0


def test_a_new_name_near_a_known_club_is_refused_until_someone_decides(sqlite_engine, record):
    """An alias or a declaration settles it, and the same row is then kept."""
    lok = record("Dresden Leipzig Lok", "Hertha BSC", (1, 0))
    gladbach = record("Bor. Gladbach 1900", "Hertha BSC", (1, 1), day="2015-09-01")
    before = put(sqlite_engine, lok, gladbach)
    add_team(sqlite_engine, "de", "Dresden Leipzig Lok")
    add_alias(sqlite_engine, "de", "Bor. Gladbach 1900", "Borussia Mönchengladbach")
    after = put(sqlite_engine, lok, gladbach)

    assert counts(before) == (0, 0, 0, 2)
    assert "'Borussia Mönchengladbach'" in before.rejects[1].reason
    assert counts(after) == (2, 0, 0, 0)
    assert {row.home for row in read_directory(sqlite_engine)} == {
        "de:Dresden Leipzig Lok",
        "de:Borussia Mönchengladbach",
    }


def test_near_names_that_play_on_one_day_are_two_clubs(sqlite_engine, record):
    """Two new clubs of one city register when the file shows them apart."""
    report = put(
        sqlite_engine,
        record("Qwertz Rovers", "Asdf", (1, 0), competition="xx.1"),
        record("Qwertz Town", "Yxcv", (1, 0), competition="xx.1"),
    )

    assert counts(report) == (2, 0, 0, 0)


def test_two_spellings_in_one_file_are_not_two_clubs(sqlite_engine, record):
    """New near names that never meet nor share a day may be one club: both are refused."""
    report = put(
        sqlite_engine,
        record("Qwertz Rovers", "Asdf", (1, 0), competition="xx.1"),
        record("Qwertz Rov.", "Yxcv", (1, 0), competition="xx.1", day="2015-08-22"),
    )

    assert counts(report) == (0, 0, 0, 2)


def test_two_names_of_one_team_that_play_on_one_day_are_refused(sqlite_engine, record):
    """An alias that merges two members of a roster does not merge their matches."""
    add_alias(sqlite_engine, "de", "Stuttgarter Kickers", "VfB Stuttgart")
    report = put(
        sqlite_engine,
        record("VfB Stuttgart", "Hertha BSC", (1, 0)),
        record("Stuttgarter Kickers", "SC Freiburg", (2, 0)),
    )

    assert counts(report) == (0, 0, 0, 2)
    assert "both mean 'de:VfB Stuttgart'" in report.rejects[0].reason


def test_continental_clubs_are_never_registered_by_a_season_file(sqlite_engine, record):
    """A name without a known club is refused even where registering is allowed."""
    report = put(sqlite_engine, record("Qwertz (ENG)", "Real Madrid (ESP)", (1, 0), competition="uefa.cl"))

    assert "Unknown team 'Qwertz' in association 'en'" in report.rejects[0].reason


def test_rejects_are_appended_as_json_lines(tmp_path):
    """A person finds origin, reason and row; nothing is written for nothing."""
    path = tmp_path / "state" / "rejects.jsonl"
    assert append_rejects(path, []) == 0
    assert not path.exists()

    append_rejects(path, [Reject("a.csv", "no date", "x;y", line=3)])
    append_rejects(path, [Reject("b.csv", "Straße", "z")])

    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == {"origin": "a.csv", "reason": "no date", "row": "x;y", "line": 3}
    assert lines[1]["reason"] == "Straße"
