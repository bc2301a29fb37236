"""The ensemble: what it learns from forecasts that were made in advance, and that its answers agree with each other."""

from __future__ import annotations

from dataclasses import replace

import cloudpickle
import numpy as np
import pytest

from features.frame import FeatureFrame
from features.mirror import mirrored
from models.boosted import BoostedOutcome, default_parameters
from models.ensemble import MEMBERS, Ensemble
from models.errors import NotFitted
from models.score_grid import outcome_proba, reconcile
from models.scores import log_loss

QUICK = default_parameters() | {"min_child_weight": 20.0, "eta": 0.1}
BY_HEART = default_parameters() | {
    "max_depth": 8,
    "min_child_weight": 0.0,
    "reg_lambda": 0.0,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
    "eta": 0.5,
}
BLOCK_DAYS = 500  # of the large world: some 550 matches, and enough before them to choose rounds by


def ensemble(parameters=QUICK, **choices):
    trees = BoostedOutcome(parameters=parameters, most_rounds=30, patience=5)
    return Ensemble(validation_days=BLOCK_DAYS, boosted=trees, **choices)


@pytest.fixture(scope="module")
def noted(large_world):
    """The large world with a column of noise of its own for each side, for trees to learn by heart."""
    noise = np.random.default_rng(2).normal(size=(2, len(large_world.matches)))
    columns = {name: large_world.features.column(name) for name in large_world.features.names}
    frame = FeatureFrame.from_columns(columns | {"rest_days_home": noise[0], "rest_days_away": noise[1]})
    frame.values.flags.writeable = False
    return large_world.matches, frame


@pytest.fixture(scope="module")
def learned(noted):
    """An ensemble that has learned weights and calibration, and not to be changed."""
    return ensemble().fit(*noted)


def with_results(matches, chosen, seed=3):
    """The matches with the results of some of them drawn anew, whoever played."""
    goals = np.random.default_rng(seed).poisson(1.3, (2, len(matches))).astype(float)
    return replace(
        matches,
        home_goals=np.where(chosen, goals[0], matches.home_goals),
        away_goals=np.where(chosen, goals[1], matches.away_goals),
    )


def choices(model):
    """All that is chosen rather than fitted, in a form to compare."""
    return repr(
        (
            model.pool,
            model.calibration,
            model.sets,
            model.boosted.rounds,
            model.goals.rounds,
            model.chosen_until,
            model.evidence,
        )
    )


def without_trees(model):
    return replace(model, boosted=replace(model.boosted, booster=None, trees=None))


def without_goals(model):
    return replace(model, goals=replace(model.goals, booster=None, trees=None))


def first_day_of_blocks(matches):
    return int(matches.day.max()) + 1 - 2 * BLOCK_DAYS


def test_the_choice_rests_on_two_blocks_and_says_so(learned, noted):
    """
    The evidence counts the matches of the two latest blocks and names weights, calibration and sets.
    """
    matches, _ = noted

    assert learned.evidence["matches"] == (matches.day >= first_day_of_blocks(matches)).sum()
    assert learned.evidence["pool_weights"] == dict(learned.pool.weights)
    assert tuple(learned.pool.weights) == MEMBERS
    assert learned.evidence["calibration"] == learned.calibration.kind
    assert learned.chosen_until == matches.day.max()


def test_too_few_matches_leave_weights_equal_and_forecasts_as_they_are(world):
    """
    Where blocks would hold too few matches nothing is chosen: equal weights, no calibration, no evidence.
    """
    model = ensemble().fit(world.matches, world.features)

    assert set(model.pool.weights.values()) == {1 / 3}
    assert model.calibration.kind == "none"
    assert model.evidence == {}


def test_the_pool_is_no_worse_than_its_members_on_matches_it_has_not_seen(noted):
    """
    On the last year, learned from what was before, the ensemble loses less than its members' mean and is near the best.
    """
    matches, frame = noted
    past = matches.day < 16_000 + 5 * 365
    model = Ensemble(validation_days=365, boosted=BoostedOutcome(parameters=QUICK)).fit(
        matches.take(past), frame.take(past)
    )
    unseen, outcome = frame.take(~past), matches.outcome[~past]

    losses = {
        "ensemble": log_loss(model.forecast(unseen).proba, outcome).mean(),
        "goal_model": log_loss(model.goal_model.outcome_proba(unseen), outcome).mean(),
        "rating_logit": log_loss(model.logit.predict_proba(matches, unseen), outcome).mean(),
        "xgboost": log_loss(model.boosted.predict_proba(matches, unseen), outcome).mean(),
    }

    members = [losses[name] for name in MEMBERS]
    assert losses["ensemble"] < np.mean(members)
    assert losses["ensemble"] < min(members) + 0.003


