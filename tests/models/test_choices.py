"""The choices of a model: what can be chosen, that the model is made with it, and that the defaults are the defaults."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.choices import Choices, ChoicesInvalid
from models.ensemble import MEMBERS, Ensemble
from models.goal_model import GoalModel
from models.pool import Pool

MADE = {"seed": 3, "threads": 1, "validation_days": 365}
positive = st.floats(1e-3, 1e5)
some_choices = st.builds(
    Choices,
    members=st.sets(st.sampled_from(MEMBERS), min_size=1).map(lambda chosen: tuple(n for n in MEMBERS if n in chosen)),
    goal_ridge=positive,
    pool_precision=positive,
    eta=st.floats(0.001, 1.0),
    max_depth=st.integers(1, 6),
)


@given(some_choices)
def test_a_card_gives_back_the_choices_it_was_given(choices):
    """
    Written as JSON and read again they are the same.
    """
    assert Choices.from_plain(json.loads(json.dumps(choices.to_plain()))) == choices


def test_the_default_choices_make_the_default_model():
    """
    Nothing changes for who chooses nothing.
    """
    assert repr(Choices().model(**MADE)) == repr(Ensemble(**MADE))


def test_the_model_is_made_with_what_was_chosen(world):
    """
    Penalties, precision and the trees' parameters reach every fit.
    """
    choices = Choices(goal_ridge=1e5, logit_ridge=1e5, pool_precision=7.0, max_depth=1, most_rounds=9)
    usual, chosen = (one.model(**MADE).fit(world.matches, world.features) for one in (Choices(), choices))

    assert chosen.pool_precision == 7.0
    assert chosen.goal_model.ridge == 1e5
    assert chosen.boosted.most_rounds == 9
    assert chosen.boosted.parameters["max_depth"] == 1
    prior = GoalModel.fit.__globals__["_PRIOR_MEAN"]
    assert (
        np.abs(chosen.goal_model.coefficients - prior).max()
        < 0.01
        < np.abs(usual.goal_model.coefficients - prior).max()
    )
    assert np.abs(chosen.logit.coefficients).max() < 0.1 < np.abs(usual.logit.coefficients).max()


@pytest.mark.parametrize("members", [("goal_model",), ("rating_logit", "xgboost")])
def test_a_member_that_is_left_out_has_no_weight(world, large_world, members):
    """
    Neither where the weights are equal for want of matches nor where they were fitted; all are still named.
    """
    model = Choices(members=members)
    few = model.model(**MADE).fit(world.matches, world.features)
    many = model.model(**MADE | {"validation_days": 500}).fit(large_world.matches, large_world.features)

    assert many.evidence, "the large world has forecasts to fit weights to"
    for fitted in (few, many):
        weights = fitted.pool.weights
        assert set(weights) == set(MEMBERS)
        assert {name for name, weight in weights.items() if weight > 0.0} == set(members)
        assert sum(weights.values()) == pytest.approx(1.0)
        np.testing.assert_allclose(fitted.forecast(world.features).proba.sum(axis=1), 1.0)
        assert np.isfinite(fitted.explain(world.features.take(slice(0, 3))).base).all()


def test_a_weak_prior_lets_the_pool_follow_the_results():
    """
    The lower the precision, the further the weights go from equal ones.
    """
    rng = np.random.default_rng(4)
    proba = rng.dirichlet((4, 3, 3), 500)
    outcome = np.array([rng.choice(3, p=row) for row in proba])
    said = {"right": proba, "wrong": proba[:, ::-1]}

    weak, strong = (Pool.fit(said, outcome, precision=precision).weights["right"] for precision in (1.0, 1e6))

    assert strong == pytest.approx(0.5, abs=0.01)
    assert weak > 0.8


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"members": ()}, "at least one of goal_model, rating_logit, xgboost"),
        ({"members": ("xgboost", "goal_model")}, "in this order"),
        ({"members": ("xgboost", "oracle")}, "expected at least one of"),
        ({"eta": 0.0}, "given eta 0.0, expected above 0, at most 1"),
        ({"eta": float("nan")}, "given eta nan"),
        ({"max_depth": 7}, "given max_depth 7, expected a whole number from 1 to 6"),
        ({"max_depth": 2.5}, "given max_depth 2.5"),
        ({"reg_lambda": -1.0}, "given reg_lambda -1.0, expected 0 to 1e+06"),
    ],
)
def test_what_no_model_can_be_made_with_is_refused(given, told):
    """
    The error names the choice, what was given and what was expected.
    """
    with pytest.raises(ChoicesInvalid) as refused:
        Choices(**given)

    assert told in str(refused.value)


@pytest.mark.parametrize("change", [{"learning_rate": 0.1}, {"eta": None}])
def test_a_card_of_other_choices_is_refused(change):
    """
    A choice that this program does not have, or lacks, is named rather than left out.
    """
    plain = {name: value for name, value in (Choices().to_plain() | change).items() if value is not None}

    with pytest.raises(ChoicesInvalid, match=next(iter(change))):
        Choices.from_plain(plain)
