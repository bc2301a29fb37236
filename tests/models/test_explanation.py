"""Explanations: their parts add up to the answer, whatever is known and wherever it is played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.frame import FeatureFrame
from features.mirror import mirrored, partners
from models.boosted import BoostedOutcome, default_parameters
from models.conditional_logit import softmax
from models.ensemble import Ensemble
from models.explanation import SMOOTH, in_probability

QUICK = default_parameters() | {"min_child_weight": 20.0, "eta": 0.1}


@pytest.fixture(scope="module")
def learned(large_world):
    trees = BoostedOutcome(parameters=QUICK, most_rounds=30, patience=5)
    return Ensemble(validation_days=500, boosted=trees).fit(large_world.matches, large_world.features)


@pytest.fixture(scope="module", params=["with trees", "without trees", "without trees on goals"])
def model(request, learned):
    gone = {"without trees": "boosted", "without trees on goals": "goals"}.get(request.param)
    return learned if gone is None else replace(learned, **{gone: replace(getattr(learned, gone), booster=None)})


def asked_about(large_world, known):
    """Matches at home and at neutral venues, with all values known, some or none."""
    frame = large_world.features.take(slice(0, 120))
    unknown = np.random.default_rng(4).random(frame.values.shape) >= known
    return FeatureFrame(frame.names, np.where(unknown, np.nan, frame.values))


@pytest.mark.parametrize("known", [1.0, 0.6, 0.0], ids=["all known", "some known", "none known"])
def test_parts_add_up_to_the_answer(model, large_world, known):
    """
    Base and parts are the answer's log-odds and its probabilities, both to 1e-5.
    """
    frame = asked_about(large_world, known)

    explanation = model.explain(frame)

    proba = model.forecast(frame).proba
    centred = np.log(proba) - np.log(proba).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(explanation.margin, centred, rtol=0, atol=1e-5)
    np.testing.assert_allclose(explanation.base_proba + explanation.proba.sum(axis=1), proba, rtol=0, atol=1e-5)
    assert explanation.names == model.names
    assert explanation.log_odds.shape == explanation.proba.shape == (120, len(model.names), 3)


def test_each_part_is_shared_out_among_the_outcomes(model, large_world):
    """
    What a feature adds to one outcome it takes from the others: parts sum to nought over the outcomes.
    """
    explanation = model.explain(asked_about(large_world, 0.8))

    for part in (explanation.log_odds, explanation.proba, explanation.base):
        np.testing.assert_allclose(part.sum(axis=-1), 0.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(explanation.base_proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_the_usual_match_has_no_part_of_goals_expected(learned, large_world):
    """
    Without trees, a match like the usual one is answered by the base alone.
    """
    gone = {name: replace(getattr(learned, name), booster=None) for name in ("boosted", "goals")}
    model = replace(learned, **gone)
    columns = {name: large_world.features.column(name)[:5] for name in large_world.features.names}
    columns |= {name: np.full(5, np.nan) for name in SMOOTH}

    explanation = model.explain(FeatureFrame.from_columns(columns))

    np.testing.assert_allclose(explanation.log_odds, 0.0, rtol=0, atol=1e-12)


def test_more_goals_expected_than_usual_push_towards_the_side(model, large_world):
    """
    Goals expected of the home side beyond the usual push towards its win, those of the away side away from it.
    """
    frame = asked_about(large_world, 1.0).take(slice(0, 1))
    names = list(model.names)
    for side, sign in (("home", 1.0), ("away", -1.0)):
        values = frame.values.copy()
        values[0, frame.names.index(f"chances_expected_{side}")] = 3.5

        part = model.explain(FeatureFrame(frame.names, values)).proba[0, names.index(f"chances_expected_{side}")]

        assert sign * part[0] > 0.05
        assert sign * part[2] < -0.05


def test_what_never_differs_has_no_part(model, large_world):
    """
    A column that was the same for all matches, and for both of their sides, explains none of them.
    """
    explanation = model.explain(asked_about(large_world, 1.0))

    constant = [explanation.names.index(name) for name in ("competition_level", "draw_rate")]
    np.testing.assert_allclose(explanation.log_odds[:, constant], 0.0, rtol=0, atol=1e-9)


def test_parts_of_the_trees_are_mirrored_at_a_neutral_venue(learned, large_world):
    """
    Naming the sides the other way round moves each feature's part to its partner; goals expected alike.

    Not the parts of what both smooth members see: these count from the usual match, which has a home side.
    """
    frame = large_world.features.take(large_world.features.column("neutral_venue") == 1.0)
    ours = [place for place, name in enumerate(learned.names) if name not in SMOOTH]

    parts = learned.explain(frame).log_odds
    turned = learned.explain(mirrored(frame)).log_odds[:, partners(learned.names), ::-1]

    np.testing.assert_allclose(turned[:, ours], parts[:, ours], rtol=0, atol=1e-6)


def test_one_match_is_explained_as_among_others(learned, large_world):
    """
    The size of a batch changes no explanation by more than rounding, and no match needs no explanation.
    """
    frame = asked_about(large_world, 0.8)
    batch = learned.explain(frame)

    for row in (0, 7, 119):
        alone = learned.explain(frame.take([row]))
        np.testing.assert_allclose(alone.log_odds[0], batch.log_odds[row], rtol=0, atol=1e-9)
    assert learned.explain(frame.take(slice(0, 0))).proba.shape == (0, len(learned.names), 3)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 2.0))
def test_parts_of_a_probability_add_up(seed, scale):
    """
    Parts of log-odds, as large as football has them, become parts of probability that sum to the whole change.
    """
    rng = np.random.default_rng(seed)
    base, parts = rng.normal(size=(4, 3)), scale * rng.normal(size=(4, 6, 3))

    moved = in_probability(base, parts)

    change = softmax(base + parts.sum(axis=1)) - softmax(base)
    np.testing.assert_allclose(moved.sum(axis=1), change, rtol=0, atol=1e-5)
