"""Beliefs in two clubs against Bayes' rule: on a grid, by general matrices, and by hand where all is Gaussian."""

from __future__ import annotations

import numpy as np
import pytest
from feature_world import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st

from features.beliefs import Belief, Expectation, expect, learned, surprise

SCORES = [(0.0, 0.0), (3.0, 1.0), (0.0, 2.0), (1.6, 0.4), (9.0, 0.0)]
CORNERS = [(1, 1), (1, -1), (-1, 1), (-1, -1)]


def expectation(*, mean=(0.4, 0.1), variance=(0.25, 0.2), covariance=-0.1):
    return Expectation(np.array(mean)[:, None], np.array(variance)[:, None], np.array([covariance]))


def told(expected, score, dispersion):
    return surprise(expected, np.array(score)[:, None], np.array([dispersion]))


def posterior(expected, score, dispersion):
    """Mode and covariance matrix of the log expected goals after a score, as the surprise implies them."""
    said = told(expected, score, dispersion)
    prior, slope = matrix(expected), said.slope[:, 0]
    cross = said.cross_weight[0]
    weight = np.array([[said.weight[0, 0], cross], [cross, said.weight[1, 0]]])
    return expected.mean[:, 0] + prior @ slope, prior - prior @ weight @ prior


def matrix(expected):
    cross = expected.covariance[0]
    return np.array([[expected.variance[0, 0], cross], [cross, expected.variance[1, 0]]])


def log_posterior(home, away, expected, score, dispersion):
    """Logarithm of prior times likelihood, up to a constant, at log expected goals."""
    precision = np.linalg.inv(matrix(expected))
    x, y = home - expected.mean[0, 0], away - expected.mean[1, 0]
    prior = -0.5 * (precision[0, 0] * x * x + 2 * precision[0, 1] * x * y + precision[1, 1] * y * y)
    return prior + (score[0] * home - np.exp(home) + score[1] * away - np.exp(away)) / dispersion


def highest(centre, reach, *problem):
    """The best point of a grid of 301 by 301 around a centre."""
    steps = np.linspace(-reach, reach, 301)
    home, away = np.meshgrid(centre[0] + steps, centre[1] + steps, indexing="ij")
    best = np.argmax(log_posterior(home, away, *problem))
    return home.ravel()[best], away.ravel()[best]


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("dispersion", [0.9, 1.0, 3.9])
def test_a_score_moves_the_expectation_to_the_top_of_the_posterior(score, dispersion):
    """
    Mode and curvature are those of prior times Poisson likelihood, searched on ever finer grids.
    """
    problem = expectation(), score, dispersion
    top = (0.0, 0.0)
    for reach in (4.0, 0.1, 0.003):
        top = highest(top, reach, *problem)

    mode, covariance = posterior(*problem)

    h = 1e-3

    def second(i, j):
        """Second difference of the logarithm at the top."""
        at = [log_posterior(*(np.array(top) + h * (s * np.eye(2)[i] + t * np.eye(2)[j])), *problem) for s, t in CORNERS]
        return (at[0] - at[1] - at[2] + at[3]) / (4 * h * h)

    curvature = np.array([[second(i, j) for j in range(2)] for i in range(2)])
    assert mode == pytest.approx(top, abs=1e-3)
    np.testing.assert_allclose(covariance, np.linalg.inv(-curvature), atol=1e-3)


numbers = st.floats(-1.0, 1.0)
variances = st.floats(0.01, 0.3)
correlations = st.floats(-0.8, 0.9)
goals = st.floats(0.0, 15.0)


@st.composite
def beliefs(draw):
    """Both clubs of one match."""
    a, d = (np.array([[draw(variances)], [draw(variances)]]) for _ in range(2))
    means = (np.array([[draw(numbers)], [draw(numbers)]]) for _ in range(2))
    correlation = np.array([[draw(correlations)], [draw(correlations)]])
    return Belief(*means, a, d, correlation * np.sqrt(a * d))


