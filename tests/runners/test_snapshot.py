"""The store in memory: matches by id, competition, team and date."""

from __future__ import annotations

import datetime as dt

import pytest
from small_world import CLUBS, PROMISED, SEASONS

from runners.errors import CompetitionNotFound, MatchNotFound, TeamNotFound
from runners.season_names import season_on
from runners.snapshot import Snapshot, view_of
from runners.world import read_world
from store.database import open_store

EVERYTHING = {
    "competition": None,
    "earliest": None,
    "latest": None,
    "team": None,
    "status": None,
    "offset": 0,
    "limit": 1000,
}


@pytest.fixture(scope="module")
def snapshot(home) -> Snapshot:
    engine = open_store(home.database_url)
    read = read_world(engine, []).snapshot
    engine.dispose()
    return read


def page(snapshot, **filters):
    return snapshot.page(**(EVERYTHING | filters))


def test_all_matches_come_by_kickoff_and_undated_last(snapshot):
    """
    Every match is listed once, earliest first, the one without a date at the end.
    """
    listed = page(snapshot).matches

    kickoffs = [match.kickoff for match in listed]
    assert len(listed) == len(snapshot) == 3 * 5 * 56 + 2
    assert kickoffs[-1] is None
    assert kickoffs[:-1] == sorted(kickoffs[:-1])


def test_pages_join_without_gap_or_repeat(snapshot):
    """
    Following next_offset to the end lists what one page would.
    """
    seen, offset = [], 0
    while offset is not None:
        part = page(snapshot, competition="qa.1", offset=offset, limit=100)
        seen += part.matches
        offset = part.next_offset

    assert seen == page(snapshot, competition="qa.1").matches
    assert part.total == len(seen) == 5 * 56 + 1


@pytest.mark.parametrize("team", ["Arvenholt", "qa:Arvenholt", "FC Arvenholt"])
def test_matches_of_a_team_are_found_by_its_names(snapshot, team):
    """
    A team is found by name, by id and by a form of its name that only it can mean, in any competition.
    """
    listed = page(snapshot, team=team)

    assert listed.total == 5 * 14 + 1
    assert all("Arvenholt" in {match.home_team, match.away_team} for match in listed.matches)
    assert page(snapshot, competition="qa.1", team="Arvenholt").matches == listed.matches


def test_dates_include_both_ends_and_leave_undated_ones_out(snapshot):
    """
    From and to are both included; with either, fixtures without a date are left out.
    """
    on_the_hour = page(snapshot, earliest=PROMISED, latest=PROMISED)
    before = page(snapshot, latest=PROMISED - dt.timedelta(seconds=1))
    after = page(snapshot, earliest=PROMISED + dt.timedelta(milliseconds=1))

    assert [match.kickoff for match in on_the_hour.matches] == [PROMISED]
    assert before.total == len(snapshot) - 2
    assert after.total == 0
    assert page(snapshot, earliest=PROMISED, latest=PROMISED - dt.timedelta(days=1)).total == 0
    assert page(snapshot, earliest=PROMISED).total == 1


def test_matches_are_chosen_by_status(snapshot):
    """
    Scheduled matches are the two to come, in any competition or in one.
    """
    assert page(snapshot, status="scheduled").total == 2
    assert page(snapshot, status="scheduled", competition="qb.1").matches[0].kickoff is None
    assert page(snapshot, status="postponed").total == 0


def test_what_the_store_does_not_have_is_said_so(snapshot):
    """
    An unknown competition names the known ones, an unknown team the nearest ones, an unknown match itself.
    """
    with pytest.raises(CompetitionNotFound, match=r"qa\.1, qb\.1, qc\.1"):
        page(snapshot, competition="zz.1")
    with pytest.raises(TeamNotFound, match="Arvenholt"):
        page(snapshot, team="Arvenhold")
    with pytest.raises(TeamNotFound):
        page(snapshot, competition="qb.1", team="Arvenholt")
    with pytest.raises(MatchNotFound, match="nothing"):
        snapshot.row("nothing")


def test_competitions_and_teams_are_counted(snapshot):
    """
    Competitions show their seasons, matches and teams; teams come with their association.
    """
    first = snapshot.competitions()[0]

    assert (first.code, first.matches, first.teams) == ("qa.1", 281, 8)
    assert first.seasons == (*SEASONS, "2025-26")
    assert snapshot.teams("qb.1") == [(club, "qb") for club in sorted(CLUBS["qb.1"])]
    assert len(snapshot.teams(None)) == 24
    with pytest.raises(CompetitionNotFound):
        snapshot.teams("zz.1")


def test_a_match_is_shown_as_stored(snapshot):
    """
    A view holds plain names, an aware kick-off and the score.
    """
    row = next(row for row in snapshot.rows if row.status == "played")
    view = view_of(snapshot.row(row.match_id))

    assert (view.home_team, view.home_goals) == (row.home.partition(":")[2], row.home_goals)
    assert view.kickoff.timestamp() == row.kickoff
    assert snapshot.has(row.match_id)


@pytest.mark.parametrize(
    ("day", "season"),
    [
        (None, "2024-25"),
        (19_700, "2023-24"),
        (19_000, "2023-24"),
        (20_240, "2024-25"),
        (20_345, "2025-26"),
        (21_000, "2027-28"),
    ],
)
def test_a_day_has_a_season(day, season):
    """
    A day belongs to the season that had begun, to the first one before all, and to one of its own long after the last.
    """
    spans = {"2024-25": (19_950, 20_230), "2023-24": (19_600, 19_870)}

    assert season_on(spans, day) == season


def test_a_calendar_year_names_its_season():
    """
    A competition played within the year goes on with the next year; one without any date keeps its latest name.
    """
    assert season_on({"2025": (20_150, 20_400)}, 20_600) == "2026"
    assert season_on({"2025": (2**62, 2**62)}, 20_600) == "2025"
