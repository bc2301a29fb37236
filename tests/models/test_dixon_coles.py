"""Dixon-Coles: its gradient, recovery of a known truth, decay, neutral venues and what is believed of the unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize
from scipy.stats import poisson

from features.matches import SECONDS_PER_DAY, MatchTable
from models.dixon_coles import DixonColes
from models.score_grid import outcome_proba, score_grid
from models.strengths import Prior, WeightedMatches, negative_log_posterior
from models.strengths_fit import most_likely_strengths


def small_likelihood(home_goals, away_goals):
    """Four teams in two competitions: the numbers that the likelihood reads, and a prior."""
    n = len(home_goals)
    home = np.arange(n) % 4
    numbers = WeightedMatches(
        home=home,
        away=(home + 1 + np.arange(n) % 3) % 4,
        competition=np.arange(n) % 2,
        venue=(np.arange(n) % 5 > 0).astype(float),
        home_goals=home_goals,
        away_goals=away_goals,
        weight=np.linspace(0.1, 1.0, n),
    )
    prior = Prior(
        base_goals=0.1,
        base_home=0.2,
        league=np.array([0, 0, 1, 1]),
        offset=np.array([0.0, -0.1, 0.0, -0.1]),
        level=np.array([0.0, -0.25]),
        ridge_team=7.0,
        ridge_level=10.0,
        ridge_competition=50.0,
    )
    return numbers, prior


def fixture_of(home, away, competition="xx.1", neutral=False):
    return MatchTable.from_columns(
        match_id=["f"], competition=[competition], season=["2020"], kickoff=[0], home=[home], away=[away],
        neutral=[neutral],
    )  # fmt: skip


def test_gradient_equals_finite_differences():
    """
    The analytic gradient is that of the value, in every parameter.
    """
    rng = np.random.default_rng(5)
    numbers, prior = small_likelihood(rng.poisson(1.2, 60).astype(float), rng.poisson(1.0, 60).astype(float))
    at = prior.start() + rng.normal(0.0, 0.1, len(prior.start()))
    at[-1] = -0.08

    _, gradient = negative_log_posterior(at, numbers, prior)

    numeric = approx_fprime(at, lambda p: negative_log_posterior(p, numbers, prior)[0], 1e-7)
    np.testing.assert_allclose(gradient, numeric, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80), st.floats(0.3, 2.5))
def test_no_strengths_are_likelier_than_the_fit(seed, count, goals):
    """
    Where rho is free nothing slopes at the fit, and a general minimiser with the same bounds finds nothing likelier.
    """
    rng = np.random.default_rng(seed)
    numbers, prior = small_likelihood(rng.poisson(goals, count).astype(float), rng.poisson(goals, count).astype(float))

    found = most_likely_strengths(numbers, prior, rho_bound=0.2)

    value, slope = negative_log_posterior(found, numbers, prior)
    bounds = [(None, None)] * (len(found) - 1) + [(-0.2, 0.2)]
    reference = minimize(
        negative_log_posterior, prior.start(), args=(numbers, prior), jac=True, method="L-BFGS-B", bounds=bounds
    )
    assert value <= reference.fun + 1e-12
    np.testing.assert_allclose(slope[:-1], 0.0, rtol=0, atol=1e-10)
    rho = found[-1]
    assert abs(rho) <= 0.2
    assert abs(slope[-1]) < 1e-9 or (abs(rho) == pytest.approx(0.2) and rho * slope[-1] < 0.0)


def test_likelihood_is_that_of_the_score_grid():
    """
    Between two parameters the value falls as the log of the grid's cells rises, weighted, with the ridges.
    """
    numbers, prior = small_likelihood(np.array([0.0, 0, 1, 1, 2, 3]), np.array([0.0, 1, 0, 1, 2, 0]))
    start, moved = prior.start(), prior.start()
    moved[:-1] = np.random.default_rng(5).normal(0.0, 0.2, len(moved) - 1)
    moved[-1] = -0.1

    def log_posterior(flat):
        parts = prior.split(flat)
        shared = parts.level[prior.league] + prior.offset
        attack, defence = shared + parts.attack, shared + parts.defence
        goals, advantage = 0.1 + parts.goals[numbers.competition], 0.2 + parts.home[numbers.competition]
        home = np.exp(goals + advantage * numbers.venue + attack[numbers.home] - defence[numbers.away])
        away = np.exp(goals + attack[numbers.away] - defence[numbers.home])
        scores = numbers.home_goals.astype(int), numbers.away_goals.astype(int)
        cells = score_grid(home, away, flat[-1])[np.arange(6), *scores]
        ridges = 7.0 * (parts.attack**2).sum() + 7.0 * (parts.defence**2).sum()
        ridges += 10.0 * ((parts.level - prior.level) ** 2).sum()
        ridges += 50.0 * (parts.goals**2).sum() + 50.0 * (parts.home**2).sum()
        return (numbers.weight * np.log(cells)).sum() - ridges / 2

    value = negative_log_posterior(moved, numbers, prior)[0] - negative_log_posterior(start, numbers, prior)[0]

    expected = (log_posterior(start) - log_posterior(moved)) / numbers.weight.sum()
    assert value == pytest.approx(expected, rel=1e-8)


def test_wild_rho_keeps_the_likelihood_finite():
    """
    A rho under which a seen score would be impossible gives a finite value and slope, so that a search comes back.
    """
    numbers, prior = small_likelihood(np.zeros(4), np.zeros(4))
    at = prior.start()
    at[-3 - 2], at[-1] = 3.0, 0.2

    value, gradient = negative_log_posterior(at, numbers, prior)

    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_parameters_are_recovered(large_world):
    """
    On scores drawn from known strengths the fit finds strengths, home advantage and (no) dependence.
    """
    model = DixonColes(half_life_days=1e6, ridge_team=0.1).fit(large_world.matches, large_world.features)

    fitted = model.expected_goals(large_world.matches)
    truth = large_world.features.select(("goals_expected_home", "goals_expected_away")).values
    assert np.abs(np.log(fitted / truth)).mean() < 0.1
    assert model.home_advantage["xx.1"] == pytest.approx(large_world.home_advantage, abs=0.06)
    assert model.rho == pytest.approx(0.0, abs=0.06)
    teams = sorted(large_world.attack)
    for found, drawn in ((model.attack, large_world.attack), (model.defence, large_world.defence)):
        assert np.corrcoef([found[t] for t in teams], [drawn[t] for t in teams])[0, 1] > 0.95


def test_dependence_is_recovered(large_world):
    """
    On scores drawn from grids with rho -0.15 the fit finds a rho near it.
    """
    matches = large_world.matches
    cells = score_grid(
        large_world.features.column("goals_expected_home"), large_world.features.column("goals_expected_away"), -0.15
    ).reshape(len(matches), -1)
    draws = (np.cumsum(cells, axis=1) < np.random.default_rng(8).random(len(matches))[:, None]).sum(axis=1)
    home_goals, away_goals = np.divmod(draws.astype(float), 16.0)

    model = DixonColes(half_life_days=1e6).fit(
        replace(matches, home_goals=home_goals, away_goals=away_goals), large_world.features
    )

    assert model.rho == pytest.approx(-0.15, abs=0.05)


def test_recent_matches_count_more(large_world):
    """
    Where a team turned from weak to strong, a short half-life believes the recent matches.
    """
    matches = large_world.matches
    team, late = matches.home[0], matches.day > np.median(matches.day)
    turned = np.where(matches.home == team, np.where(late, 4.0, 0.0), matches.home_goals)
    matches = replace(matches, home_goals=turned)

    short = DixonColes(half_life_days=180).fit(matches, large_world.features)
    long = DixonColes(half_life_days=5_000).fit(matches, large_world.features)

    assert short.attack[team] > long.attack[team] + 0.2


def test_matches_older_than_their_weight_are_left_out(large_world):
    """
    Results so old that they weigh less than 0.02 do not touch the fit, whatever they were.
    """
    matches = large_world.matches
    age_days = (matches.kickoff.max() - matches.kickoff) / SECONDS_PER_DAY
    is_old = age_days > 100 * np.log2(50.0) + 1
    rewritten = replace(matches, home_goals=np.where(is_old, 9.0, matches.home_goals))

    model = DixonColes(half_life_days=100).fit(rewritten, large_world.features)

    expected = DixonColes(half_life_days=100).fit(matches, large_world.features)
    assert is_old.any()
    assert model.attack == expected.attack


def test_neutral_venue_has_no_home_advantage(world):
    """
    At a neutral venue swapping the sides mirrors the outcome; at home the home win is likelier.
    """
    model = DixonColes().fit(world.matches, world.features)
    a, b = world.matches.home[0], world.matches.away[0]

    there = model.predict_proba(fixture_of(a, b, neutral=True), world.features)
    back = model.predict_proba(fixture_of(b, a, neutral=True), world.features)
    at_home = model.predict_proba(fixture_of(a, b), world.features)

    np.testing.assert_allclose(there[0], back[0, ::-1], rtol=0, atol=1e-12)
    assert at_home[0, 0] > there[0, 0]


def test_unseen_team_is_weaker_than_its_competition(world):
    """
    A team never seen is the stated deficit below the level of its competition, in attack and in defence.
    """
    model = DixonColes(newcomer_deficit=0.1).fit(world.matches, world.features)
    known = world.matches.home[0]

    expected = model.expected_goals(fixture_of(known, "xx:Nobody"))

    strength = model.level["xx.1"] - 0.1
    goals = model.goals["xx.1"]
    assert expected[0, 0] == pytest.approx(
        np.exp(goals + model.home_advantage["xx.1"] + model.attack[known] - strength)
    )
    assert expected[0, 1] == pytest.approx(np.exp(goals + strength - model.defence[known]))


def test_promoted_team_starts_below_an_established_one(large_world):
    """
    With the same results, a team first seen in a later season is drawn below one that was there from the start.
    """
    last = large_world.matches.day > large_world.matches.day.max() - 60
    keep = last | ~np.isin(large_world.matches.home, ["xx:xx.1 team 0"])
    keep &= last | ~np.isin(large_world.matches.away, ["xx:xx.1 team 0"])
    matches, frame = large_world.matches.take(keep), large_world.features

    cautious = DixonColes(newcomer_deficit=0.3).fit(matches, frame)
    trusting = DixonColes(newcomer_deficit=0.0).fit(matches, frame)

    fall = [cautious.attack[t] - trusting.attack[t] for t in ("xx:xx.1 team 0", "xx:xx.1 team 1")]
    assert fall[0] < -0.05
    assert abs(fall[1]) < 0.05


def test_few_matches_move_a_team_little(world):
    """
    A stronger ridge draws every deviation nearer to the level of the competition.
    """
    loose = DixonColes(ridge_team=1.0).fit(world.matches, world.features)
    tight = DixonColes(ridge_team=100.0).fit(world.matches, world.features)

    spread = [np.std([m.attack[t] for t in m.attack if "xx.1" in t]) for m in (loose, tight)]
    assert spread[1] < 0.7 * spread[0]


def test_competitions_without_common_teams_keep_the_stated_step(world):
    """
    Where no team links two divisions, the lower one lies the stated step below.
    """
    model = DixonColes(level_step=0.25).fit(world.matches, world.features)

    assert model.level["xx.1"] - model.level["xx.2"] == pytest.approx(0.25, abs=0.02)


def test_unseen_competition_has_the_mean_goals_of_all(world):
    """
    Two unseen teams in an unseen competition meet at the mean goals and home advantage of all.
    """
    model = DixonColes().fit(world.matches, world.features)

    expected = model.expected_goals(fixture_of("yy:A", "yy:B", competition="yy.1"))

    mean = np.exp(model.goals[""]) * np.array([np.exp(model.home_advantage[""]), 1.0])
    np.testing.assert_allclose(expected[0], mean)


def test_grid_gives_the_predicted_outcomes(world):
    """
    The score grid and the outcome probabilities are of one piece.
    """
    model = DixonColes().fit(world.matches, world.features)

    grid = model.grid(world.matches)

    np.testing.assert_allclose(
        outcome_proba(grid), model.predict_proba(world.matches, world.features), rtol=0, atol=1e-8
    )


def test_beats_class_frequencies_out_of_sample(large_world):
    """
    Fitted on the first five years, it predicts the sixth better than the results' frequencies do.
    """
    matches, frame = large_world.matches, large_world.features
    early = matches.day < 16_000 + 365 * 5
    test = matches.take(~early)

    proba = DixonColes().fit(matches.take(early), frame.take(early)).predict_proba(test, frame.take(~early))

    frequency = np.bincount(matches.outcome[early]) / early.sum()
    loss = -np.log(proba[np.arange(len(test)), test.outcome]).mean()
    assert loss < -np.log(frequency[test.outcome]).mean() - 0.02


def test_sample_without_goals_is_fitted():
    """
    Matches that all ended 0-0 give few goals, not an error.
    """
    matches = MatchTable.from_columns(
        match_id=list("abcd"), competition=["xx.1"] * 4, season=["2020"] * 4, kickoff=[0, 1, 2, 3],
        home=list("ABAB"), away=list("BABA"), home_goals=[0] * 4, away_goals=[0] * 4,
    )  # fmt: skip

    expected = DixonColes().fit(matches, None).expected_goals(matches)

    assert (expected < 0.1).all()
    assert poisson.pmf(0, expected).min() > 0.9
