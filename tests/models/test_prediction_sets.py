"""Sets and intervals: the smallest that reach their coverage."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import InvalidForecast
from models.prediction_sets import central_interval, prediction_set


@pytest.mark.parametrize(
    ("proba", "coverage", "expected"),
    [
        ([0.5, 0.3, 0.2], 0.5, [True, False, False]),
        ([0.5, 0.3, 0.2], 0.51, [True, True, False]),
        ([0.2, 0.3, 0.5], 0.9, [True, True, True]),
        ([0.4, 0.2, 0.4], 0.3, [True, False, False]),
        ([0.1, 0.2, 0.7], 0.9, [False, True, True]),
    ],
)
def test_prediction_set_is_the_smallest_that_reaches_the_coverage(proba, coverage, expected):
    """
    Outcomes are taken from the most likely down until the coverage is reached.
    """
    assert prediction_set(np.array([proba]), coverage)[0].tolist() == expected


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, np.nan])
def test_coverage_outside_its_range_is_refused(coverage):
    """
    A coverage of 0, 1 or anything outside is refused.
    """
    with pytest.raises(InvalidForecast, match="given coverage"):
        prediction_set(np.array([[0.5, 0.3, 0.2]]), coverage)
    with pytest.raises(InvalidForecast, match="given coverage"):
        central_interval(np.array([[0.5, 0.5]]), coverage)
