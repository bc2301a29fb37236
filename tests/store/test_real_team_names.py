"""The shipped names against every real roster that lies beside the project."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from store.teams import TeamDirectory, shipped_aliases

DATA = Path(__file__).parents[2].parent / "shared" / "data"

# Clubs per association in the archive after a look at every name; continental competitions count with their countries.
EXPECTED = {
    "ar": 28, "at": 103, "au": 10, "az": 1, "be": 19, "bg": 1, "br": 24, "by": 1, "ch": 20, "cn": 18, "cy": 1,
    "cz": 19, "de": 112, "dk": 2, "en": 105, "es": 64, "fr": 53, "gr": 17, "hr": 1, "hu": 14, "il": 1, "it": 61,
    "jp": 20, "kz": 1, "mx": 21, "nl": 25, "pl": 1, "pt": 26, "ro": 3, "rs": 1, "ru": 20, "sco": 14, "se": 1,
    "si": 1, "tr": 36, "ua": 2,
}  # fmt: skip

# The one club that changed its name in the middle of a season's file.
RENAMED = {("tr.1", "2019-20"): [{"Gaziantep FK", "Gazişehir Gaziantep FK"}]}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the match archive is not at {DATA}"),
]


def openfootball_rosters():
    for path in sorted((DATA / "openfootball").glob("*/*.json")):
        rows = json.loads(path.read_bytes())["matches"]
        yield path.stem, path.parent.name, {row[side] for row in rows for side in ("team1", "team2")}


@pytest.fixture(scope="module")
def directory():
    return TeamDirectory(shipped_aliases())


def test_no_roster_of_the_archive_has_two_names_for_one_team(directory):
    """Within a season of a competition every name is a club of its own."""
    for competition, season, names in openfootball_rosters():
        met = defaultdict(set)
        for name in names:
            met[directory.resolve(competition, name)].add(name)

        shared = [group for group in met.values() if len(group) > 1]
        assert shared == RENAMED.get((competition, season), []), (competition, season)


def test_the_archive_has_as_many_clubs_as_were_counted_by_hand(directory):
    """A new drift would add a club, a wrong alias would lose one."""
    teams = defaultdict(set)
    for competition, _, names in openfootball_rosters():
        for name in names:
            association, _, club = directory.resolve(competition, name).partition(":")
            teams[association].add(club)

    assert {association: len(clubs) for association, clubs in sorted(teams.items())} == EXPECTED


def test_short_names_of_the_forecast_archive_mean_known_clubs(directory):
    """In the leagues that both archives have, no name of the second one is unknown, and none means two clubs."""
    leagues = {
        "1843": "fr.1", "1844": "fr.2", "1845": "de.1", "1846": "de.2", "1854": "it.1", "1856": "it.2",
        "1869": "es.1", "1871": "es.2", "2411": "en.1", "2412": "en.2", "2413": "en.3", "2414": "en.4",
        "1818": "uefa.cl", "1820": "uefa.el", "2417": "sco.1", "1864": "pt.1", "1849": "nl.1", "1832": "be.1",
    }  # fmt: skip
    rosters = defaultdict(lambda: defaultdict(set))
    with (DATA / "fivethirtyeight" / "spi_matches.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            competition = leagues.get(row["league_id"])
            for name in (row["team1"], row["team2"]) if competition else ():
                rosters[competition][directory.resolve(competition, name)].add(name)

    assert len(rosters) == len(leagues)
    assert [names for teams in rosters.values() for names in teams.values() if len(names) > 1] == []


def test_every_national_team_is_known(directory):
    """Guinea, Guinea-Bissau and Equatorial Guinea are three teams, and so are all the others."""
    with (DATA / "internationals" / "results.csv").open(encoding="utf-8", newline="") as file:
        names = {row[side] for row in csv.DictReader(file) for side in ("home_team", "away_team")}

    assert len({directory.resolve("int.friendly", name) for name in names}) == len(names)