def test_trees_that_learn_by_heart_earn_no_trust(noted, learned):
    """
    Weights come from forecasts of matches that the members had not seen: what was memorised does not count there.
    """
    model = ensemble(BY_HEART).fit(*noted)

    outcome = noted[0].outcome
    by_heart = log_loss(model.boosted.predict_proba(*noted), outcome).mean()
    assert by_heart < log_loss(learned.boosted.predict_proba(*noted), outcome).mean() - 0.02, "they know it by heart"
    assert model.pool.weights["xgboost"] < learned.pool.weights["xgboost"]


def test_results_without_reason_teach_that_nobody_knows(noted, learned):
    """
    With the results of the blocks drawn anew, forecasts are worth nothing there, and are told nearly alike afterwards.
    """
    matches, frame = noted
    model = ensemble().fit(with_results(matches, matches.day >= first_day_of_blocks(matches)), frame)

    trust, usual_trust = (
        each.calibration.coefficients[0, 0] * sum(each.pool.weights.values()) for each in (model, learned)
    )
    assert trust < 0.5 * usual_trust


def test_the_number_of_rounds_comes_from_before_the_blocks(noted, learned):
    """
    The forecasts that weights rest on were made with rounds chosen earlier: other results in the blocks change none.
    """
    matches, frame = noted
    later = matches.day >= first_day_of_blocks(matches)

    model = ensemble().fit(with_results(matches, later), frame)

    assert model.boosted.rounds == learned.boosted.rounds <= 30
    assert model.pool != learned.pool


def test_what_was_chosen_is_kept_until_it_is_old_whatever_happens_meanwhile(noted):
    """
    Fitted again within the time, a model keeps all its choices although the new results are rewritten; then not.
    """
    matches, frame = noted
    until = int(matches.day.max()) - 350
    past = matches.day <= until
    model = ensemble(choose_every_days=300).fit(matches.take(past), frame.take(past))
    chosen = choices(model)
    rewritten = with_results(matches, ~past)

    soon = matches.day <= until + 200
    model.fit(rewritten.take(soon), frame.take(soon))
    assert choices(model) == chosen
    assert model.boosted.booster.num_boosted_rounds() == model.boosted.rounds

    model.fit(rewritten, frame)
    assert choices(model) != chosen
    assert choices(model) == choices(ensemble(choose_every_days=300).fit(rewritten, frame))


def test_a_model_fitted_to_an_earlier_past_chooses_anew(noted):
    """
    Choices made from what is still to come are not kept when a model is fitted to less.
    """
    matches, frame = noted
    past = matches.day <= int(matches.day.max()) - 10
    model = ensemble(choose_every_days=300).fit(matches, frame).fit(matches.take(past), frame.take(past))

    assert model.chosen_until <= int(matches.day.max()) - 10
    assert choices(model) == choices(ensemble(choose_every_days=300).fit(matches.take(past), frame.take(past)))


def test_a_second_fit_gives_the_same_bits(noted, learned):
    """
    The same data and seed give the same choices and the same answers, to the bit.
    """
    again = ensemble().fit(*noted)

    assert choices(again) == choices(learned)
    assert again.predict_proba(*noted).tobytes() == learned.predict_proba(*noted).tobytes()


def test_all_answers_agree(noted, learned):
    """
    The grid's outcomes are the probabilities, to 1e-9, and predict_proba says the same.
    """
    answers = learned.forecast(noted[1])

    np.testing.assert_allclose(outcome_proba(answers.grid), answers.proba, rtol=0, atol=1e-9)
    np.testing.assert_allclose(learned.predict_proba(*noted), answers.proba, rtol=0, atol=1e-15)
    assert ((answers.spread > 0.0) & (answers.spread < 0.5)).all()


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_match_is_answered_alike_alone_and_among_others(noted, learned, is_compiled):
    """
    Neither the size of a batch nor compiled trees change a bit of any answer, also at neutral venues.
    """
    model = cloudpickle.loads(cloudpickle.dumps(learned))
    if is_compiled:
        model.boosted.compile()
        model.goals.compile()
    frame = noted[1]
    batch = model.forecast(frame.take(slice(0, 200)))

    neutral = np.flatnonzero(frame.column("neutral_venue")[:200])[:3].tolist()
    for row in (0, 1, 199, *neutral):
        for whole, single in zip(batch, model.forecast(frame.take([row])), strict=True):
            assert whole[row].tobytes() == single[0].tobytes()
    assert batch.proba.tobytes() == learned.forecast(frame.take(slice(0, 200))).proba.tobytes()


