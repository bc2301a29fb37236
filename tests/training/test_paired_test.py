"""The paired test that a challenger must pass, and the error rate that its looks share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.paired_test import error_rate_of_look, sign_flip_test


def test_the_p_value_is_the_share_of_signs_that_are_as_good():
    """
    Eight weeks that are all better: one of the 256 patterns of signs is as low.
    """
    test = sign_flip_test(np.full(16, -0.01), np.repeat(np.arange(8), 2), seed=1)

    assert test.groups == 8
    assert test.p == pytest.approx(1 / 256, abs=0.002)


def test_worse_is_never_significant():
    """
    The test has one side: a challenger that is worse has a p-value near 1.
    """
    assert sign_flip_test(np.full(50, 0.01), np.arange(50), seed=1).p > 0.99


def test_equals_are_promoted_no_more_often_than_stated():
    """
    Of 400 pairs of equal forecasters, in weeks that share their luck, some 5 % come below 0.05 and not more.
    """
    rng = np.random.default_rng(2)
    weeks = np.repeat(np.arange(30), 10)
    differences = (rng.normal(size=(400, 30))[:, weeks] + rng.normal(size=(400, 300))) * 0.01
    p = [sign_flip_test(one, weeks, seed=3, flips=399).p for one in differences]

    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    # Match by match the shared luck is taken for skill.
    alone = [sign_flip_test(one, np.arange(300), seed=3, flips=399).p for one in differences]
    assert np.mean(np.array(alone) < 0.05) > 0.15


@given(st.floats(0.001, 0.5), st.integers(1, 200))
def test_all_looks_together_spend_no_more_than_the_error_rate(rate, looks):
    """
    However often one looks, the shares add up to less than the rate, and each is smaller than the one before.
    """
    shares = [error_rate_of_look(rate, look) for look in range(1, looks + 1)]

    assert sum(shares) < rate
    assert shares == sorted(shares, reverse=True)


def test_what_makes_no_sense_is_refused():
    """
    Lengths that differ, a rate of nothing and a look before the first.
    """
    with pytest.raises(ValueError, match="given 2 differences with 3 groups"):
        sign_flip_test(np.zeros(2), np.zeros(3, dtype=int), seed=1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        error_rate_of_look(0.0, 1)
    with pytest.raises(ValueError, match="look 1 or later"):
        error_rate_of_look(0.05, 0)
