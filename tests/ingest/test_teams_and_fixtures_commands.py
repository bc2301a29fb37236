"""``football teams`` and ``football fixtures``."""

import json

import pytest
from click.testing import CliRunner
from small_league import CLUBS, round_robin, write_archive

from cli.fixtures import fixtures
from cli.teams import teams
from store.fixtures import complete_round_robin


@pytest.fixture
def run(settings):
    """Run one of the two commands."""

    def invoke(command, *arguments):
        return CliRunner().invoke(command, list(arguments), obj=settings)

    return invoke


@pytest.fixture
def league(football, tmp_path):
    """A season whose last round is to come, one match of it without a known day's time."""
    matches = round_robin("2019-20")
    for match in matches[-2:]:
        del match["score"]
    del matches[-1]["time"]
    assert football("openfootball", write_archive(tmp_path / "a", {"2019-20/de.1": matches})).exit_code == 0


def test_fixtures_are_listed_with_their_ids(run, league):
    """Only matches to come, by kick-off: a day alone where no more is known."""
    result = run(fixtures)

    first, second = result.stdout.splitlines()
    assert len(first.split()[0]) == 16
    assert "2019-10-08 " in first
    assert "2019-10-08T13:30Z" in second
    assert " v " in first
    assert result.stderr == "2 of 2 fixtures.\n"


def test_fixtures_without_a_date_come_last(run, football, tmp_path, engine):
    """What the double round robin still owes is listed after what has a day."""
    folder = write_archive(tmp_path / "a", {"2019-20/de.1": round_robin("2019-20")[:11]})
    football("openfootball", folder)
    complete_round_robin(engine, "de.1", "2019-20")

    (line,) = run(fixtures).stdout.splitlines()

    assert "no date" in line


def test_fixtures_can_be_chosen_and_limited(run, league):
    """By competition, by club, and by number."""
    all_of_them = json.loads(run(fixtures, "--json", "--competition", "de.1").stdout)
    one = json.loads(run(fixtures, "--json", "--limit", "1").stdout)
    (of_club,) = json.loads(run(fixtures, "--json", "--team", CLUBS[0]).stdout)["fixtures"]

    assert (all_of_them["total"], len(all_of_them["fixtures"])) == (2, 2)
    assert (one["total"], len(one["fixtures"])) == (2, 1)
    assert CLUBS[0] in {of_club["home_team"], of_club["away_team"]}
    assert set(of_club) == {"match_id", "competition", "season", "kickoff", "home_team", "away_team"}


def test_an_unknown_competition_or_club_is_said_with_what_there_is(run, league):
    """The message names the competitions, or the nearest clubs."""
    competition = run(fixtures, "--competition", "xx.1")
    club = run(fixtures, "--team", "SC Freibug")

    assert (competition.exit_code, club.exit_code) == (1, 1)
    assert "it has de.1" in competition.stderr
    assert "SC Freiburg" in club.stderr


def test_teams_are_listed_by_association(run, league):
    """Ids, as other commands take them."""
    assert run(teams, "list", "de").stdout.splitlines() == sorted(f"de:{club}" for club in CLUBS)
    assert len(json.loads(run(teams, "list", "--json").stdout)) == 4
    assert "it has de" in run(teams, "list", "xx").stderr


def test_a_declared_club_and_another_name_settle_unknown_ones(run, league, football, tmp_path):
    """What ingest could not resolve is kept after the two commands that its message names."""
    matches = [
        {"date": "2018-09-01", "team1": "SC Freiburg II", "team2": "Breisgauer Sportfreunde", "score": {"ft": [1, 0]}}
    ]
    folder = write_archive(tmp_path / "b", {"2018-19/de.4": matches})
    refused = football("openfootball", folder, "--known-teams")

    added = run(teams, "add", "de", "SC Freiburg II")
    named = json.loads(run(teams, "alias", "de", "Breisgauer Sportfreunde", "SC Freiburg", "--json").stdout)
    kept = football("openfootball", folder, "--known-teams")

    assert refused.exit_code == 1
    assert "football teams add" in refused.stdout
    assert added.stdout == "de:SC Freiburg II is a club of its own.\n"
    assert named == {"alias": "Breisgauer Sportfreunde", "team": "de:SC Freiburg"}
    assert kept.exit_code == 0


def test_an_alias_of_no_club_is_refused(run, league):
    """The canonical name must be known."""
    result = run(teams, "alias", "de", "Anything", "Nothing Known")
    nameless = run(teams, "add", "de", " ")

    assert (result.exit_code, nameless.exit_code) == (1, 1)
    assert "Nothing Known" in result.stderr


@pytest.mark.parametrize("command", [(fixtures,), (teams, "list")])
def test_a_store_that_cannot_be_opened_is_said(run, command):
    """Exit code 1 and the URL, no stack trace."""
    result = run(*command, "--database", "nonsense")

    assert result.exit_code == 1
    assert "nonsense" in result.stderr