@pytest.mark.parametrize("has_trees", [True, False])
def test_at_a_neutral_venue_neither_side_comes_first(noted, learned, has_trees):
    """
    What was learned of venues does not reach a neutral one: the swapped match has the mirrored answers.
    """
    model = learned if has_trees else without_trees(learned)
    frame = noted[1].take(noted[1].column("neutral_venue") == 1.0)

    answers, turned = model.forecast(frame), model.forecast(mirrored(frame))

    np.testing.assert_allclose(turned.proba, answers.proba[:, ::-1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(turned.grid, answers.grid.transpose(0, 2, 1), rtol=0, atol=1e-9)
    np.testing.assert_allclose(turned.spread, answers.spread[:, ::-1], rtol=0, atol=1e-9)


def test_without_trees_the_other_members_answer(noted, learned):
    """
    A model that lost its trees says who is missing and answers nearly the same.
    """
    model = without_trees(learned)

    assert (learned.missing(), model.missing()) == ((), ("xgboost",))
    answers = model.forecast(noted[1])
    np.testing.assert_allclose(answers.proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert np.abs(answers.proba - learned.forecast(noted[1]).proba).mean() < 0.03


def test_without_the_trees_on_goals_the_goal_model_speaks_for_itself(noted, learned):
    """
    It is said who is missing; answers are nearly the same, and the grid is the goal model's own.
    """
    model = without_goals(learned)

    answers, whole = model.forecast(noted[1]), learned.forecast(noted[1])

    assert model.missing() == ("boosted_goals",)
    assert 0.0 < np.abs(answers.proba - whole.proba).mean() < 0.02
    plain = reconcile(learned.goal_model.grid(noted[1]), answers.proba)
    np.testing.assert_allclose(answers.grid, plain, rtol=0, atol=1e-12)
    assert np.abs(whole.grid - plain).max() > 1e-4


@pytest.mark.parametrize("unknown", ["neutral_venue", "competition_level", "draw_rate", "chances_doubt_home"])
def test_one_value_that_is_not_known_still_gives_a_forecast(noted, learned, unknown):
    """
    A single unknown value leaves all answers finite, and those of the other matches as they were.
    """
    frame = noted[1].take(slice(0, 20))
    values = frame.values.copy()
    values[3, frame.names.index(unknown)] = np.nan

    answers = learned.forecast(FeatureFrame(frame.names, values))

    assert all(np.isfinite(each).all() for each in answers)
    others = np.arange(20) != 3
    np.testing.assert_array_equal(answers.proba[others], learned.forecast(frame).proba[others])


def test_no_doubt_known_at_all_is_no_obstacle(noted):
    """
    Fitted without any known doubt the model still says how sure it is: as sure as its members agree.
    """
    matches, frame = noted
    values = frame.values.copy()
    values[:, [frame.names.index(f"chances_doubt_{side}") for side in ("home", "away")]] = np.nan
    blind = FeatureFrame(frame.names, values)

    spread = ensemble().fit(matches, blind).forecast(blind).spread

    assert np.isfinite(spread).all()
    assert (spread > 0.0).all()


def test_a_column_that_is_missing_is_named(noted, learned):
    """
    Asked without the venue, the model says which column it lacks.
    """
    frame = noted[1].select([name for name in noted[1].names if name != "neutral_venue"])

    with pytest.raises(KeyError, match="neutral_venue"):
        learned.forecast(frame)


@pytest.mark.parametrize("ask", ["forecast", "explain"])
def test_unfitted_says_so(ask, world):
    """
    Every question to a model that has not learned is answered with its name and what to do.
    """
    with pytest.raises(NotFitted, match="'ensemble' is not fitted"):
        getattr(Ensemble(), ask)(world.features)


def along(frame, name, values):
    """Each match once for each value of a column, all else equal: match by match, values in order."""
    rows = np.repeat(frame.values, len(values), axis=0)
    rows[:, frame.names.index(name)] = np.tile(values, len(frame))
    return FeatureFrame(frame.names, rows)


@pytest.mark.parametrize(("side", "outcome"), [("home", 0), ("away", 2)])
def test_more_goals_expected_never_lower_the_win_by_much(noted, learned, side, outcome):
    """
    As the goals expected of a side rise, all else equal, its win rises; trees may bend that by three in a hundred at most.

    XGBoost's monotone constraints hold for the log-odds of each class alone, not for probabilities that share them out.
    """
    rising = np.linspace(0.4, 3.5, 63)
    frame = noted[1].take(slice(0, 200))

    def wins(model):
        proba = model.predict_proba(None, along(frame, f"chances_expected_{side}", rising))
        return proba[:, outcome].reshape(200, len(rising))

    won = wins(learned)
    fall = np.maximum.accumulate(won, axis=1) - won
    smooth = wins(without_trees(learned))

    assert (np.diff(smooth, axis=1) > 0.0).all()
    assert fall.max() < 0.03
    assert (won[:, -1] - won[:, 0]).min() > 0.3
