"""A small football world with known strengths, from which goals are drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest

from features.frame import FeatureFrame
from features.matches import SECONDS_PER_DAY, MatchTable

ELO_PER_LOG_GOAL = 350.0


@dataclass(frozen=True)
class World:
    """Hold played matches with their features, and the truth they were drawn from."""

    matches: MatchTable
    features: FeatureFrame
    attack: dict[str, float]
    defence: dict[str, float]
    home_advantage: float
    mean_log_goals: float


def simulate(*, seed: int, teams: int, rounds: int, competitions=("xx.1", "xx.2"), neutral_share=0.0) -> World:
    """Play ``rounds`` double round robins in each competition, one round robin a year, scores independent Poisson."""
    rng = np.random.default_rng(seed)
    home_advantage, mean_log_goals = 0.25, 0.15
    names = {c: [f"xx:{c} team {i}" for i in range(teams)] for c in competitions}
    strength = {team: rng.normal(0.0, 0.25, 2) for group in names.values() for team in group}
    pairs = [(c, y, h, a) for y in range(rounds) for c in competitions for h in names[c] for a in names[c] if h != a]
    day = np.array([16_000 + 365 * y for _, y, _, _ in pairs]) + rng.integers(0, 300, len(pairs))
    neutral = rng.random(len(pairs)) < neutral_share
    home = np.array([strength[h] for _, _, h, _ in pairs])
    away = np.array([strength[a] for _, _, _, a in pairs])
    edge = np.where(neutral, 0.0, home_advantage)
    expected_home = np.exp(mean_log_goals + edge + home[:, 0] - away[:, 1])
    expected_away = np.exp(mean_log_goals + away[:, 0] - home[:, 1])
    elo_home, elo_away = (1500 + ELO_PER_LOG_GOAL * side.sum(axis=1) for side in (home, away))
    matches = MatchTable.from_columns(
        match_id=[f"m{i}" for i in range(len(pairs))],
        competition=[c for c, _, _, _ in pairs],
        season=[str(2013 + y) for _, y, _, _ in pairs],
        kickoff=day * SECONDS_PER_DAY,
        home=[h for _, _, h, _ in pairs],
        away=[a for _, _, _, a in pairs],
        neutral=neutral,
        home_goals=rng.poisson(expected_home).astype(float),
        away_goals=rng.poisson(expected_away).astype(float),
    )
    features = FeatureFrame.from_columns(
        {
            "elo_home": elo_home,
            "elo_away": elo_away,
            "elo_difference": elo_home - elo_away + ELO_PER_LOG_GOAL * edge,
            "goals_expected_home": expected_home,
            "goals_expected_away": expected_away,
            "chances_expected_home": expected_home,
            "chances_expected_away": expected_away,
            "chances_doubt_home": np.full(len(pairs), 0.1),
            "chances_doubt_away": np.full(len(pairs), 0.2),
            "competition_level": np.array([float(c.rpartition(".")[2]) for c, _, _, _ in pairs]),
            "draw_rate": np.full(len(pairs), 0.26),
            "neutral_venue": neutral.astype(float),
        }
    )
    attack, defence = ({team: float(pair[k]) for team, pair in strength.items()} for k in (0, 1))
    return World(matches, features, attack, defence, home_advantage, mean_log_goals)


@pytest.fixture(scope="session")
def world() -> World:
    """Two divisions of ten teams, three years, 540 matches; every twentieth match has unknown features."""
    world = simulate(seed=7, teams=10, rounds=3, neutral_share=0.1)
    world.features.values[::20] = np.nan
    return read_only(world)


@pytest.fixture(scope="session")
def large_world() -> World:
    """One division of twenty teams, six years, 2,280 matches, every feature known."""
    return read_only(simulate(seed=11, teams=20, rounds=6, competitions=("xx.1",), neutral_share=0.1))


def read_only(world: World) -> World:
    """Lock the arrays, so that no test changes the world of the next."""
    for field in fields(MatchTable):
        getattr(world.matches, field.name).flags.writeable = False
    world.features.values.flags.writeable = False
    return world
