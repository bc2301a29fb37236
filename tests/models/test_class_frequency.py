"""Class frequencies: counted, and shrunk to the overall ones."""

from __future__ import annotations

import numpy as np
import pytest

from features.frame import FeatureFrame
from features.matches import MatchTable
from models.class_frequency import ClassFrequency


def matches_of(results):
    """Matches of the given (competition, home goals, away goals)."""
    n = len(results)
    return MatchTable.from_columns(
        match_id=[str(i) for i in range(n)],
        competition=[r[0] for r in results],
        season=["2019"] * n,
        kickoff=list(range(n)),
        home=["xx:A"] * n,
        away=["xx:B"] * n,
        home_goals=[r[1] for r in results],
        away_goals=[r[2] for r in results],
    )


NO_FEATURES = FeatureFrame((), np.empty((4, 0)))


def test_frequencies_are_shrunk_to_the_overall_ones():
    """
    With a prior of four matches, two home wins of two count as (2 + 4 * overall) / 6.
    """
    played = matches_of([("xx.1", 1, 0), ("xx.1", 2, 0), ("xx.2", 0, 0), ("xx.2", 0, 1)])

    proba = ClassFrequency(prior_matches=4.0).fit(played, NO_FEATURES).predict_proba(played, NO_FEATURES)

    np.testing.assert_allclose(proba[0], [4 / 6, 1 / 6, 1 / 6], atol=1e-8)
    np.testing.assert_allclose(proba[2], [2 / 6, 2 / 6, 2 / 6], atol=1e-8)


def test_unseen_competition_has_the_overall_frequencies():
    """
    A competition that was not in training is given the frequencies of all matches.
    """
    played = matches_of([("xx.1", 1, 0), ("xx.1", 2, 0), ("xx.2", 0, 0), ("xx.2", 0, 1)])
    unseen = matches_of([("yy.1", np.nan, np.nan)])

    proba = ClassFrequency().fit(played, NO_FEATURES).predict_proba(unseen, NO_FEATURES)

    assert proba[0].tolist() == pytest.approx([0.5, 0.25, 0.25], abs=1e-8)
