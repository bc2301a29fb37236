"""Compiled trees give what XGBoost gives."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forest import CannotCompile, Forest

COLUMNS = 9


def grown(*, seed=0, depth=3, rounds=12, outcomes=3, rows=600, **parameters) -> xgboost.Booster:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, COLUMNS)).round(1)
    values[rng.random(values.shape) < 0.15] = np.nan
    values[:, 0] = 0.0  # a column that no tree can split on
    labels = rng.integers(0, outcomes, rows)
    told = {"objective": "multi:softprob", "num_class": outcomes, "max_depth": depth, "nthread": 1, "seed": seed}
    return xgboost.train(told | parameters, xgboost.DMatrix(values, label=labels), rounds)


def both(booster, values, outcomes=3):
    margin = np.random.default_rng(1).normal(size=(len(values), outcomes)).astype(np.float32)
    reference = booster.inplace_predict(values, base_margin=margin, predict_type="margin")
    return Forest.compiled(booster).margins(values, margin), reference.reshape(-1, outcomes)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    depth=st.integers(1, 6),
    outcomes=st.integers(3, 4),
    trees=st.integers(1, 3),
    scale=st.sampled_from([0.1, 1.0, 1e6, 1e37]),
)
def test_margins_are_those_of_xgboost_bit_for_bit(seed, depth, outcomes, trees, scale):
    """
    Whatever the depth, the number of outcomes and the values, missing and infinite ones among them.
    """
    booster = grown(seed=seed, depth=depth, rounds=5, outcomes=outcomes, num_parallel_tree=trees)
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(200, COLUMNS)) * scale).round(1)
    values[rng.random(values.shape) < 0.1] = np.nan

    compiled, reference = both(booster, values, outcomes)

    assert (compiled == reference).all()


def test_values_on_a_threshold_go_where_xgboost_sends_them():
    """
    At a threshold, just below it and at either zero the compiled trees decide as the others do.
    """
    booster = grown()
    thresholds = Forest.compiled(booster).thresholds()
    values = np.zeros((300, COLUMNS))
    for column, known in thresholds.items():
        at = np.resize(known, 300)
        values[:, column] = np.where(np.arange(300) % 2, at, np.nextafter(at, np.float32(-np.inf)))
    values[0], values[1] = -0.0, 0.0

    compiled, reference = both(booster, values)

    assert (compiled == reference).all()
    assert sum(len(known) for known in thresholds.values()) > 50


def test_a_row_is_scored_alike_alone_and_among_others():
    """
    The company of other rows changes no bit.
    """
    booster = grown()
    values = np.random.default_rng(5).normal(size=(33, COLUMNS))
    forest, margin = Forest.compiled(booster), np.zeros((33, 3), dtype=np.float32)

    together = forest.margins(values, margin)

    assert all((forest.margins(values[i : i + 1], margin[:1]) == together[i]).all() for i in range(33))


def test_trees_without_a_split_are_scored():
    """
    Where nothing could be learned every row gets the same leaves, as XGBoost gives them.
    """
    booster = grown(rows=20, min_child_weight=100.0)
    values = np.random.default_rng(2).normal(size=(5, COLUMNS))

    compiled, reference = both(booster, values)

    assert (compiled == reference).all()
    assert Forest.compiled(booster).thresholds() == {}


def test_outcomes_with_fewer_trees_are_filled_up():
    """
    A booster cut to its first trees, not equally many an outcome, is scored as XGBoost does it.
    """
    booster = grown(rounds=4, num_parallel_tree=2)[:3]
    values = np.random.default_rng(2).normal(size=(50, COLUMNS))

    compiled, reference = both(booster, values)

    assert (compiled == reference).all()


@pytest.mark.parametrize(
    ("booster", "reason"),
    [
        (
            lambda: grown(depth=7, rows=20_000, rounds=1, min_child_weight=0, reg_lambda=0),
            "leaves, expected at most 64",
        ),
        (lambda: grown(booster="gblinear", rounds=1, max_depth=None), "gblinear"),
        (lambda: grown(booster="dart", rounds=1), "dart"),
    ],
)
def test_what_cannot_be_compiled_is_said(booster, reason):
    """
    Trees that are too large, and boosters that are no sum of trees, are refused with the reason.
    """
    with pytest.raises(CannotCompile, match=reason):
        Forest.compiled(booster())
