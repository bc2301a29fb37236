"""``football diff``: two saved models, one match, and a difference that adds up."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from click.testing import CliRunner
from small_world import HELD_OUT, train

from cli.main import main

OUTCOMES = ("home_win", "draw", "away_win")


@pytest.fixture
def run(home, monkeypatch, tmp_path):
    """Run the command line in this process over the small world."""
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", home.database_url)
    monkeypatch.setenv("FOOTBALL_HOME", str(tmp_path))

    def invoke(*arguments: str, code: int = 0):
        result = CliRunner().invoke(main, ["diff", *arguments])
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture(scope="module")
def earlier(home) -> str:
    """A model of an earlier cut-off and another seed."""
    return train(home.matches, until=dt.date(2023, 7, 1), name="earlier", seed=3)


@pytest.fixture(scope="module")
def narrow(home) -> str:
    """A model that knows two of the three leagues, so that other matches made its ratings."""
    return train(home.matches.take(home.matches.competition != "qc.1"), name="narrow", seed=4)


@pytest.fixture
def match_id(home) -> str:
    """A match of the held-out season that was played."""
    played = home.matches.played & (home.matches.season == HELD_OUT) & (home.matches.competition == "qa.1")
    return home.matches.match_id[played][40]


def added_up(told, kind, outcome):
    return sum(part[kind][outcome] for part in (told["base"], *told["features"]))


def test_the_parts_are_the_whole_difference(run, home, earlier, match_id):
    """
    Base and features add up to the difference of log-odds and of probabilities, the largest part first.
    """
    told = json.loads(run(earlier, home.tag, "--match", match_id, "--json").stdout)
    sizes = [max(map(abs, part["probability"].values())) for part in told["features"]]

    assert (told["a"]["tag"], told["b"]["tag"]) == (earlier, home.tag)
    assert told["a"]["as_of"] == told["b"]["as_of"]
    assert max(map(abs, told["difference"]["probability"].values())) > 0.001
    assert sizes == sorted(sizes, reverse=True)
    for outcome in OUTCOMES:
        whole = told["b"]["probability"][outcome] - told["a"]["probability"][outcome]
        assert told["difference"]["probability"][outcome] == pytest.approx(whole, abs=1e-12)
        assert added_up(told, "probability", outcome) == pytest.approx(whole, abs=1e-5)
        assert added_up(told, "log_odds", outcome) == pytest.approx(told["difference"]["log_odds"][outcome], abs=1e-5)


def test_two_ways_round_tell_the_same_story(run, home, earlier, match_id):
    """
    With the tags swapped every part has the other sign.
    """
    one = json.loads(run(earlier, home.tag, "--match", match_id, "--json").stdout)
    other = json.loads(run(home.tag, earlier, "--match", match_id, "--json").stdout)

    turned = {part["feature"]: part["probability"]["home_win"] for part in other["features"]}
    assert {part["feature"]: -part["probability"]["home_win"] for part in one["features"]} == turned


def test_values_are_the_same_where_both_know_the_same(run, home, earlier, match_id):
    """
    Models of the same competitions describe a match alike, and the table says so.
    """
    told = json.loads(run(earlier, home.tag, "--match", match_id, "--json").stdout)
    shown = run(earlier, home.tag, "--match", match_id).stdout

    assert all(part["same_value"] for part in told["features"])
    assert "Both see the same in every feature" in shown
    assert "whole difference" in shown
    assert "the same" in shown


def test_both_values_are_shown_where_other_matches_made_them(run, home, narrow, match_id):
    """
    A model of fewer competitions sees other values in some features; both are told, and the parts still add up.
    """
    told = json.loads(run(narrow, home.tag, "--match", match_id, "--json").stdout)
    other = [part for part in told["features"] if not part["same_value"]]

    assert other
    assert all(part["values"]["a"] != part["values"]["b"] for part in other)
    assert any(part["same_value"] for part in told["features"])
    shown = run(narrow, home.tag, "--match", match_id).stdout
    assert f"different values in {len(other)}" in shown.replace("\n", " ")
    cells = {row[1]: row[2:4] for line in shown.splitlines() if len(row := [c.strip() for c in line.split("│")]) == 8}
    assert all(cells[name][0] != cells[name][1] for name in cells if name in {part["feature"] for part in other})
    for outcome in OUTCOMES:
        whole = told["difference"]["probability"][outcome]
        assert added_up(told, "probability", outcome) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"match": "nowhere"}, 1, "No match has the id 'nowhere'"),
        ({"first": "football:nowhere"}, 1, "is refused"),
        ({"match": None}, 2, "--match"),
    ],
)
def test_what_cannot_be_compared_is_said(run, home, changes, code, told):
    """
    An unknown match or model, and no match at all, end with a sentence that says what is wrong.
    """
    match = changes.get("match", "any")
    asked = [] if match is None else ["--match", match]

    assert told in run(changes.get("first", home.tag), home.tag, *asked, code=code).output
