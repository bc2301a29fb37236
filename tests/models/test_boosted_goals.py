"""The trees on goals: what they add to the goal model, both sides alike, and that they travel and compile unharmed."""

from __future__ import annotations

from dataclasses import replace

import cloudpickle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.frame import FeatureFrame
from features.mirror import mirrored
from models.boosted_goals import BoostedGoals, default_parameters
from models.boosted_trees import MOST_COMPILED_ROWS
from models.errors import NotFitted, NothingToLearn
from models.goal_model import GoalModel
from models.rounds import ROUNDS_WITHOUT_STOPPING

QUICK = default_parameters() | {"min_child_weight": 20.0}


def boosted(**choices):
    return BoostedGoals(**{"parameters": QUICK, "validation_days": 600, "most_rounds": 60} | choices)


@pytest.fixture(scope="module")
def open_season(large_world):
    """The large world where both sides of half of the matches score 1.5 times what is expected, as a column tells."""
    rng = np.random.default_rng(8)
    is_open = rng.random(len(large_world.matches)) < 0.5
    names = large_world.features.names
    frame = FeatureFrame(names, large_world.features.values.copy())
    frame.values[:, names.index("draw_rate")] = np.where(is_open, 0.2, 0.3)
    more = np.where(is_open, 1.5, 1.0)
    goals = [rng.poisson(frame.column(f"chances_expected_{side}") * more).astype(float) for side in ("home", "away")]
    return replace(large_world.matches, home_goals=goals[0], away_goals=goals[1]), frame


@pytest.fixture(scope="module")
def halves(open_season):
    """The matches learned from, and those played after them."""
    matches, frame = open_season
    learned = matches.day < np.quantile(matches.day, 0.8)
    return [(matches.take(rows), frame.take(rows)) for rows in (learned, ~learned)]


@pytest.fixture(scope="module")
def start(halves):
    return GoalModel().fit(*halves[0])


@pytest.fixture(scope="module")
def fitted(halves, start):
    return boosted().fit(*halves[0], start)


def loss_of(expected, matches):
    """Minus the log-likelihood of the goals a match, but for what no forecast can change."""
    goals = np.column_stack([matches.home_goals, matches.away_goals])
    return (expected - goals * np.log(expected)).sum(axis=1)


def test_trees_find_goals_that_the_goal_model_cannot_see(fitted, start, halves):
    """
    On later matches they are nearer to the goals, and right about the total of either half to a tenth.
    """
    matches, frame = halves[1]
    plain = start.expected_goals(frame)
    expected = fitted.expected_goals(frame, plain)

    gain = loss_of(plain, matches) - loss_of(expected, matches)
    assert gain.mean() > 3.0 * gain.std() / len(gain) ** 0.5
    for rate in (0.2, 0.3):
        chosen = frame.column("draw_rate") == rate
        told, came = expected[chosen].sum(), (matches.home_goals + matches.away_goals)[chosen].sum()
        assert told == pytest.approx(came, rel=0.1)


def test_naming_the_sides_the_other_way_round_swaps_the_answer(fitted, start, halves):
    """
    To the bit, at any venue: whoever is at home is told by the features alone.
    """
    frame = halves[1][1]
    turned = mirrored(frame)

    answer = fitted.expected_goals(frame, start.expected_goals(frame))
    other = fitted.expected_goals(turned, start.expected_goals(frame)[:, ::-1])

    assert other.tobytes() == np.ascontiguousarray(answer[:, ::-1]).tobytes()


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_match_is_answered_alike_alone_and_among_others(fitted, start, halves, is_compiled):
    """
    Few rows are scored by compiled trees and many by XGBoost; no bit differs.
    """
    model = replace(fitted)
    if is_compiled:
        model.compile()
    frame = halves[1][1].take(slice(0, MOST_COMPILED_ROWS))
    plain = start.expected_goals(frame)

    batch = model.expected_goals(frame, plain)

    for row in (0, 1, len(frame) - 1):
        assert model.expected_goals(frame.take([row]), plain[[row]]).tobytes() == batch[row].tobytes()
    few = slice(0, MOST_COMPILED_ROWS // 2)
    assert model.expected_goals(frame.take(few), plain[few]).tobytes() == batch[few].tobytes()


@settings(max_examples=40, deadline=None)
@given(value=st.floats(-1e6, 1e6) | st.just(float("nan")), expected=st.floats(0.05, 10.0))
def test_whatever_the_features_goals_stay_within_reason(fitted, value, expected):
    """
    Never below 0.05 or above 10 a side, also where nothing is known.
    """
    frame = FeatureFrame(fitted.names, np.full((1, len(fitted.names)), value))

    answer = fitted.expected_goals(frame, np.full((1, 2), expected))

    assert ((answer >= 0.05) & (answer <= 10.0)).all()


def test_it_travels_with_its_trees_as_bytes(fitted, start, halves):
    """
    Packed it holds no booster; unpacked it gives the same bits, and unpacking twice is unpacking once.
    """
    frame = halves[1][1]
    packed = cloudpickle.loads(cloudpickle.dumps(fitted.pack()))
    assert packed.booster is None

    packed.unpack()
    packed.unpack()

    answers = [model.expected_goals(frame, start.expected_goals(frame)) for model in (packed, fitted)]
    assert answers[0].tobytes() == answers[1].tobytes()


def test_the_same_seed_gives_the_same_bits_and_another_does_not(fitted, start, halves):
    """
    In a new model or in one that was fitted to something else.
    """
    frame = halves[1][1]
    plain = start.expected_goals(frame)
    again = boosted().fit(*halves[1], start).fit(*halves[0], start)
    other = boosted(seed=1).fit(*halves[0], start)

    assert again.expected_goals(frame, plain).tobytes() == fitted.expected_goals(frame, plain).tobytes()
    assert again.rounds == fitted.rounds
    assert other.expected_goals(frame, plain).tobytes() != fitted.expected_goals(frame, plain).tobytes()


def test_rounds_are_chosen_by_later_matches_and_bounded(fitted, start, halves):
    """
    Never more than allowed; with too few matches to go by, a fixed number; a number that was given is kept.
    """
    few = [part.take(slice(0, 300)) for part in halves[0]]

    assert 1 <= fitted.rounds <= 60
    assert fitted.booster.num_boosted_rounds() == fitted.rounds
    assert boosted(most_rounds=2).choose_rounds(*halves[0], start) <= 2
    assert boosted().choose_rounds(*few, start) == ROUNDS_WITHOUT_STOPPING
    assert boosted(fixed_rounds=3).fit(*halves[0], start).rounds == 3


def test_without_trees_or_results_it_says_so(start, halves):
    """
    Asked before it is fitted, packed without trees, or given nothing that was played.
    """
    matches, frame = halves[1]

    for ask in (
        lambda: boosted().expected_goals(frame, start.expected_goals(frame)),
        boosted().pack,
        boosted().compile,
    ):
        with pytest.raises(NotFitted, match="boosted_goals"):
            ask()
    with pytest.raises(NothingToLearn, match="boosted_goals"):
        boosted().fit(matches.without_results(), frame, start)