def by_matrices(sides, base, score, dispersion):
    """Mode and covariance matrix of (home attack, home defence, away attack, away defence), by damped Newton steps."""
    loading = np.array([[1.0, 0.0, 0.0, -1.0], [0.0, -1.0, 1.0, 0.0]])
    prior = np.zeros((4, 4))
    for side in range(2):
        a, d, c = (x[side, 0] for x in (sides.attack_variance, sides.defence_variance, sides.covariance))
        prior[2 * side : 2 * side + 2, 2 * side : 2 * side + 2] = [[a, c], [c, d]]
    start = np.stack([sides.attack[:, 0], sides.defence[:, 0]], axis=1).ravel()
    precision, mode = np.linalg.inv(prior), start
    for _ in range(200):
        rate = np.exp(base + loading @ mode)
        slope = loading.T @ (np.array(score) - rate) / dispersion - precision @ (mode - start)
        curvature = precision + loading.T @ np.diag(rate / dispersion) @ loading
        step = np.linalg.solve(curvature, slope)
        mode = mode + step / max(1.0, 2 * np.abs(step).max())
    return mode, np.linalg.inv(curvature)


@settings(max_examples=60, deadline=None)
@given(beliefs(), goals, goals, st.sampled_from([0.9, 3.9]))
def test_both_clubs_move_to_the_top_of_their_joint_posterior(sides, home_goals, away_goals, dispersion):
    """
    Attack and defence of both clubs, and each club's covariance, equal the Laplace step in all four at once.
    """
    expected = expect(sides, np.array([0.2]), np.array([0.3]))
    after = learned(sides, told(expected, (home_goals, away_goals), dispersion))

    mode, covariance = by_matrices(sides, np.array([0.35, 0.05]), (home_goals, away_goals), dispersion)

    np.testing.assert_allclose(np.stack([after.attack, after.defence], axis=1).ravel(), mode, atol=1e-7)
    np.testing.assert_allclose(after.attack_variance.ravel(), np.diag(covariance)[[0, 2]], atol=1e-7)
    np.testing.assert_allclose(after.defence_variance.ravel(), np.diag(covariance)[[1, 3]], atol=1e-7)
    np.testing.assert_allclose(after.covariance.ravel(), covariance[[0, 2], [1, 3]], atol=1e-7)


@settings(max_examples=200, deadline=None)
@given(beliefs(), st.floats(0.0, 99.0), st.floats(0.0, 99.0), st.sampled_from([0.9, 3.9]))
def test_no_score_makes_a_belief_impossible(sides, home_goals, away_goals, dispersion):
    """
    Whatever the score, doubt shrinks but never below nothing, and the covariance stays that of two real numbers.
    """
    expected = expect(sides, np.array([0.28]), np.array([0.26]))
    after = learned(sides, told(expected, (home_goals, away_goals), dispersion))

    for name in ("attack_variance", "defence_variance"):
        assert (getattr(after, name) > 0.0).all()
        assert (getattr(after, name) <= getattr(sides, name)).all()
    assert (after.attack_variance * after.defence_variance >= after.covariance**2).all()
    assert np.isfinite([after.attack, after.defence]).all()


def test_many_goals_known_well_are_weighed_as_by_a_kalman_filter():
    """
    10,000 goals due and 1% more scored: a log score of scatter 1e-4 against a doubt of 1e-4 is believed by half.

    Half of that half is the attack's, half the other's defence's; each variance falls from 5e-5 by (5e-5)^2 / 2e-4.
    """
    zero, half = np.zeros((2, 1)), np.full((2, 1), 5e-5)
    before = Belief(zero, zero, half, half, zero)
    expected = expect(before, goals=np.log([10_000.0]), home_advantage=np.zeros(1))

    after = learned(before, told(expected, (10_100.0, 10_000.0), 1.0))

    assert after.attack[:, 0] == pytest.approx([0.25 * np.log(1.01), 0.0], rel=1e-2)
    assert after.defence[:, 0] == pytest.approx([0.0, -0.25 * np.log(1.01)], rel=1e-2)
    assert after.attack_variance[0, 0] == pytest.approx(3.75e-5, rel=1e-2)
    assert after.defence_variance[1, 0] == pytest.approx(3.75e-5, rel=1e-2)


