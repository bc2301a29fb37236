"""``football backtest`` where the user has odds: both lines, the bets, and what is said under them."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from priced_league import WINTER, closing_file

from store.database import open_store
from store.reads import read_matches, revision
from training.bookmakers import CAVEAT

WINDOW = ("--from", WINTER[0], "--to", WINTER[1])


@pytest.fixture(scope="module")
def file(priced_records, tmp_path_factory):
    """The user's file of the season, with a match that the store has not."""
    season = [one for one in priced_records if one.season == "2022-23"]
    stranger = b"E0,01/12/2022,,Nowhere,Elsewhere,1,0,H,2,3,4\r\n"
    place = tmp_path_factory.mktemp("user") / "E0.csv"
    place.write_bytes(closing_file(season) + stranger)
    return place


@pytest.fixture(scope="module")
def told(priced_place, file):
    """One run with everything, as JSON, and the rows that it wrote."""
    out = priced_place.folder / "all.csv"
    done = priced_place.football("backtest", *WINDOW, "--out", str(out), "--closing", str(file), "--json")
    rows = {row["match_id"]: row for row in csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))}
    return json.loads(done.stdout), rows, done.stderr


@pytest.fixture(scope="module")
def prices(priced_place, told):
    """Odds before kick-off by match id, of the matches of the window that have some."""
    engine = open_store(priced_place.database_url)
    table = read_matches(engine)
    engine.dispose()
    odds = np.column_stack([table.odds_home, table.odds_draw, table.odds_away])
    return {
        match_id: (row, outcome)
        for match_id, row, outcome in zip(table.match_id, odds, table.outcome, strict=True)
        if match_id in told[1] and not np.isnan(row).any()
    }


def shin_by_bisection(odds):
    """Shin's probabilities, found in the plainest way."""
    inverse = [1.0 / price for price in odds]
    total = sum(inverse)
    low, high = 0.0, 0.9
    for _ in range(100):
        z = (low + high) / 2
        proba = [((z * z + 4 * (1 - z) * q * q / total) ** 0.5 - z) / (2 * (1 - z)) for q in inverse]
        low, high = (z, high) if sum(proba) > 1 else (low, z)
    return proba


def rps(proba, outcome):
    return ((proba[0] - (outcome == 0)) ** 2 + (proba[2] - (outcome == 2)) ** 2) / 2


def ours(rows, match_id):
    return [float(rows[match_id][name]) for name in ("p_home", "p_draw", "p_away")]


def test_the_line_stands_beside_ours_on_the_same_matches(told, prices):
    """
    Scores of both, and their paired difference, are over exactly the matches of the window that have odds.
    """
    section, rows = told[0]["odds"]["before_kickoff"], told[1]
    line = [rps(shin_by_bisection(odds), outcome) for odds, outcome in prices.values()]
    mine = [rps(ours(rows, match_id), outcome) for match_id, (_, outcome) in prices.items()]

    assert 20 < section["matches"] == len(prices) < len(rows)
    assert section["scores"]["odds"]["rps"] == pytest.approx(np.mean(line), abs=1e-9)
    assert section["scores"]["ensemble"]["rps"] == pytest.approx(np.mean(mine), abs=1e-9)
    difference = section["difference"]["odds"]["rps"]
    assert difference["mean"] == pytest.approx(np.mean(mine) - np.mean(line), abs=1e-9)
    assert difference["low"] < difference["mean"] < difference["high"]
    assert section["overround"] == pytest.approx(np.mean([sum(1 / odds) - 1 for odds, _ in prices.values()]))


def test_bets_are_those_that_our_forecasts_would_have_chosen(told, prices):
    """
    Number, stakes, profit and closing line value are what a plain loop over the written forecasts gives.
    """
    bets, rows = told[0]["odds"]["bets"], told[1]
    unit, kelly, value = [], [], []
    for match_id, (odds, outcome) in prices.items():
        expected = [p * o - 1 for p, o in zip(ours(rows, match_id), odds, strict=True)]
        best = int(np.argmax(expected))
        if expected[best] > 0.05:
            gain = odds[best] - 1 if outcome == best else -1
            stake = min(0.25 * expected[best] / (odds[best] - 1), 0.05)
            unit.append(gain)
            kelly.append((stake, stake * gain))
            value.append(shin_by_bisection(odds / 1.03)[best] * odds[best] - 1)

    assert bets["count"] == len(unit) > 10
    assert bets["unit_stakes"]["profit"] == pytest.approx(sum(unit))
    assert bets["unit_stakes"]["yield"]["mean"] == pytest.approx(np.mean(unit))
    assert bets["kelly"]["stakes"]["staked"] == pytest.approx(sum(stake for stake, _ in kelly))
    assert bets["kelly"]["stakes"]["profit"] == pytest.approx(sum(profit for _, profit in kelly))
    assert bets["closing_line_value"]["bets"] == len(value)
    assert bets["closing_line_value"]["mean"] == pytest.approx(np.mean(value), abs=1e-9)


def test_the_users_file_is_looked_at_and_not_stored(told, priced_place, prices):
    """
    The closing line covers the matches that the file has; the row that is of no match is told on standard error.
    """
    before_kickoff, closing = (told[0]["odds"][name] for name in ("before_kickoff", "closing"))

    assert closing["matches"] == len(prices)
    assert closing["overround"] > before_kickoff["overround"]
    assert "1 of 183 rows of E0.csv were refused, such as E0.csv, line 184: Unknown team 'Nowhere'" in told[2]
    engine = open_store(priced_place.database_url)
    assert revision(engine) == 1
    engine.dispose()


def test_people_read_the_caveat_under_the_tables(priced_place, told):
    """
    Without a file there is no closing line; the rest is printed, each time with every sentence of the caveat.
    """
    done = priced_place.football("backtest", *WINDOW, "--out", "read.csv", "--edge", "0.1", "--overround", "power")

    text = " ".join(done.stdout.split())
    assert "Beside the odds before kick-off" in text
    assert "taken out by power" in text
    assert "Bets with an expected profit above 10.0%" in text
    assert "closing" not in text.lower()
    assert all(sentence in text for sentence in CAVEAT)


def test_without_odds_nothing_is_said_of_them(priced_place):
    """
    A window whose matches have no odds gives null, and the tables are as they always were.
    """
    window = ("--from", "2021-01-01", "--to", "2021-01-20", "--out", "none.csv")

    assert json.loads(priced_place.football("backtest", *window, "--json").stdout)["odds"] is None
    assert "odds" not in priced_place.football("backtest", *window).stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--closing", "missing.csv"), 2, "File 'missing.csv' does not exist"),
        (("--closing", "empty.csv"), 1, "empty.csv has no closing odds"),
        (("--edge", "-0.1"), 2, "-0.1 is not in the range"),
        (("--edge", "nan"), 2, "'nan' is not a finite number"),
        (("--kelly", "0"), 2, "0.0 is not in the range"),
        (("--overround", "guess"), 2, "'guess' is not one of 'shin', 'power', 'multiplicative'"),
    ],
)
def test_what_cannot_be_compared_ends_before_any_work(run, tmp_path, options, code, said):
    """
    A wrong option or a file without closing odds is one line, and no file is written.
    """
    (tmp_path / "empty.csv").write_text("Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,FTR\n")

    done = run("backtest", *WINDOW, "--out", "x.csv", *options, code=code)

    assert said in done.stderr.splitlines()[-1]
    assert not (tmp_path / "x.csv").exists()
