"""No look ahead: what happens on a day or later leaves the features of that day and of all before it untouched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from feature_world import changed, random_matches
from hypothesis import given, settings
from hypothesis import strategies as st

from features.batch import Results
from features.frame import FeatureFrame
from features.transform import MatchFeatures

seeds = st.integers(0, 2**32 - 1)


def rewrite(matches, day, seed):
    """The same fixtures with other results, and other xG, on a day and ever after."""
    rng = np.random.default_rng(seed)
    later = matches.day >= day
    columns = {
        name: np.where(later & matches.played, rng.poisson(2.5, len(matches)), getattr(matches, name)).astype(float)
        for name in ("home_goals", "away_goals", "home_xg", "away_xg")
    }
    return replace(matches, **columns)


def leaking_features(new_state, matches, other, day):
    """Names of the features that differ, up to and including a day, between two versions of what followed."""
    frames = [new_state().update(version).take(version.day <= day) for version in (matches, other)]
    return changed(*frames)


@settings(max_examples=40, deadline=None)
@given(seeds, seeds, st.data())
def test_rewriting_the_future_leaves_the_past(seed, other_seed, data):
    """
    Other results from a day on change no bit of that day's features, nor of any before.
    """
    matches = random_matches(seed)
    day = data.draw(st.sampled_from(sorted(set(matches.day.tolist()))))

    assert leaking_features(MatchFeatures, matches, rewrite(matches, day, other_seed), day) == set()


@settings(max_examples=25, deadline=None)
@given(seeds, st.data())
def test_removing_the_future_leaves_the_past(seed, data):
    """
    Features up to a day are the same whether or not any later match exists, played or not.
    """
    matches = random_matches(seed)
    day = data.draw(st.sampled_from(sorted(set(matches.day.tolist()))))

    assert leaking_features(MatchFeatures, matches, matches.take(matches.day <= day), day) == set()


def test_the_past_does_change_the_future():
    """
    The check is not blind: other results of one day do change features of later days.
    """
    matches = random_matches(8)
    day = int(np.median(matches.day))

    assert len(leaking_features(MatchFeatures, matches, rewrite(matches, day, 9), day + 40)) > 20


class LearnsBeforeItDescribes(MatchFeatures):
    """Cheat: let the form learn today's results before today's matches are described."""

    def _learn_names(self, table):
        batch = super()._learn_names(table)
        rows = np.flatnonzero(table.played)
        self.form.learn(batch.take(rows), Results(*(goals[rows] for goals in self._numbers(table))))
        return batch

    def _numbers(self, table):
        return table.home_goals, table.away_goals, table.home_xg, table.away_xg


class KnowsTheWholeTable(MatchFeatures):
    """Cheat: fill one column with a mean over all matches, as a careless scaler does."""

    def update(self, matches):
        frame = super().update(matches)
        values = frame.values.copy()
        values[:, frame.names.index("draw_rate")] = np.nanmean(matches.outcome == 1)
        return FeatureFrame(frame.names, values)


class ReadsTheResult(MatchFeatures):
    """Cheat: hide the result in a feature's last digits."""

    def update(self, matches):
        frame = super().update(matches)
        column = frame.values[:, frame.names.index("elo_home")]
        column += 1e-9 * np.nan_to_num(matches.home_goals)
        return frame


@pytest.mark.parametrize(
    ("cheat", "caught"),
    [
        (LearnsBeforeItDescribes, "form5_goals_for_home"),
        (KnowsTheWholeTable, "draw_rate"),
        (ReadsTheResult, "elo_home"),
    ],
)
def test_a_cheating_feature_is_caught_by_name(cheat, caught):
    """
    The same check names the feature that has seen its own result, or the table as a whole.
    """
    matches = random_matches(8)
    day = int(np.median(matches.day))

    assert caught in leaking_features(cheat, matches, rewrite(matches, day, 9), day)
