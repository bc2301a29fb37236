"""Coverage of a window: which rule put outcomes into the sets, and what is told of seasons and new sides."""

from __future__ import annotations

import numpy as np
import pytest

from features.matches import MatchTable
from models.errors import InvalidForecast
from training.coverage import coverage_of
from training.set_coverage import conformal_coverage, set_coverage
from training.walk_forward import Forecasts

N = 200


def forecasts(**changes):
    """Two seasons of 150 and 40 matches and ten of a third, home wins by turns; every fourth match has a new side."""
    number = np.arange(N)
    table = MatchTable.from_columns(
        match_id=[f"m{i:03d}" for i in number],
        competition=["qa.1"] * N,
        season=np.select([number < 150, number < 190], ["2020-21", "2021-22"], "2022-23").tolist(),
        kickoff=(19_000 + number) * 86_400,
        home=["q:Arvenholt"] * N,
        away=["q:Brixmoor"] * N,
        home_goals=number % 2,
        away_goals=np.zeros(N),
    )
    made = {
        "matches": table,
        "proba": {"mine": np.tile([0.5, 0.3, 0.2], (N, 1)), "theirs": np.tile([0.5, 0.3, 0.2], (N, 1))},
        "trained_until": np.full(N, 19_000),
        "set_threshold": {"mine": np.where(number % 2, 0.4, 0.5)},
        "matches_known": np.where(number % 4, 10.0, 9.0),
    }
    return Forecasts(**(made | changes))


def test_a_models_own_sets_are_counted_a_season():
    """
    Home and draw are in the sets of even matches, where draws come, and home alone in the others: all hold.
    """
    told = coverage_of(forecasts(), model="mine")

    assert told.is_conformal
    assert {name: one.matches for name, one in told.per_season.items()} == {"2020-21": 150, "2021-22": 40}
    assert (told.overall.matches, told.overall.observed, told.overall.stated) == (N, 1.0, 0.8)
    assert told.overall.mean_size == 1.5
    rows = np.arange(150)
    assert told.per_season["2020-21"] == conformal_coverage(
        forecasts().proba["mine"][rows], forecasts().set_threshold["mine"][rows], forecasts().matches.outcome[rows]
    )


def test_a_model_without_thresholds_is_judged_by_its_probabilities_and_that_is_said():
    """
    Another model's thresholds do not help it; nor do its own at another coverage than the one they promise.
    """
    made = forecasts()

    for told in (coverage_of(made, model="theirs"), coverage_of(made, model="mine", promised=0.6)):
        assert not told.is_conformal
        assert told.overall == set_coverage(made.proba["mine"], made.matches.outcome, told.promised)
        assert (
            f"no thresholds of the model's own: the fewest outcomes whose probabilities reach {told.promised:.0%}"
            in told.rule
        )
        assert told.to_plain()["sets"] == "probabilities"


def test_new_sides_are_told_where_somebody_counted():
    """
    Matches with a side of under ten known matches are told apart; too few of them, and none counted, are left out.
    """
    told = coverage_of(forecasts(), model="mine")

    assert told.new_sides.matches == N // 4
    assert told.new_sides.mean_size == 2.0
    assert coverage_of(forecasts(matches_known=None), model="mine").new_sides is None
    assert "new_sides" not in coverage_of(forecasts(matches_known=None), model="mine").to_plain()
    assert coverage_of(forecasts(matches_known=np.full(N, 10.0)), model="mine").new_sides is None


def test_plain_data_holds_every_figure():
    """
    What is printed as JSON is what was counted.
    """
    told = coverage_of(forecasts(), model="mine")

    plain = told.to_plain()

    assert (plain["sets"], plain["promised"]) == ("conformal", 0.8)
    assert plain["per_season"]["2021-22"] == {
        "matches": 40, "stated": 0.8, "observed": 1.0, "low": told.per_season["2021-22"].low,
        "high": told.per_season["2021-22"].high, "mean_size": 1.5,
    }  # fmt: skip
    assert plain["new_sides"]["matches"] == N // 4
    assert plain["overall"]["low"] < 0.8 < plain["overall"]["high"]


def test_a_promise_of_all_is_refused():
    """
    Sets cannot promise all or nothing.
    """
    with pytest.raises(InvalidForecast, match="expected a number within"):
        coverage_of(forecasts(), model="mine", promised=1.0)
