"""``football backtest --rival``: the same matches for everyone, and what became of forecasts of nothing."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from priced_league import WINTER

from features.matches import MatchTable
from models.scores import log_loss, paired_bootstrap
from store.database import open_store
from store.reads import read_matches
from training.history import TooLittleData
from training.report import drawn_together, report
from training.rival import LEAST_PROBABILITY, beside_rival
from training.walk_forward import Forecasts

WINDOW = ("--from", WINTER[0], "--to", WINTER[1])


def forecasts(n=60):
    """Matches that end home win, draw, away win by turns, four a day; ours gives each outcome a third."""
    number = np.arange(n)
    table = MatchTable.from_columns(
        match_id=[f"m{i:02d}" for i in number],
        competition=["qa.1"] * n,
        season=["2021-22"] * n,
        kickoff=(19_000 + number // 4) * 86_400,
        home=["q:Arvenholt"] * n,
        away=["q:Brixmoor"] * n,
        home_goals=np.array([1, 0, 0])[number % 3],
        away_goals=np.array([0, 0, 1])[number % 3],
    )
    third = np.full((n, 3), 1 / 3)
    return Forecasts(table, {"mine": third}, np.full(n, 19_000), {"mine": np.full(n, 0.5)}, np.arange(n) * 1.0)


def test_matches_that_only_one_has_leave_the_whole_comparison():
    """
    Every model is scored on the matches of which the rival spoke, and each keeps what was said of it.
    """
    told = beside_rival(forecasts(), "them", {f"m{i:02d}": (0.5, 0.25, 0.25) for i in range(0, 80, 2)})

    assert (len(told.forecasts.matches), told.left_out, told.is_clipped.sum()) == (30, 30, 0)
    assert told.to_plain(model="mine", seed=1, interval_by="day")["unclipped"] is None
    assert told.forecasts.matches.match_id.tolist() == [f"m{i:02d}" for i in range(0, 60, 2)]
    assert told.forecasts.matches_known.tolist() == list(range(0, 60, 2))
    assert (told.forecasts.proba["them"] == (0.5, 0.25, 0.25)).all()
    section = report(told.forecasts, model="mine", seed=1)
    assert section["matches"] == 30
    assert section["difference"]["them"]["log_loss"]["mean"] == pytest.approx(np.log(3) - np.log(2) * 5 / 3, abs=1e-12)


def test_what_was_said_to_be_impossible_costs_much_but_not_everything():
    """
    A probability of nothing is raised to a millionth; how many were, and how many of those happened, is told.
    """
    said = {"m00": (1.0, 0.0, 0.0), "m01": (0.6, 0.0, 0.4), "m02": (0.2, 0.3, 0.5)}

    told = beside_rival(forecasts(), "them", said)

    proba = told.forecasts.proba["them"]
    assert (told.is_clipped.tolist(), told.clipped_results) == ([True, True, False], 1)
    assert proba.sum(axis=1) == pytest.approx(1.0, abs=1e-15)
    assert log_loss(proba, told.forecasts.matches.outcome)[1] == pytest.approx(-np.log(LEAST_PROBABILITY), abs=1e-5)
    assert proba[2].tolist() == [0.2, 0.3, 0.5]
    plain = told.to_plain(model="mine", seed=1, interval_by="day")
    assert (plain["matches"], plain["clipped"], plain["clipped_results"]) == (3, 2, 1)
    assert (plain["unclipped"]["matches"], set(plain["unclipped"]["scores"])) == (1, {"mine", "them"})
    assert plain["unclipped"]["difference"]["them"]["log_loss"]["mean"] == pytest.approx(np.log(3) - np.log(2))


def test_a_rival_that_cannot_be_compared_is_refused():
    """
    One that spoke of other matches only, and one with the name of a model of ours.
    """
    with pytest.raises(TooLittleData, match="them has no forecast of a match in the window"):
        beside_rival(forecasts(), "them", {"zz": (0.5, 0.25, 0.25)})
    with pytest.raises(ValueError, match="a model of ours"):
        beside_rival(forecasts(), "mine", {"m00": (0.5, 0.25, 0.25)})


def test_weeks_are_drawn_whole_from_monday_to_sunday():
    """
    The interval by week is that of a bootstrap over ISO weeks; means and scores stay the same.
    """
    made = beside_rival(forecasts(), "them", {f"m{i:02d}": (0.5, 0.3, 0.2) for i in range(60)}).forecasts
    by_day, by_week = (report(made, model="mine", seed=1, interval_by=by) for by in ("day", "week"))

    dates = made.matches.day.astype("datetime64[D]").astype(object)
    weeks = np.array([date.isocalendar().year * 100 + date.isocalendar().week for date in dates])
    loss = {name: log_loss(proba, made.matches.outcome) for name, proba in made.proba.items()}
    assert by_week["difference"]["them"]["log_loss"] == pytest.approx(
        paired_bootstrap(loss["mine"], loss["them"], weeks, seed=1)._asdict(), abs=1e-12
    )
    assert by_week["scores"] == by_day["scores"]
    assert by_week["difference"] != by_day["difference"]
    assert by_week["per_competition"]["qa.1"]["difference"] == by_week["difference"]
    assert (np.diff(drawn_together(np.arange(-20, 20), "week")) == (np.arange(-19, 20) % 7 == 4)).all()


@pytest.fixture(scope="module")
def file(priced_place, tmp_path_factory):
    """Their file: all matches of the league but every third, home given a half, one draw called impossible."""
    engine = open_store(priced_place.database_url)
    table = read_matches(engine)
    engine.dispose()
    file = tmp_path_factory.mktemp("rival") / "spi_matches.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ["date", "league_id", "league", "team1", "team2", "prob1", "prob2", "probtie", "score1", "score2"]
        )
        for i in np.flatnonzero(np.arange(len(table)) % 3 > 0):
            day = str(np.datetime64(int(table.day[i]), "D"))
            teams = [team.partition(":")[2] for team in (table.home[i], table.away[i])]
            proba = (0.6, 0.4, 0.0) if day == "2022-12-10" else (0.5, 0.25, 0.25)
            writer.writerow([day, 2411, "League", *teams, *proba, table.home_goals[i], table.away_goals[i]])
    return file


def rows_of(file):
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def test_the_command_compares_on_the_same_matches(priced_place, file, tmp_path):
    """
    The table has the rival's row; the file that is written holds ours of every match of the window.
    """
    out = tmp_path / "out.csv"

    done = priced_place.football(
        "backtest", *WINDOW, "--out", str(out), "--rival", f"fivethirtyeight={file}", "--interval-by", "week", "--json"
    )

    told = json.loads(done.stdout)
    rows = rows_of(out)
    theirs = {row["date"] + row["team1"] for row in rows_of(file)}
    shared = [row for row in rows if row["kickoff"][:10] + row["home_team"] in theirs]
    rival = told["rival"]
    assert 20 < len(shared) < len(rows) == told["rows"]
    assert (rival["matches"], rival["left_out"]) == (len(shared), len(rows) - len(shared))
    assert rival["clipped"] == sum(row["kickoff"].startswith("2022-12-10") for row in shared)
    assert told["matches"] == len(shared)
    right = [row["home_goals"] > row["away_goals"] for row in shared]
    assert told["scores"]["fivethirtyeight"]["accuracy"] == pytest.approx(np.mean(right))
    assert set(told["difference"]) == {"class_frequency", "elo_logit", "dixon_coles", "fivethirtyeight"}
    assert told["interval_by"] == "week"
    assert told["coverage"]["overall"]["matches"] == len(rows)


@pytest.mark.parametrize(
    ("rival", "code", "told"),
    [
        ("fivethirtyeight", 2, "is not NAME=FILE with one of the names fivethirtyeight"),
        ("nobody=x.csv", 2, "is not NAME=FILE with one of the names fivethirtyeight"),
        ("fivethirtyeight=missing.csv", 2, "'missing.csv' does not exist"),
        ("fivethirtyeight=x.csv", 1, "x.csv has no forecast by fivethirtyeight of a match in the store"),
    ],
)
def test_a_rival_that_cannot_be_read_ends_before_any_work(run, tmp_path, rival, code, told):
    """
    Wrong usage ends with 2, a file of something else with 1; the reason is told and no forecasts are written.
    """
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")

    done = run("backtest", *WINDOW, "--out", "out.csv", "--rival", rival, code=code)

    assert told in " ".join(done.stderr.split())
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]
