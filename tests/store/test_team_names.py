"""Folding and likeness of names, and how the directory resolves them."""

import pytest
import sqlalchemy as sa

from store.countries import association_of_country, is_in_europe
from store.database import open_store, reading
from store.errors import StoreError, UnknownTeam
from store.names import core, folded, nearest, resembles
from store.reads import read_teams, revision
from store.schema import aliases
from store.teams import Alias, TeamDirectory, add_alias, add_team, association_and_name, load_directory, shipped_aliases


@pytest.fixture(scope="module")
def shipped():
    return TeamDirectory(shipped_aliases())


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Preußen Münster", "preussen munster"),
        ("FC København", "fc kobenhavn"),
        ("Widzew Łódź", "widzew lodz"),
        ("Nott'm Forest", "nottm forest"),
        ("Brighton & Hove Albion", "brighton hove albion"),
        ("ĀČĒ-Team_2", "ace team 2"),
    ],
)
def test_folding_drops_case_accents_and_punctuation(name, plain):
    """Letters without a decomposition (ß, ø, ł) are spelled out too."""
    assert folded(name) == plain


def test_only_safe_legal_forms_are_dropped():
    """FC says nothing; SC, SV, UD and the number of a B-team do."""
    assert core("AFC Bournemouth") == "bournemouth"
    assert core("Extremadura UD") != core("CF Extremadura")
    assert core("Werder Bremen II") != core("Werder Bremen")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Celta B", "RC Celta", True),
        ("QPR", "Queens Park Rangers", True),
        ("Man United", "Manchester United", True),
        ("M'gladbach", "Borussia Mönchengladbach", True),
        ("Chemie Leipzig", "RB Leipzig", True),
        ("Lincoln City", "Manchester City", False),
        ("SV Meppen", "SV Sandhausen", False),
    ],
)
def test_likeness_stops_a_registration_where_a_person_should_look(one, other, expected):
    """It is symmetric, and generic words do not count."""
    assert resembles(one, other) is expected
    assert resembles(other, one) is expected


def test_nearest_names_put_possible_clubs_first():
    """Candidates that could be the club come before mere look-alikes; strangers are left out."""
    assert (
        nearest("Bor. Gladbach", ["Borussia Mönchengladbach", "Borussia Dortmund", "Ajax"])[0]
        == "Borussia Mönchengladbach"
    )
    assert nearest("Qwx", ["Ajax", "Feyenoord"]) == []


@pytest.mark.parametrize(
    ("asked", "meant"), [("Bor. Gladbach", "Borussia Mönchengladbach"), ("PSG", "Paris Saint-Germain")]
)
def test_the_club_that_is_meant_is_found_among_many(asked, meant):
    """Not all of many names are compared letter by letter; the one that is meant is."""
    letters = "defhijklmnopqrstuvwxyz"
    crowd = [f"{one}ladb{two}ch Rovers" for one in letters for two in letters]

    assert nearest(asked, [*crowd, meant])[0] == meant


@pytest.mark.parametrize(
    ("competition", "names", "team"),
    [
        (
            "en.1",
            ["Manchester United", "Manchester United FC", "Man United", "MANCHESTER UNITED"],
            "en:Manchester United",
        ),
        ("de.1", ["Bayern München", "FC Bayern München", "Bayern Munich"], "de:Bayern München"),
        ("it.1", ["Inter", "FC Internazionale Milano", "Internazionale"], "it:Inter"),
        ("it.1", ["Lazio Roma", "SS Lazio", "Lazio"], "it:Lazio"),
        ("it.1", ["Parma FC", "Parma Calcio 1913", "Parma"], "it:Parma"),
        ("es.1", ["Atlético Madrid", "Club Atlético de Madrid", "Ath Madrid", "atletico madrid"], "es:Atlético Madrid"),
        ("de.1", ["Bor. Mönchengladbach", "M'gladbach", "Borussia Monchengladbach"], "de:Borussia Mönchengladbach"),
        ("uefa.cl", ["Real Madrid (ESP)", "Real Madrid"], "es:Real Madrid"),
        ("uefa.cl", ["AS Monaco (FRA)", "AS Monaco (MCO)", "Monaco › France (FRA)"], "fr:AS Monaco"),
        ("uefa.el", ["FC Copenhagen", "FC København (DEN)"], "dk:FC København"),
        ("int.friendly", ["USA", "United States"], "int:United States"),
    ],
)
def test_every_spelling_of_a_club_means_one_team(shipped, competition, names, team):
    """Drift between seasons and sources ends in one team id."""
    assert {shipped.resolve(competition, name) for name in names} == {team}


