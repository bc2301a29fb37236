"""Importance by permutation: what the answers rest on is missed, what they do not know is not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from features.frame import FeatureFrame
from features.matches import MatchTable
from features.registry import NAMES
from models.ensemble import Ensemble
from training.history import History
from training.permutation import MODULES, Permutation

N = 400
COLUMNS = ("elo_difference", "pi_home", "odds_home")


@dataclass
class Rated(Ensemble):
    """An ensemble that goes by the Elo difference alone."""

    columns: tuple[str, ...] = field(default=COLUMNS)

    @property
    def names(self):
        return self.columns

    def predict_proba(self, matches, features):
        home = 0.2 + 0.6 * (features.column("elo_difference") > 0.0)
        return np.column_stack([home, np.full(len(home), 0.1), 0.9 - home])


def block(seed):
    """Matches that the side with the higher Elo rating wins; nobody offers odds."""
    rng = np.random.default_rng(seed)
    elo = rng.normal(0.0, 100.0, N)
    matches = MatchTable.from_columns(
        match_id=[f"m{i}" for i in range(N)],
        competition=["xx.1"] * N,
        season=["2020-21"] * N,
        kickoff=(19_000 + 100 * seed + np.arange(N) // 4) * 86_400,
        home=["x:Arvenholt"] * N,
        away=["x:Brixmoor"] * N,
        home_goals=2.0 * (elo > 0.0),
        away_goals=np.ones(N),
    )
    columns = {"elo_difference": elo, "pi_home": elo / 100.0, "odds_home": np.full(N, np.nan)}
    return History(matches, FeatureFrame.from_columns(columns))


def test_what_the_answers_rest_on_is_missed_and_nothing_else():
    """
    Shuffled Elo ratings are wrong in half of the matches: a home win has 0.2 instead of 0.8 there, the other 0.1
    instead of 0.7.

    The pi-ratings tell the same, but the model does not look at them: nothing is lost. Modules of unknown values are
    left out.
    """
    permutation = Permutation(seed=3)
    for seed in (1, 2):
        permutation.watch([Rated()], block(seed))

    told = permutation.to_plain()

    assert list(told) == ["Elo", "pi-ratings"]
    assert told["Elo"]["log_loss"]["mean"] == pytest.approx(0.25 * np.log(0.8 / 0.2 * 0.7 / 0.1), rel=0.1)
    assert 0.0 < told["Elo"]["rps"]["low"] < told["Elo"]["rps"]["mean"] < told["Elo"]["rps"]["high"]
    assert told["pi-ratings"]["rps"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_every_feature_is_of_one_module():
    """
    No feature is forgotten, none is shuffled twice.
    """
    assert sorted(name for names in MODULES.values() for name in names) == sorted(NAMES)


def test_the_features_of_the_block_are_left_as_they_were():
    """
    Shuffling works on copies.
    """
    told, untouched = block(1), block(1)

    Permutation(seed=3).watch([Rated()], told)

    np.testing.assert_array_equal(told.features.values, untouched.features.values)


def test_before_any_block_nothing_is_said():
    """
    A walk without an ensemble has no importance.
    """
    permutation = Permutation(seed=3)
    permutation.watch([], block(1))

    assert permutation.to_plain() == {}
