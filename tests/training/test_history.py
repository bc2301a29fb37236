"""The history: which days its cuts hold."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.frame import FeatureFrame
from features.matches import SECONDS_PER_DAY, MatchTable
from training.history import History

days = st.integers(-3, 30)


def history_of(kickoffs):
    n = len(kickoffs)
    matches = MatchTable.from_columns(
        match_id=[f"m{i}" for i in range(n)], competition=["xx.1"] * n, season=["2020"] * n, kickoff=sorted(kickoffs),
        home=["a"] * n, away=["b"] * n,
    )  # fmt: skip
    return History(matches, FeatureFrame(("number",), np.arange(n, dtype=float)[:, None]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 27 * SECONDS_PER_DAY), min_size=1, max_size=40), days, days)
def test_cuts_go_by_whole_days(kickoffs, first, end):
    """
    A match counts to the day of its kick-off, from the first second to the last, and keeps its features.
    """
    history = history_of(kickoffs)
    day = history.matches.day

    for part, rows in (
        (history.before(end), day < end),
        (history.between(first, end), (day >= first) & (day < end)),
        (history.after_warm_up(first), day >= day.min() + first),
    ):
        assert part.matches.match_id.tolist() == history.matches.match_id[rows].tolist()
        np.testing.assert_array_equal(part.features.values, history.features.values[rows])