@pytest.mark.parametrize(
    ("competition", "names"),
    [
        ("de.3", ["RB Leipzig", "Lok Leipzig", "Chemie Leipzig", "VfB Leipzig", "FC Sachsen Leipzig"]),
        ("de.3", ["Werder Bremen", "Werder Bremen II"]),
        ("de.3", ["1. FC Köln", "Fortuna Köln", "Viktoria Köln"]),
        ("es.2", ["RC Celta", "Celta B"]),
        ("es.2", ["FC Barcelona", "FC Barcelona B", "RCD Espanyol"]),
        ("es.2", ["Extremadura UD", "Extremadura"]),
        ("es.2", ["Real Murcia", "UCAM Murcia CF", "Ciudad de Murcia"]),
        ("en.4", ["AFC Wimbledon", "Wimbledon", "Milton Keynes Dons"]),
        ("it.1", ["Hellas Verona", "Chievo Verona"]),
        ("at.1", ["RB Salzburg", "Austria Salzburg"]),
        ("at.2", ["FC Lustenau", "Austria Lustenau"]),
        ("int.friendly", ["Guinea", "Guinea-Bissau", "Equatorial Guinea", "Niger", "Nigeria", "Congo", "DR Congo"]),
    ],
)
def test_near_names_of_different_clubs_stay_apart(shipped, competition, names):
    """B-teams, rivals of one city and successors keep their own ids."""
    assert len({shipped.resolve(competition, name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("competition", "name", "near"),
    [
        ("de.1", "Leipzig", "RB Leipzig"),
        ("en.1", "Manchestr City", "Manchester City"),
        ("uefa.cl", "Real Madri", "Real Madrid"),
    ],
)
def test_an_unknown_name_is_an_error_that_names_the_nearest_and_the_commands(shipped, competition, name, near):
    """Nothing is guessed, however near."""
    with pytest.raises(UnknownTeam) as failure:
        shipped.resolve(competition, name)

    assert near in failure.value.nearest
    assert f'football teams alias {failure.value.association} "{name}"' in str(failure.value)
    assert f'football teams add {failure.value.association} "{name}"' in str(failure.value)


def test_a_folded_name_that_two_clubs_share_is_not_resolved():
    """Only an exact spelling tells them apart."""
    directory = TeamDirectory([Alias("xx", "FC Rovers", "xx:FC Rovers"), Alias("xx", "Rovers", "xx:Rovers")])

    assert directory.resolve("xx.1", "Rovers") == "xx:Rovers"
    with pytest.raises(UnknownTeam):
        directory.resolve("xx.1", "AFC Rovers")


def test_a_name_of_two_countries_is_not_resolved_in_europe():
    """Without a country code a continental name must mean one club."""
    directory = TeamDirectory([Alias("en", "Rovers", "en:Rovers"), Alias("ie", "Rovers", "ie:Rovers")])

    assert directory.resolve("uefa.cl", "Rovers (IRL)") == "ie:Rovers"
    with pytest.raises(UnknownTeam):
        directory.resolve("uefa.cl", "Rovers")


def test_country_codes_become_our_prefixes():
    """Unknown codes are written in lower case; a name without a code stays with the continent."""
    assert association_of_country("SUI") == "ch"
    assert association_of_country("KSA") == "ksa"
    assert association_and_name("uefa.cl", "Real Madrid") == ("uefa", "Real Madrid")
    assert is_in_europe("tr")
    assert not is_in_europe("br")


def test_an_operator_alias_overrules_what_is_shipped(engine):
    """The store's own aliases are the last word, and can be changed."""
    add_alias(engine, "de", "Leipzig", "VfB Leipzig")
    add_alias(engine, "de", "Leipzig", "RB Leipzig")

    with reading(engine) as connection:
        assert load_directory(connection).resolve("de.1", "Leipzig") == "de:RB Leipzig"
        assert connection.execute(sa.select(aliases.c.source)).scalars().all() == ["operator"]


def test_an_alias_needs_a_known_club(engine):
    """The canonical name must be exact."""
    with pytest.raises(UnknownTeam, match=r"Nearest known: .*'RB Leipzig'"):
        add_alias(engine, "de", "Leipzig", "RB Leipzg")


def test_a_team_can_be_declared_and_needs_a_name(engine):
    """Declaring twice is declaring once."""
    assert add_team(engine, "de", "Leipzig") == add_team(engine, "de", "Leipzig") == "de:Leipzig"
    assert [row.name for row in read_teams(engine)] == ["Leipzig"]
    with pytest.raises(StoreError, match="needs an association and a name"):
        add_team(engine, "de", " ")


def test_the_shipped_table_declares_every_club_it_names():
    """Each canonical name has its own row, and no spelling is listed twice."""
    rows = shipped_aliases()
    declared = {row.team for row in rows if row.team == f"{row.association}:{row.name}"}

    assert {row.team for row in rows} == declared
    assert len({(row.association, row.name) for row in rows}) == len(rows)


def test_a_settled_name_moves_the_revision(tmp_path):
    """
    Whoever follows the store, such as a serving worker, learns of a new alias as of a new result.
    """
    engine = open_store(f"sqlite:///{tmp_path}/matches.sqlite")
    before = revision(engine)
    add_team(engine, "xx", "Arvenholt")
    between = revision(engine)
    add_alias(engine, "xx", "Arven", "Arvenholt")

    assert before < between < revision(engine)
