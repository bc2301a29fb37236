"""Reliability before and after calibration, and the width of intervals: what is told of all matches, groups and horizons."""

from __future__ import annotations

import numpy as np
import pytest

from features.matches import MatchTable
from models.conditional_logit import softmax
from models.scores import log_loss
from training.calibration_gain import calibration_gain
from training.interval_width import interval_width
from training.walk_forward import Forecasts

N = 3000
BOLD = 2.0


@pytest.fixture(scope="module")
def made():
    """Calibrated forecasts whose uncalibrated ones are too bold in xx.1 and right in xx.2; xx.cup holds ten matches."""
    rng = np.random.default_rng(8)
    log_odds = rng.normal(0.0, 0.7, (N, 3))
    outcome = (log_odds + rng.gumbel(size=log_odds.shape)).argmax(axis=1)
    number = np.arange(N)
    code = np.where(number < 10, "xx.cup", np.where(number % 2, "xx.1", "xx.2"))
    stretch = np.where(code == "xx.1", BOLD, 1.0)[:, None]
    return Forecasts(
        matches=MatchTable.from_columns(
            match_id=[f"m{i:04d}" for i in number],
            competition=code.tolist(),
            season=["2020-21"] * N,
            kickoff=(19_000 + number // 8) * 86_400,
            home=["x:Arvenholt"] * N,
            away=["x:Brixmoor"] * N,
            home_goals=np.array([2, 1, 0])[outcome],
            away_goals=np.array([0, 1, 3])[outcome],
        ),
        proba={"mine": softmax(log_odds), "theirs": softmax(log_odds)},
        trained_until=19_000 + number // 1000 * 90,
        uncalibrated={"mine": softmax(stretch * log_odds)},
        interval_width={"mine": np.where(number % 3, 0.1, 0.3)},
        matches_known=np.where(number % 3, 100.0, 4.0),
        days_since=np.where(number < 40, np.nan, np.where(number % 2, 3.0, 8.0)),
        calibration={"mine": np.where(number < 2000, "none", "slope").astype(object)},
    )


def test_bold_forecasts_have_a_slope_below_one_before_and_one_after(made):
    """
    Stretched twofold their slope is about one half; the log loss after minus before is negative with its interval.
    """
    told = calibration_gain(made, model="mine", seed=1)["per_group"]["top divisions"]

    for pair in told["slopes"].values():
        assert pair["before"]["high"] < 0.75
        assert pair["after"]["slope"] == pytest.approx(1.0, abs=0.25)
    assert told["ece"]["after"] < told["ece"]["before"]
    assert told["log_loss"]["high"] < 0.0


def test_groups_and_horizons_hold_their_matches_and_small_ones_are_left_out(made):
    """
    Ten matches of a cup make no group; matches before a side's first result have no horizon; all add up.
    """
    told = calibration_gain(made, model="mine", seed=1)

    sizes = {name: part["matches"] for name, part in (told["per_group"] | told["per_horizon"]).items()}
    assert sizes == {"top divisions": 1495, "lower divisions": 1495, "up to 4 days": 1480, "5 to 8 days": 1480}
    lower = told["per_group"]["lower divisions"]
    assert lower["log_loss"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    outcome = made.matches.outcome
    gain = log_loss(made.proba["mine"], outcome).mean() - log_loss(made.uncalibrated["mine"], outcome).mean()
    assert told["overall"]["log_loss"]["mean"] == pytest.approx(gain)


def test_the_kinds_are_counted_a_fit(made):
    """
    Of three fits two left the forecasts as they were.
    """
    assert calibration_gain(made, model="mine", seed=1)["kinds"] == {"none": 2, "slope": 1}


def test_widths_are_means_of_their_groups(made):
    """
    Sides hardly known have intervals of 0.3, the others of 0.1.
    """
    told = interval_width(made, model="mine")

    assert told["per_matches_known"] == {
        "under 10": {"matches": 1000, "width": pytest.approx(0.3)},
        "100 or more": {"matches": 2000, "width": pytest.approx(0.1)},
    }
    assert told["overall"]["width"] == pytest.approx((0.3 + 2 * 0.1) / 3)
    assert set(told["per_days_since"]) == {"up to 4 days", "5 to 8 days"}


def test_a_model_without_calibration_or_intervals_has_none(made):
    """
    A baseline is told nothing of.
    """
    assert calibration_gain(made, model="theirs", seed=1) is None
    assert interval_width(made, model="theirs") is None
