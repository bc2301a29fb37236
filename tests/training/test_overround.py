"""Odds without the bookmaker's margin: against other libraries, against the theory turned round, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from training.overround import METHODS, multiplicative, overround, power, shin

SHIN = (  # shin 0.2.2 on PyPI, calculate_implied_probabilities; the first row is the example of its README
    ((2.6, 2.4, 4.3), (0.37299406, 0.40477941, 0.22222653)),
    ((2.7, 2.3, 4.4), (0.35934392, 0.42324385, 0.21741223)),
    ((1.2, 7.0, 14.0), (0.81183087, 0.12913595, 0.05903318)),
    ((1.05, 13.0, 41.0), (0.92657950, 0.06094904, 0.01247146)),
    ((2.1, 3.4, 3.6), (0.45866572, 0.27873764, 0.26259665)),
    ((8.5, 4.75, 1.4), (0.10597362, 0.19771070, 0.69631569)),
)
POWER = (  # penaltyblog 1.13.1 on PyPI, implied.calculate_implied(odds, method="power")
    ((2.7, 2.3, 4.4), (0.35917110, 0.42373075, 0.21709815)),
    ((1.2, 7.0, 14.0), (0.82088824, 0.12166262, 0.05744914)),
    ((1.05, 13.0, 41.0), (0.94295613, 0.04560277, 0.01144109)),
    ((2.1, 3.4, 3.6), (0.46017446, 0.27797996, 0.26184558)),
    ((8.5, 4.75, 1.4), (0.10487535, 0.19362860, 0.70149605)),
)
MULTIPLICATIVE = (  # the same, method="multiplicative"; the first row is the example of its documentation
    ((2.7, 2.3, 4.4), (0.35873804, 0.42112726, 0.22013470)),
    ((1.2, 7.0, 14.0), (0.79545455, 0.13636364, 0.06818182)),
)

probabilities = st.tuples(*[st.floats(0.01, 1.0)] * 3).map(lambda weights: np.array(weights) / sum(weights))
decimal = st.floats(1.0001, 10_000.0)  # what the store takes in
offers = st.lists(st.tuples(decimal, decimal, decimal), min_size=1, max_size=8).map(np.array)


@pytest.mark.parametrize(("method", "table"), [(shin, SHIN), (power, POWER), (multiplicative, MULTIPLICATIVE)])
def test_probabilities_are_those_of_other_libraries(method, table):
    """
    Each method agrees with a library that others wrote, to the digits noted here.
    """
    odds, expected = (np.array(column) for column in zip(*table, strict=True))

    np.testing.assert_allclose(method(odds), expected, rtol=0, atol=1e-8)


@settings(max_examples=200, deadline=None)
@given(probabilities, st.floats(0.001, 0.2))
def test_shin_finds_what_the_odds_were_made_from(proba, z):
    """
    Odds set as Shin's bookmaker sets them give back the probabilities that he had in mind.
    """
    root = np.sqrt(z * proba + (1.0 - z) * proba**2)
    odds = 1.0 / (root * root.sum())
    assume(odds.min() > 1.0)

    np.testing.assert_allclose(shin(odds[None]), proba[None], rtol=0, atol=1e-9)


@settings(max_examples=200, deadline=None)
@given(probabilities, st.floats(0.8, 1.5))
def test_power_finds_what_the_odds_were_made_from(proba, k):
    """
    Odds whose inverses are powers of probabilities give those back, with an overround and without.
    """
    odds = proba ** (-1.0 / k)

    np.testing.assert_allclose(power(odds[None]), proba[None], rtol=0, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(offers)
def test_what_every_method_promises(odds):
    """
    Whatever the store may hold: rows sum to one, shorter odds are likelier, and a row does not depend on its company.
    """
    for method in METHODS.values():
        proba = method(odds)

        np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)
        assert ((proba >= 0.0) & (proba <= 1.0)).all()
        for row, prices in zip(proba, odds, strict=True):
            assert (np.diff(row[np.argsort(prices)]) <= 1e-12).all()
        for row in range(len(odds)):
            np.testing.assert_array_equal(proba[row : row + 1], method(odds[row : row + 1]))


@settings(max_examples=200, deadline=None)
@given(probabilities, st.floats(0.01, 0.15))
def test_outsiders_bear_more_of_the_margin_than_their_share(proba, margin):
    """
    Shin and power leave the favourite at least, and the outsider at most, what the multiplicative method does.
    """
    odds = (1.0 / (proba * (1.0 + margin)))[None]
    assume(odds.min() > 1.0)
    plain = multiplicative(odds)[0]

    for method in (shin, power):
        told = method(odds)[0]
        assert told.max() >= plain.max() - 1e-12
        assert told.min() <= plain.min() + 1e-12


def test_odds_without_a_margin_say_what_they_say():
    """
    Where inverse odds sum to 1 all methods return them; where they sum to less, Shin spreads the rest in proportion.
    """
    fair, generous = np.array([[2.0, 4.0, 4.0]]), np.array([[2.2, 4.4, 4.4]])

    for method in METHODS.values():
        np.testing.assert_allclose(method(fair), [[0.5, 0.25, 0.25]], rtol=0, atol=1e-12)
    np.testing.assert_allclose(shin(generous), [[0.5, 0.25, 0.25]], rtol=0, atol=1e-12)
    assert overround(generous)[0] == pytest.approx(1 / 1.1 - 1)


def test_a_row_without_all_three_odds_stays_unknown():
    """
    Nothing is made up for a missing price; the rows beside it are as they would be alone.
    """
    odds = np.array([[np.nan, 3.4, 3.6], [2.1, 3.4, 3.6], [np.nan] * 3])

    assert np.isnan(overround(odds)).tolist() == [True, False, True]
    for method in METHODS.values():
        proba = method(odds)
        assert np.isnan(proba).all(axis=1).tolist() == [True, False, True]
        np.testing.assert_array_equal(proba[1:2], method(odds[1:2]))
        assert method(odds[:0]).shape == (0, 3)


@pytest.mark.parametrize("price", [1.0, 0.0, -3.5, np.inf])
def test_a_price_that_is_none_is_an_error_with_its_row(price):
    """
    Odds of 1 or less, or infinite ones, are named with their row and never turned into a probability.
    """
    odds = np.array([[2.1, 3.4, 3.6], [np.nan, price, 3.6]])

    for method in (*METHODS.values(), overround):
        with pytest.raises(ValueError, match=rf"row 1: {price} are no decimal odds; expected a number above 1"):
            method(odds)


def test_odds_of_another_shape_are_an_error():
    """
    Two columns, or one row alone, are refused with the shape that was expected.
    """
    for odds in (np.array([[2.0, 2.0]]), np.array([2.1, 3.4, 3.6])):
        with pytest.raises(ValueError, match=r"expected \(n, 3\): home, draw, away"):
            shin(odds)
