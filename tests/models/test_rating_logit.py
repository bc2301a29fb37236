"""The rating logit: what it recovers, its symmetry, and what it does with the unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.frame import FeatureFrame
from models.conditional_logit import fit_conditional_logit, softmax
from models.errors import NotFitted
from models.rating_logit import FEATURES, RatingLogit, fit_symmetric_logit

expected = st.floats(0.02, 15.0)


def frame_of(*rows):
    """Rows of goals expected of home and away, draw rate and venue."""
    return FeatureFrame(FEATURES, np.array(rows, dtype=float))


@pytest.fixture(scope="module")
def fitted(large_world):
    return RatingLogit().fit(large_world.matches, large_world.features)


def asked(model, frame):
    return softmax(model.log_odds(frame))


def test_planted_coefficients_are_recovered():
    """
    On results drawn from a symmetric logit the fit finds its tilts and levels.
    """
    rng = np.random.default_rng(1)
    tilts, levels = rng.normal(size=(30_000, 2)), np.column_stack([np.ones(30_000), rng.normal(size=30_000)])
    planted = np.array([0.3, 0.9, -0.2, 0.4])
    tilt, level = tilts @ planted[:2], levels @ planted[2:]
    proba = softmax(np.column_stack([level + tilt, np.zeros(30_000), level - tilt]))
    outcome = (proba.cumsum(axis=1) < rng.random((30_000, 1))).sum(axis=1)

    found = fit_symmetric_logit(tilts, levels, outcome, ridge=1.0)

    np.testing.assert_allclose(found, planted, atol=0.05)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 20.0), st.integers(1, 50), st.floats(0.01, 100.0))
def test_is_the_logit_whose_outcomes_have_mirrored_regressors(seed, scale, count, ridge):
    """
    Whatever the regressors, the fit is the conditional logit's in which an away win is a home win turned round.
    """
    rng = np.random.default_rng(seed)
    tilts, levels, outcome = scale * rng.normal(size=(count, 2)), rng.normal(size=(count, 3)), rng.integers(0, 3, count)
    mirrored = np.stack([np.hstack([tilts, levels]), np.zeros((count, 5)), np.hstack([-tilts, levels])], axis=1)

    found = fit_symmetric_logit(tilts, levels, outcome, ridge=ridge)

    general = fit_conditional_logit(mirrored, outcome, prior=np.zeros(5), precision=np.full(5, ridge))
    np.testing.assert_allclose(found, general, rtol=1e-7, atol=1e-9)


def test_being_at_home_is_worth_something_and_more_goals_more(fitted):
    """
    In a world with home advantage in the goals expected, the favourite wins more often the more goals it is expected.
    """
    even, better, best = asked(fitted, frame_of([1.3, 1.3, 0.26, 1], [1.8, 1.3, 0.26, 1], [2.6, 1.3, 0.26, 1]))

    assert even[0] < better[0] < best[0]
    assert even[2] > better[2] > best[2]
    assert even[0] == pytest.approx(even[2], abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(expected, expected, st.floats(0.0, 1.0))
def test_at_a_neutral_venue_the_swapped_match_has_the_mirrored_answer(fitted, home, away, draws):
    """
    Whatever is expected of them, neither side is better for being named first.
    """
    one, other = asked(fitted, frame_of([home, away, draws, 1.0], [away, home, draws, 1.0]))

    np.testing.assert_allclose(other, one[::-1], rtol=0, atol=1e-12)


def test_a_venue_that_is_not_known_is_the_usual_one(fitted):
    """
    Unknown values are those of the usual match, the venue among them.
    """
    usual = fitted.usual.tolist()
    unknown = frame_of([np.nan] * 4, usual)

    one, other = asked(fitted, unknown)

    np.testing.assert_array_equal(one, other)
    assert usual[3] == 0.0
    assert fitted.at_home(unknown).tolist() == [1.0, 1.0]
    assert fitted.at_home(frame_of([1.0, 1.0, 0.2, 1.0])).tolist() == [0.0]


def test_where_most_venues_are_neutral_an_unknown_one_is_neutral(large_world):
    """
    What is usual is what training had most of.
    """
    values = large_world.features.values.copy()
    values[:, large_world.features.names.index("neutral_venue")] = 1.0
    model = RatingLogit().fit(large_world.matches, FeatureFrame(large_world.features.names, values))

    assert model.at_home(frame_of([1.0, 1.0, 0.2, np.nan])).tolist() == [0.0]


def test_goals_beyond_reason_are_kept_within_it(fitted):
    """
    Expected goals below 0.05 are answered as 0.05, those above 10 as 10.
    """
    wild, bounded = asked(fitted, frame_of([0.0, 1e6, 0.26, 0.0], [0.05, 10.0, 0.26, 0.0]))

    np.testing.assert_array_equal(wild, bounded)


def test_no_value_known_gives_the_frequencies_of_the_results(world):
    """
    Without any known value the fit still gives how often each result happened.
    """
    frame = FeatureFrame(FEATURES, np.full((len(world.matches), 4), np.nan))

    proba = RatingLogit(ridge=1e-6).fit(world.matches, frame).predict_proba(world.matches, frame)

    frequency = np.bincount(world.matches.outcome) / len(world.matches)
    np.testing.assert_allclose(proba[0], frequency, atol=1e-6)


def test_results_all_of_one_kind_do_not_run_away(large_world):
    """
    Where the side named first always won, coefficients stay finite and the forecast short of certain.

    At a neutral venue being named first cannot count.
    """
    matches = replace(large_world.matches, home_goals=large_world.matches.away_goals + 1.0)

    model = RatingLogit().fit(matches, large_world.features)

    assert np.isfinite(model.coefficients).all()
    proba = asked(model, large_world.features)
    assert proba[~matches.neutral, 0].min() > 0.9
    assert proba[matches.neutral, 0].min() < 0.6
    assert proba.max() < 1.0


def test_unfitted_says_so():
    """
    Asked for the venue before fitting, the model says its name and what to do.
    """
    with pytest.raises(NotFitted, match="'rating_logit' is not fitted"):
        RatingLogit().at_home(frame_of([1.0, 1.0, 0.2, 0.0]))
