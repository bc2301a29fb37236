"""Calibration: planted faults are found and mended, and the kind is chosen on matches it was not fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import GROUPS, KINDS, Calibration, chosen_kind, group_of
from models.conditional_logit import softmax

COUNT = 40_000


def setting(seed, count=COUNT):
    """Log-odds of matches, which sides are at home, and groups."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 0.8, (count, 3)), (rng.random(count) < 0.8).astype(float), rng.integers(0, 3, count)


def happened(log_odds, seed):
    rng = np.random.default_rng(seed)
    return (log_odds + rng.gumbel(size=log_odds.shape)).argmax(axis=1)


def planted(slope, draw, venue, kind="vector"):
    return Calibration(kind, np.tile([slope, draw, venue], (len(GROUPS), 1)))


def forecasts(fault, seed, count=COUNT):
    """Forecasts that a known calibration would mend, as ``Calibration.fit`` takes them."""
    log_odds, at_home, group = setting(seed, count)
    return log_odds, at_home, group, happened(fault.log_odds(log_odds, at_home, group), seed + 1)


def test_a_planted_fault_is_found():
    """
    Forecasts that are too bold, short of draws and blind to the venue: slope, draw and venue shift come back.
    """
    found = Calibration.fit("vector", *forecasts(planted(0.7, 0.2, 0.4), 1))

    np.testing.assert_allclose(found.coefficients, np.tile([0.7, 0.2, 0.4], (3, 1)), atol=0.05)


def test_groups_have_faults_of_their_own():
    """
    With a fault a group, each group's calibration is its own.
    """
    fault = Calibration("vector by group", np.array([[1.0, 0.0, 0.0], [0.6, 0.4, 0.0], [1.3, -0.4, 0.5]]))

    found = Calibration.fit("vector by group", *forecasts(fault, 2))

    np.testing.assert_allclose(found.coefficients, fault.coefficients, atol=0.08)


def test_a_group_without_matches_has_the_calibration_of_all():
    """
    What was learned from the others goes for a group that had no match, and hardly less for one with a few.
    """
    log_odds, at_home, group, outcome = forecasts(planted(0.7, 0.2, 0.4), 3)
    group = np.where(np.arange(COUNT) < 10, 1, 0)

    found = Calibration.fit("vector by group", log_odds, at_home, group, outcome)

    overall = Calibration.fit("vector", log_odds, at_home, group, outcome).coefficients
    np.testing.assert_array_equal(found.coefficients[2], overall[2])
    np.testing.assert_allclose(found.coefficients[1], overall[1], atol=0.05)


def test_a_slope_alone_shifts_neither_draws_nor_sides():
    """
    The kind "slope" stretches and does nothing else, whatever draws and venue would have liked.
    """
    found = Calibration.fit("slope", *forecasts(planted(0.7, 0.3, 0.5), 4))

    np.testing.assert_allclose(found.coefficients[:, 1:], 0.0, atol=1e-6)
    assert found.coefficients[0, 0] == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_few_matches_change_little(kind):
    """
    On ten matches no kind moves far from leaving the forecasts as they are.
    """
    found = Calibration.fit(kind, *forecasts(planted(0.2, 1.0, 1.0), 5, count=10))

    np.testing.assert_allclose(found.coefficients, np.tile([1.0, 0.0, 0.0], (3, 1)), atol=0.25)


def test_the_wrong_calibration_is_refused():
    """
    A kind that does not exist is refused with those that do.
    """
    with pytest.raises(ValueError, match=r"given the kind of calibration 'isotonic', expected one of none, slope"):
        Calibration.fit("isotonic", *forecasts(planted(1.0, 0.0, 0.0), 6, count=10))


@pytest.mark.parametrize("kind", KINDS)
def test_at_a_neutral_venue_the_swapped_match_keeps_its_mirrored_answer(kind):
    """
    Whatever was learned, a match at a neutral venue, turned round, is calibrated to the mirrored answer.
    """
    log_odds, at_home, group, outcome = forecasts(planted(0.7, 0.2, 0.4), 7, count=2_000)
    found = Calibration.fit(kind, log_odds, at_home, group, outcome)
    neutral = np.zeros(len(group))

    one, other = (softmax(found.log_odds(rows, neutral, group)) for rows in (log_odds, log_odds[:, ::-1]))

    np.testing.assert_allclose(other, one[:, ::-1], rtol=0, atol=1e-12)


def test_forecasts_are_left_as_they_are():
    """
    The calibration "none" changes nothing, and no calibration changes the log-odds it is given.
    """
    log_odds, at_home, group = setting(8, count=50)
    before = log_odds.copy()

    np.testing.assert_allclose(Calibration.none().log_odds(log_odds, at_home, group), log_odds, rtol=1e-15)
    planted(0.7, 0.2, 0.4).log_odds(log_odds, at_home, group)
    np.testing.assert_array_equal(log_odds, before)


def test_luck_is_no_reason_to_mend_forecasts_without_a_fault():
    """
    Where there is nothing to mend nothing is mended in most cases, also where a richer kind was better by luck.
    """
    sound = planted(1.0, 0.0, 0.0)

    chosen = [chosen_kind(forecasts(sound, seed, 1_000), forecasts(sound, seed + 500, 1_000)) for seed in range(20)]

    left_alone = sum(kind == "none" for kind, _ in chosen)
    best = sum(min(losses, key=losses.__getitem__) == "none" for _, losses in chosen)
    assert all(list(losses) == list(KINDS) for _, losses in chosen)
    assert left_alone > best
    assert left_alone >= 12


@pytest.mark.parametrize(("fault", "expected"), [((0.6, 0.0, 0.0), "slope"), ((0.6, 0.4, 0.4), "vector")])
def test_the_kind_that_mends_the_fault_is_chosen(fault, expected):
    """
    A fault of the slope calls for a slope, one of draws and venue for more.
    """
    choices = [
        chosen_kind(forecasts(planted(*fault), seed, count=4_000), forecasts(planted(*fault), seed + 10, count=4_000))
        for seed in range(10, 17)
    ]

    kinds = [kind for kind, _ in choices]
    assert max(set(kinds), key=kinds.count) == expected  # a richer one may win by luck, one time in six
    assert all(losses[expected] < losses["none"] for _, losses in choices)


def test_the_kind_is_chosen_on_the_later_matches_only():
    """
    A fault that the earlier matches had and the later ones do not have is no reason to mend it.
    """
    faulty, sound = planted(0.6, 0.4, 0.4), planted(1.0, 0.0, 0.0)

    kind, losses = chosen_kind(forecasts(faulty, 11, count=4_000), forecasts(sound, 21, count=4_000))

    assert kind == "none"
    assert losses["none"] == min(losses.values())


def test_the_card_tells_the_coefficients_by_group():
    """
    Plain data names each group's slope, draw and venue.
    """
    told = planted(0.7, 0.2, 0.4).to_plain()

    assert list(told) == list(GROUPS)
    assert told["clubs known well"] == {"slope": 0.7, "draw": 0.2, "venue": 0.4}


def test_groups_follow_the_doubt():
    """
    Clubs known well, known and hardly known are three groups.
    """
    assert [GROUPS[place] for place in group_of(np.array([[0.2, 0.2], [0.3, 0.3], [0.4, 0.4]]))] == list(GROUPS)