def test_what_is_beyond_doubt_is_not_moved():
    """
    Without variance nothing is learned from any score.
    """
    zero = np.zeros((2, 1))
    sure = Belief(zero + 0.3, zero - 0.1, zero, zero, zero)

    after = learned(sure, told(expect(sure, np.zeros(1), np.zeros(1)), (7.0, 0.0), 0.9))

    assert (after.attack.tolist(), after.defence.tolist()) == (sure.attack.tolist(), sure.defence.tolist())


def test_a_club_good_at_both_learns_of_its_defence_from_its_own_goals():
    """
    Where attack and defence go together, scoring many speaks for the defence, too; where they do not, it says nothing.
    """

    def defence_after_scoring(correlation):
        zero, variance = np.zeros((2, 1)), np.full((2, 1), 0.1)
        before = Belief(zero, zero, variance, variance, correlation * variance)
        return learned(before, told(expect(before, np.zeros(1), np.zeros(1)), (4.0, 1.0), 1.0)).defence[0, 0]

    assert defence_after_scoring(0.0) == pytest.approx(0.0, abs=1e-12)
    assert defence_after_scoring(0.6) > 0.02


def test_dispersion_says_how_much_a_score_counts():
    """
    The same score moves less, and leaves more doubt, the more scores scatter.
    """
    moves, doubts = [], []
    for dispersion in (0.9, 3.9, 1e9):
        mode, covariance = posterior(expectation(), (4.0, 0.0), dispersion)
        moves.append(mode[0] - 0.4)
        doubts.append(covariance[0, 0])

    assert moves[0] > moves[1] > moves[2] == pytest.approx(0.0, abs=1e-6)
    assert doubts[0] < doubts[1] < doubts[2] == pytest.approx(0.25, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(beliefs(), goals, goals)
def test_home_and_away_swapped_swap_the_answer(sides, home_goals, away_goals):
    """
    Without a home advantage nothing depends on which side is named first.
    """

    def after(sides, *score):
        return learned(sides, told(expect(sides, np.array([0.2]), np.zeros(1)), score, 0.9))

    swapped = Belief(*(getattr(sides, name)[::-1] for name in Belief.__slots__))
    one, other = after(sides, home_goals, away_goals), after(swapped, away_goals, home_goals)

    for name in Belief.__slots__:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name)[::-1], rtol=1e-12, atol=1e-14)


def test_a_match_is_judged_alike_alone_and_among_others():
    """
    The same bits come out for one match and for its column among a hundred.
    """
    rng = np.random.default_rng(7)
    many = Expectation(rng.normal(0.3, 0.4, (2, 100)), rng.uniform(0.02, 0.3, (2, 100)), rng.uniform(-0.01, 0.01, 100))
    scored, dispersion = rng.poisson(1.4, (2, 100)).astype(float), rng.choice([0.9, 3.9], 100)
    together = surprise(many, scored, dispersion)

    for i in range(100):
        one = Expectation(many.mean[:, [i]], many.variance[:, [i]], many.covariance[[i]])
        alone = surprise(one, scored[:, [i]], dispersion[[i]])
        assert same_bits(alone.slope, together.slope[:, [i]])
        assert same_bits(alone.weight, together.weight[:, [i]])


def test_drift_blurs_attack_and_defence_together():
    """
    Both variances grow by the drift, their covariance by the share that moves both; the means stay.
    """
    zero, tenth = np.zeros((2, 1)), np.full((2, 1), 0.1)
    blurred = Belief(zero + 0.5, zero, tenth, 2 * tenth, zero).blurred(np.array([[0.02], [0.0]]), 0.5)

    assert blurred.attack_variance.ravel().tolist() == pytest.approx([0.12, 0.1])
    assert blurred.defence_variance.ravel().tolist() == pytest.approx([0.22, 0.2])
    assert blurred.covariance.ravel().tolist() == pytest.approx([0.01, 0.0])
    assert blurred.attack.ravel().tolist() == [0.5, 0.5]
