"""Meetings of two clubs, seen from the side now at home."""

from __future__ import annotations

import numpy as np
import pytest
from feature_world import after, described, match

from features.transform import MatchFeatures


def test_the_sign_turns_with_the_sides():
    """
    A won 3-0 at home and 1-0 away: mean margin 4 goals over 2 meetings and 3 level ones, the opposite for B.
    """
    state = after(match("a", "b", 3, 0, day=0), match("b", "a", 0, 1, day=9))

    at_a, at_b = described(state, match("a", "b", day=20)), described(state, match("b", "a", day=20))

    assert at_a["head_to_head_margin"] == pytest.approx(4 / 5)
    assert at_b["head_to_head_margin"] == pytest.approx(-4 / 5)
    assert at_a["head_to_head_matches"] == at_b["head_to_head_matches"] == 2


def test_six_meetings_are_remembered():
    """
    The seventh meeting pushes the oldest out of memory.
    """
    state = after(match("a", "b", 9, 0, day=0), *(match("a", "b", 1, 0, day=10 * i) for i in range(1, 7)))

    features = described(state, match("a", "b", day=100))

    assert features["head_to_head_matches"] == 6
    assert features["head_to_head_margin"] == pytest.approx(6 / 9)


def test_clubs_that_never_met_are_level():
    """
    Without a meeting the margin is zero and not missing, also where a club was never seen.
    """
    state = after(match("a", "b", 3, 0, day=0), match("c", "d", 3, 0, day=0))

    for pair in ("ac", "ca", "az", "yz"):
        features = described(state, match(*pair, day=9))
        assert (features["head_to_head_matches"], features["head_to_head_margin"]) == (0, 0)


def test_level_meetings_have_no_sign():
    """
    A margin of nought is +0.0 from both sides, so that its bits and its text are the same.
    """
    state = after(match("a", "b", 2, 2, day=0), match("a", "b", 0, 0, day=9))

    margins = [described(state, match(*pair, day=20))["head_to_head_margin"] for pair in ("ab", "ba", "bz", "zb")]
    unseen = described(MatchFeatures(), match("y", "z", day=0))["head_to_head_margin"]

    assert [str(margin) for margin in (*margins, unseen)] == ["0.0"] * 5
    assert not np.signbit([*margins, unseen]).any()
