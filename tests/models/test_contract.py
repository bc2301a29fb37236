"""The contract of models.estimator, kept by every estimator; a new one is added to ESTIMATORS and nowhere else."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import fields, replace

import cloudpickle
import numpy as np
import pytest

import features
import models
from features.frame import FeatureFrame
from features.matches import MatchTable
from features.mirror import mirrored
from models.boosted import BoostedOutcome, default_parameters
from models.class_frequency import ClassFrequency
from models.dixon_coles import DixonColes
from models.elo_logit import EloLogit
from models.ensemble import Ensemble
from models.errors import NotFitted, NothingToLearn
from models.rating_logit import RatingLogit


def small_boosted():
    """A boosted model of shallow quick trees that do split on a few hundred matches."""
    return BoostedOutcome(parameters=default_parameters() | {"min_child_weight": 5.0})


def small_ensemble():
    """An ensemble of such trees; 540 matches are too few for it to learn weights from, see test_ensemble for that."""
    return Ensemble(boosted=small_boosted())


ESTIMATORS = {
    "ensemble": small_ensemble,
    "xgboost": small_boosted,
    "rating_logit": RatingLogit,
    "class_frequency": ClassFrequency,
    "elo_logit": EloLogit,
    "dixon_coles": DixonColes,
}

HAS_SIDES_EVERYWHERE = {"class_frequency"}  # it counts results of a competition and knows of no venue


@pytest.fixture(params=ESTIMATORS)
def new_estimator(request):
    return ESTIMATORS[request.param]


@pytest.fixture(scope="module")
def fitted_by_class(world):
    return {make: make().fit(world.matches, world.features) for make in ESTIMATORS.values()}


@pytest.fixture
def fitted(new_estimator, fitted_by_class):
    return fitted_by_class[new_estimator]


def test_rows_are_probabilities(fitted, world):
    """
    Every row sums to 1 and lies strictly within (0, 1), also where features are unknown.
    """
    proba = fitted.predict_proba(world.matches, world.features)

    assert proba.shape == (len(world.matches), 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert ((proba > 0.0) & (proba < 1.0)).all()


def test_extreme_features_give_probabilities(fitted, world):
    """
    Feature values far outside training still give rows strictly within (0, 1).
    """
    matches = world.matches.take(slice(0, 4))
    values = np.repeat([[1e5], [-1e5], [1e-6], [0.0]], len(world.features.names), axis=1)

    proba = fitted.predict_proba(matches, FeatureFrame(world.features.names, values))

    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert ((proba > 0.0) & (proba < 1.0)).all()


def test_pickle_predicts_the_same(fitted, world):
    """
    An estimator predicts the same bits after pickling and loading.
    """
    loaded = pickle.loads(pickle.dumps(fitted))

    np.testing.assert_array_equal(
        loaded.predict_proba(world.matches, world.features), fitted.predict_proba(world.matches, world.features)
    )


def test_pickle_by_value_predicts_where_the_project_is_not_importable(fitted, world, tmp_path):
    """
    Pickled by value, an estimator predicts the same bits in a process that cannot import features or models.
    """
    matches, frame = world.matches.take(slice(0, 30)), world.features.take(slice(0, 30))
    path = tmp_path / "estimator.pkl"
    path.write_bytes(_by_value((fitted, matches, frame)))
    script = (
        "import pickle, sys; sys.modules['models'] = sys.modules['features'] = None;"
        f"estimator, matches, frame = pickle.load(open({str(path)!r}, 'rb'));"
        "sys.stdout.buffer.write(estimator.predict_proba(matches, frame).tobytes())"
    )

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, cwd=tmp_path)

    assert answer.returncode == 0, answer.stderr.decode()
    assert answer.stdout == fitted.predict_proba(matches, frame).tobytes()


def _by_value(thing):
    for package in (models, features):
        cloudpickle.register_pickle_by_value(package)
    try:
        return cloudpickle.dumps(thing)
    finally:
        for package in (models, features):
            cloudpickle.unregister_pickle_by_value(package)


def test_inputs_stay_as_they_were(new_estimator, world):
    """
    Neither fitting nor predicting changes the matches or the features.
    """
    matches, frame = pickle.loads(pickle.dumps((world.matches, world.features)))

    new_estimator().fit(matches, frame).predict_proba(matches, frame)

    for field in fields(MatchTable):
        np.testing.assert_array_equal(getattr(matches, field.name), getattr(world.matches, field.name))
    np.testing.assert_array_equal(frame.values, world.features.values)


def test_refit_is_bit_identical(new_estimator, fitted, world):
    """
    Fitting again, in a new estimator or in one fitted to something else, gives the same bits.
    """
    again = new_estimator().fit(world.matches.take(slice(0, 100)), world.features.take(slice(0, 100)))
    again = again.fit(world.matches, world.features)

    np.testing.assert_array_equal(
        again.predict_proba(world.matches, world.features), fitted.predict_proba(world.matches, world.features)
    )


def test_row_order_does_not_matter(fitted, world):
    """
    Shuffling the rows shuffles the answers and changes none.
    """
    order = np.random.default_rng(3).permutation(len(world.matches))

    shuffled = fitted.predict_proba(world.matches.take(order), world.features.take(order))

    np.testing.assert_array_equal(shuffled, fitted.predict_proba(world.matches, world.features)[order])


def test_single_row_equals_its_row_in_a_batch(fitted, world):
    """
    A match is answered alike alone and among others.
    """
    batch = fitted.predict_proba(world.matches, world.features)

    for row in (0, 1, 20, len(batch) - 1):
        alone = fitted.predict_proba(world.matches.take([row]), world.features.take([row]))
        np.testing.assert_array_equal(alone[0], batch[row])


def test_column_order_does_not_matter(new_estimator, fitted, world):
    """
    Features are found by name, in fitting and in predicting.
    """
    reversed_frame = world.features.select(world.features.names[::-1])

    again = new_estimator().fit(world.matches, reversed_frame)

    expected = fitted.predict_proba(world.matches, world.features)
    np.testing.assert_array_equal(again.predict_proba(world.matches, reversed_frame), expected)


def test_results_of_the_predicted_matches_are_not_read(fitted, world):
    """
    Blanking the results of the matches to predict changes no answer.
    """
    blank = fitted.predict_proba(world.matches.without_results(), world.features)

    np.testing.assert_array_equal(blank, fitted.predict_proba(world.matches, world.features))


def test_unplayed_matches_teach_nothing(new_estimator, fitted, world):
    """
    Fixtures without a result among the training matches leave the fit as it was.
    """
    future = MatchTable(
        **{field.name: getattr(world.matches.without_results(), field.name) for field in fields(MatchTable)}
        | {"kickoff": world.matches.kickoff + 10**8}
    )
    both = MatchTable.concatenate([world.matches, future])
    frame = FeatureFrame(world.features.names, np.concatenate([world.features.values, world.features.values + 5.0]))

    again = new_estimator().fit(both, frame)

    expected = fitted.predict_proba(world.matches, world.features)
    np.testing.assert_array_equal(again.predict_proba(world.matches, world.features), expected)


def test_no_match_is_no_row(fitted, world):
    """
    Asked for nothing, an estimator answers an empty array of three columns.
    """
    nothing = fitted.predict_proba(world.matches.take(slice(0, 0)), world.features.take(slice(0, 0)))

    assert nothing.shape == (0, 3)


def at_neutral_venues(world):
    """The matches whose features are known, as if all were played at a neutral venue."""
    known = np.flatnonzero(np.isfinite(world.features.values).all(axis=1))
    matches, frame = world.matches.take(known), world.features.take(known)
    frame.values[:, frame.names.index("neutral_venue")] = 1.0
    return replace(matches, neutral=np.ones(len(known), dtype=bool)), frame


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name not in HAS_SIDES_EVERYWHERE])
def test_at_a_neutral_venue_neither_side_comes_first(name, fitted_by_class, world):
    """
    Where neither side is at home, naming the sides the other way round mirrors the answer.
    """
    matches, frame = at_neutral_venues(world)
    turned = replace(matches, home=matches.away, away=matches.home)
    model = fitted_by_class[ESTIMATORS[name]]

    answer, other = model.predict_proba(matches, frame), model.predict_proba(turned, mirrored(frame))

    np.testing.assert_allclose(other, answer[:, ::-1], rtol=0, atol=1e-9)
    assert np.ptp(answer[:, 0]) > 0.1


def test_stronger_than_chance(fitted, world):
    """
    On its own training matches an estimator loses less than the uniform forecast does.
    """
    proba = fitted.predict_proba(world.matches, world.features)

    loss = -np.log(proba[np.arange(len(proba)), world.matches.outcome]).mean()
    assert loss < np.log(3.0)


def test_one_match_of_training_is_enough(new_estimator, world):
    """
    A single played match fits without a warning and predicts within (0, 1).
    """
    one = new_estimator().fit(world.matches.take(slice(1, 2)), world.features.take(slice(1, 2)))

    proba = one.predict_proba(world.matches, world.features)
    assert ((proba > 0.0) & (proba < 1.0)).all()


def test_unfitted_says_so(new_estimator, world):
    """
    Predicting before fitting raises an error that names the estimator and what to do.
    """
    estimator = new_estimator()

    with pytest.raises(NotFitted, match=rf"'{estimator.name}' is not fitted\. Call fit"):
        estimator.predict_proba(world.matches, world.features)


def test_nothing_to_learn_says_so(new_estimator, world):
    """
    Fitting on fixtures without results raises an error that names the estimator.
    """
    estimator = new_estimator()

    with pytest.raises(NothingToLearn, match=estimator.name):
        estimator.fit(world.matches.without_results(), world.features)
