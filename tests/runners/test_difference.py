"""The difference of two forecasts is the sum of its parts, whatever the two models look at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from models.conditional_logit import softmax
from models.explanation import Explanation, in_probability
from runners.contributions import explanations
from runners.difference import difference
from runners.predictor import Predictor
from runners.queries import Forecast, PredictionQuery
from runners.shelf import Shelf
from runners.world import read_world
from store.database import open_store

NAMES = ("elo_difference", "draw_rate", "neutral_venue", "season_phase")
PARTS = st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3)
SEEN = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.none() | st.floats(-9.0, 9.0), PARTS), min_size=1)


@pytest.fixture(scope="module")
def forecast(home, model) -> Forecast:
    """Any forecast, to be given other numbers."""
    engine = open_store(home.database_url)
    world = read_world(engine, [model])
    engine.dispose()
    query = PredictionQuery(match_id=world.snapshot.rows[-5].match_id, explain=True)
    return Predictor(Shelf([model], {}, ["football"]), lambda: world).predict_now([query])[0]


def explained(forecast, base, seen):
    """A forecast of a made-up model that sees some features."""
    log_odds = np.array([[part for _, part in seen.values()]])
    values = np.array([[np.nan if value is None else value for value, _ in seen.values()]])
    start = np.array([base])
    why = Explanation(tuple(seen), start, log_odds, softmax(start), in_probability(start, log_odds))
    proba = softmax(why.margin)[0].tolist()
    return structs.replace(forecast, proba=tuple(proba), explanation=explanations(why, values)[0])


def test_parts_add_up_whatever_each_model_sees(forecast):
    """
    Base and features add up to both differences, each feature of either model is told once, the largest part first.
    """

    @given(PARTS, SEEN, PARTS, SEEN)
    def add_up(base, seen, other_base, other_seen):
        first, second = explained(forecast, base, seen), explained(forecast, other_base, other_seen)

        why = difference(first, second)

        log_odds = np.array(why.base) + np.sum([one.log_odds for one in why.features], axis=0)
        proba = np.array(why.base_proba) + np.sum([one.proba for one in why.features], axis=0)
        sizes = [max(map(abs, one.proba)) for one in why.features]
        np.testing.assert_allclose(log_odds, why.margin, rtol=0, atol=1e-5)
        np.testing.assert_allclose(proba, np.subtract(second.proba, first.proba), rtol=0, atol=1e-5)
        assert why.proba == pytest.approx(np.subtract(second.proba, first.proba), abs=1e-12)
        assert sorted(one.feature for one in why.features) == sorted({*seen, *other_seen})
        assert sizes == sorted(sizes, reverse=True)

    add_up()


def test_a_feature_that_one_model_lacks_counts_as_nothing_in_it(forecast):
    """
    What the other model makes of it is the difference; it is not seen, which is not the same as unknown.
    """
    both = (0.5, [0.1, 0.0, -0.1])
    first = explained(forecast, [0.0, 0.0, 0.0], {"elo_difference": both, "draw_rate": (None, [0.2, 0.0, -0.2])})
    second = explained(forecast, [0.0, 0.0, 0.0], {"elo_difference": both, "season_phase": (0.5, [0.3, 0.0, -0.3])})

    found = {one.feature: one for one in difference(first, second).features}

    assert found["draw_rate"].log_odds == (-0.2, 0.0, 0.2)
    assert found["season_phase"].log_odds == (0.3, 0.0, -0.3)
    assert found["elo_difference"].log_odds == (0.0, 0.0, 0.0)
    assert found["elo_difference"].is_same_value
    assert found["draw_rate"].is_seen == (True, False)
    assert not found["draw_rate"].is_same_value


def test_what_was_not_explained_is_not_compared(forecast):
    """
    A forecast that nobody asked to explain is refused with what to do.
    """
    with pytest.raises(ValueError, match="explain=True"):
        difference(forecast, structs.replace(forecast, explanation=None))
