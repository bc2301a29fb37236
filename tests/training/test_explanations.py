"""Mean parts and partial dependence of a small fitted ensemble: they agree with its own answers and explanations."""

from __future__ import annotations

import numpy as np
import pytest

from features.frame import FeatureFrame
from models.ensemble import Ensemble
from training.dependence import partial_dependence
from training.explanations import MOST_ASKED, mean_contributions, newest
from training.history import History


@pytest.fixture(scope="module")
def learned(history) -> History:
    """One league of the world, whose features its ensemble learns from."""
    return history.take(np.flatnonzero(history.matches.competition == "xa.1"))


@pytest.fixture(scope="module")
def model(learned) -> Ensemble:
    return Ensemble(seed=1, validation_days=1).fit(learned.matches, learned.features)


def test_the_newest_matches_are_of_the_last_year_and_spread_over_it(learned):
    """
    All of the last year where that is few, else evenly many, oldest and newest among them.
    """
    day = learned.matches.day
    year = learned.features.take(day > day.max() - 365)

    assert newest(learned, 10_000).values.tobytes() == year.values.tobytes()
    some = newest(learned, 10)
    assert len(some) == 10
    for end in (0, -1):
        np.testing.assert_array_equal(some.values[end], year.values[end])


def test_mean_parts_are_those_of_the_explanations(model, learned):
    """
    Half of the absolute parts summed over outcomes, averaged; more matches than fit into one go come out the same.
    """
    features = newest(learned, 10_000).take(slice(0, 60))
    many = FeatureFrame(features.names, np.tile(features.values, (5, 1)))

    told = mean_contributions(model, many)

    parts = 0.5 * np.abs(model.explain(features).proba).sum(axis=2).mean(axis=0)
    assert told == pytest.approx(dict(zip(model.names, parts, strict=True)))
    assert list(told.values()) == sorted(told.values(), reverse=True)
    assert next(iter(told)).startswith(("chances_expected", "elo"))


def test_partial_dependence_is_what_the_model_says_with_that_value_everywhere(model, learned):
    """
    More expected home goals make a home win likelier, and the curve's points are means of the model's own answers.
    """
    features = newest(learned, MOST_ASKED)
    name = "chances_expected_home"

    curve = partial_dependence(model, features, [name, "odds_home"])

    assert list(curve) == [name], "nobody offers odds here"
    curve = curve[name]
    assert np.all(np.diff(curve["home"]) > 0.0)
    changed = features.values.copy()
    changed[:, features.names.index(name)] = curve["values"][3]
    expected = model.predict_proba(learned.matches, FeatureFrame(features.names, changed)).mean(axis=0)
    assert [curve[side][3] for side in ("home", "draw", "away")] == pytest.approx(expected.tolist())
