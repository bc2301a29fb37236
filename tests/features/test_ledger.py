"""Growing state: codes for names, rows for codes."""

from __future__ import annotations

import numpy as np

from features.ledger import Codes, Ledger, follow, row_sums


def test_codes_are_given_in_order_and_kept():
    """
    Numbers start at 1, repeat for a repeated text, and looking one up gives none away.
    """
    codes = Codes()

    assert codes.learn(["b", "a", "b"]).tolist() == [1, 2, 1]
    assert codes.look_up(["a", "z"]).tolist() == [2, 0]
    assert codes.learn(["z"]).tolist() == [3]
    assert len(codes) == 4


def test_a_ledger_keeps_its_values_while_it_grows():
    """
    Growing keeps rows and blanks new ones, also where a row is an array; it never shrinks.
    """
    ledger = Ledger(rating=7.0, days=np.array([np.nan, 0.0]))
    ledger.grow(2)
    ledger["rating"][1] = 1.0

    ledger.grow(50)
    ledger.grow(3)

    assert ledger["rating"][:3].tolist() == [7.0, 1.0, 7.0]
    assert ledger["days"].shape[0] >= 50
    assert np.isnan(ledger["days"][:, 0]).all()


def test_row_sums_of_nothing_are_noughts():
    """
    Without a value every row sums to 0.
    """
    assert row_sums(np.array([], dtype=np.int64), np.array([]), 3).tolist() == [0.0, 0.0, 0.0]


def test_following_never_overshoots():
    """
    A hundred values at once move a mean onto their own mean and not beyond; rows not named stay.
    """
    mean = np.array([5.0, 0.0])

    follow(mean, np.ones(100, dtype=np.int64), np.full(100, 2.0), 0.5)

    assert mean.tolist() == [5.0, 2.0]
