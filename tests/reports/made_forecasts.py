"""Made-up forecasts whose truth is known: results are drawn from the probabilities of the first model."""

from __future__ import annotations

import numpy as np

from features.matches import MatchTable
from training.walk_forward import Forecasts

FIRST_DAY = 19_000


def forecasts(matches=400, *, seed=3, baselines=("noisy", "constant"), home_team="Arvenholt"):
    """Two leagues of two seasons, four matches a day; ``noisy`` is the truth with noise, ``constant`` knows the means."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet((4.5, 2.6, 3.0), matches)
    outcome = (rng.random(matches)[:, None] > truth.cumsum(axis=1)[:, :2]).sum(axis=1)
    noisy = truth * np.exp(rng.normal(0.0, 0.35, truth.shape))
    said = {
        "noisy": noisy / noisy.sum(axis=1, keepdims=True),
        "constant": np.tile([0.45, 0.25, 0.30], (matches, 1)),
    }
    number = np.arange(matches)
    day = FIRST_DAY + number // 4
    table = MatchTable.from_columns(
        match_id=[f"m{i:05d}" for i in number],
        competition=np.where(number % 2, "qa.1", "qb.1").tolist(),
        season=np.where(number < matches // 2, "2021-22", "2022-23").tolist(),
        kickoff=day * 86_400 + 3600 * 15,
        home=[f"q:{home_team}"] * matches,
        away=["q:Brixmoor"] * matches,
        home_goals=np.array([2, 1, 0])[outcome],
        away_goals=np.array([0, 1, 3])[outcome],
    )
    return Forecasts(table, {"mine": truth} | {name: said[name] for name in baselines}, FIRST_DAY + number // 200 * 50)
