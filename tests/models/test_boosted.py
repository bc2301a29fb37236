"""The boosted model: what it adds to the rating logit, and that its answers and explanations agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xgboost

from features.frame import FeatureFrame
from features.mirror import mirrored, partners
from models.boosted import ROUNDS_WITHOUT_STOPPING, BoostedOutcome, default_parameters
from models.errors import NotFitted
from models.rating_logit import RatingLogit
from models.scores import log_loss

QUICK = default_parameters() | {"min_child_weight": 20.0, "eta": 0.1}


def boosted(**choices):
    return BoostedOutcome(**{"parameters": QUICK, "validation_days": 600, "most_rounds": 150, "patience": 10} | choices)


@pytest.fixture(scope="module")
def uneven(large_world):
    """The large world where half of the home sides score 1.8 times what is expected of them, as a column tells."""
    rng = np.random.default_rng(5)
    is_lucky = rng.random(len(large_world.matches)) < 0.5
    expected = large_world.features.column("chances_expected_home") * np.where(is_lucky, 1.8, 1.0)
    matches = replace(large_world.matches, home_goals=rng.poisson(expected).astype(float))
    columns = {name: large_world.features.column(name) for name in large_world.features.names}
    columns |= {"rest_days_home": np.where(is_lucky, 9.0, 3.0), "rest_days_away": rng.normal(5.0, 1.0, len(matches))}
    frame = FeatureFrame.from_columns(columns)
    frame.values.flags.writeable = False
    return matches, frame


@pytest.fixture(scope="module")
def fitted(uneven):
    return boosted().fit(*uneven)


def log_odds(proba):
    """Log-odds of home and of away against the draw. Shape (n, 2)."""
    return np.log(proba[:, [0, 2]] / proba[:, [1]])


def test_trees_find_what_the_logit_cannot_see(uneven):
    """
    On matches not learned from, the trees lose less than the logit alone where a column holds news.
    """
    matches, frame = uneven
    learned = matches.day < np.quantile(matches.day, 0.8)
    model = boosted().fit(matches.take(learned), frame.take(learned))

    unseen, outcome = frame.take(~learned), matches.outcome[~learned]
    plain = RatingLogit().fit(matches.take(learned), frame.take(learned))
    answers = (model.predict_proba(matches, unseen), plain.predict_proba(matches, unseen))
    losses = [log_loss(proba, outcome).mean() for proba in answers]
    assert losses[0] < losses[1] - 0.01


def test_importance_is_shared_out(fitted):
    """
    Shares sum to one, fall, and the column that holds the news comes first.
    """
    importance = fitted.importance()

    assert sum(importance.values()) == pytest.approx(1.0, abs=1e-12)
    assert list(importance.values()) == sorted(importance.values(), reverse=True)
    assert next(iter(importance)) == "rest_days_home"
    assert set(importance) <= set(fitted.names)


def test_contributions_add_up_to_the_forecast(fitted, uneven):
    """
    With the bias they sum to the forecast's log-odds less those of the logit, at home and at neutral venues.
    """
    frame = uneven[1].take(slice(0, 300))

    moved, bias = fitted.contributions(frame)

    assert (moved.shape, bias.shape) == ((300, len(fitted.names), 3), (300, 3))
    assert 0 < frame.column("neutral_venue").sum() < 300
    by_trees = bias + moved.sum(axis=1)
    start = log_odds(fitted.logit.predict_proba(uneven[0], frame))
    np.testing.assert_allclose(
        start + by_trees[:, [0, 2]] - by_trees[:, [1]],
        log_odds(fitted.predict_proba(uneven[0], frame)),
        rtol=0,
        atol=2e-5,
    )
    assert np.ptp(by_trees[:, 0] - by_trees[:, 1]) > 0.5


def test_contributions_are_those_of_the_trees_alone(fitted, uneven):
    """
    At home they are what XGBoost itself says that the trees moved; at a neutral venue the mean of both ways round.
    """
    frame = uneven[1].take(slice(0, 200))
    neutral = frame.column("neutral_venue") == 1.0

    moved, _ = fitted.contributions(frame)

    np.testing.assert_allclose(moved[~neutral], trees_alone(fitted, frame.take(~neutral)), rtol=0, atol=1e-12)
    turned, _ = fitted.contributions(mirrored(frame.take(neutral)))
    np.testing.assert_allclose(turned[:, partners(fitted.names), ::-1], moved[neutral], rtol=0, atol=1e-12)
    assert np.abs(moved[neutral] - trees_alone(fitted, frame.take(neutral))).max() > 0.01


def trees_alone(fitted, frame):
    """What the trees moved, asked of XGBoost itself. Shape (n, f, 3)."""
    data = xgboost.DMatrix(frame.select(fitted.names).values, feature_names=list(fitted.names))
    return fitted.booster.predict(data, pred_contribs=True)[:, :, :-1].transpose(0, 2, 1)


def test_the_sign_of_a_contribution_says_where_it_pushes(fitted, uneven):
    """
    Being one of the sides that score more pushes towards the home win, and the opposite away from it.
    """
    frame = uneven[1].take(uneven[1].column("neutral_venue") == 0.0).take(slice(0, 200))
    pushed = fitted.contributions(frame)[0][:, fitted.names.index("rest_days_home")]

    towards_home = pushed[:, 0] - pushed[:, 2]
    is_lucky = frame.column("rest_days_home") == 9.0
    assert (towards_home[is_lucky] > 0).all()
    assert (towards_home[~is_lucky] < 0).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bits(uneven, threads):
    """
    Fitted twice with the same seed and threads, a model of a few rounds answers with the same bits.
    """
    answers = [boosted(seed=3, threads=threads, most_rounds=4).fit(*uneven).predict_proba(*uneven) for _ in range(2)]

    assert answers[0].tobytes() == answers[1].tobytes()


def test_another_seed_gives_another_model(uneven, fitted):
    """
    The seed reaches the samples of rows and columns.
    """
    other = boosted(seed=4).fit(*uneven)

    assert (other.predict_proba(*uneven) != fitted.predict_proba(*uneven)).any()


def test_boosting_stops_where_a_later_window_stops_improving(fitted, uneven):
    """
    With enough matches the rounds are chosen, fewer than allowed; with too few they are the fixed number.
    """
    few = boosted().fit(uneven[0].take(slice(0, 700)), uneven[1].take(slice(0, 700)))

    assert 1 <= fitted.rounds < fitted.most_rounds
    assert fitted.booster.num_boosted_rounds() == fitted.rounds
    assert few.rounds == ROUNDS_WITHOUT_STOPPING


def test_rounds_are_bounded(uneven):
    """
    Where two rounds are allowed there are at most two.
    """
    assert boosted(most_rounds=2).fit(*uneven).rounds <= 2


def moved(frame, **shifts):
    """The same matches with some columns shifted."""
    columns = {name: frame.column(name) + shifts.get(name, 0.0) for name in frame.names}
    return FeatureFrame.from_columns(columns)


@pytest.mark.parametrize(
    ("stronger", "least"),
    [
        ({"elo_home": 100.0, "elo_difference": 100.0}, 0.0),  # in this world the goals expected say it all
        ({"chances_expected_home": 0.4, "goals_expected_home": 0.4}, 0.05),
        ({"elo_difference": 100.0, "chances_expected_away": -0.3, "goals_expected_away": -0.3}, 0.05),
    ],
    ids=["elo", "goals", "both"],
)
def test_a_stronger_home_side_is_not_less_likely_to_win(large_world, stronger, least):
    """
    More Elo or more goals expected raise the home win on the whole, and lower no match's by more than the noise.
    """
    model = boosted().fit(large_world.matches, large_world.features)
    now = model.predict_proba(large_world.matches, large_world.features)

    then = model.predict_proba(large_world.matches, moved(large_world.features, **stronger))

    assert (then[:, 0] - now[:, 0]).mean() > least
    assert (then[:, 0] - now[:, 0]).min() > -0.03


def test_a_strong_side_wins_more_often_at_either_end(large_world):
    """
    Turning a strong home side against a weak one into the away side makes the away win the likeliest outcome.
    """
    model = boosted().fit(large_world.matches, large_world.features)
    names = large_world.features.names
    rest = [0.1, 0.2, 1.0, 0.26, 0.0]  # doubts, level, draw rate, venue
    strong_home = FeatureFrame(names, np.array([[1700.0, 1400.0, 387.0, 2.4, 0.7, 2.4, 0.7, *rest]]))
    strong_away = FeatureFrame(names, np.array([[1400.0, 1700.0, -213.0, 0.95, 1.8, 0.95, 1.8, *rest]]))

    matches = large_world.matches
    at_home, away = model.predict_proba(matches, strong_home)[0], model.predict_proba(matches, strong_away)[0]

    assert at_home.argmax() == 0
    assert away.argmax() == 2
    assert away[2] > at_home[2] + 0.3
    assert at_home[0] > away[2]  # home advantage


def test_unfitted_says_so(world):
    """
    Every question to a model without trees is answered with its name and what to do.
    """
    with pytest.raises(NotFitted, match="'xgboost' is not fitted"):
        BoostedOutcome().contributions(world.features)
    with pytest.raises(NotFitted, match="'xgboost' is not fitted"):
        BoostedOutcome().importance()


def test_trees_that_never_split_share_out_nothing(world):
    """
    From one match nothing can be split: no importance, and no contribution.
    """
    model = BoostedOutcome().fit(world.matches.take(slice(1, 2)), world.features.take(slice(1, 2)))

    assert model.importance() == {}
    assert (model.contributions(world.features)[0] == 0.0).all()


def test_a_number_of_rounds_that_was_chosen_is_kept(uneven):
    """
    Told how many rounds to fit, a model fits so many and chooses none.
    """
    model = boosted(fixed_rounds=3).fit(*uneven)

    assert model.rounds == model.booster.num_boosted_rounds() == 3
