"""Over 2.5 goals and both teams to score: what is said of them, what came, and the log loss of ours beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from features.matches import MatchTable
from models.score_grid import SIZE
from models.scores import paired_bootstrap

MARKETS: Final = ("over_2_5", "both_teams_to_score")
"""Names of the columns of every array of market probabilities here."""

BASE_RATE: Final = "base_rate"
"""Name of the baseline that says how often each came in all matches so far."""

_GOALS: Final = np.arange(SIZE)
_IS_OVER: Final = np.add.outer(_GOALS, _GOALS) > 2.5
_BOTH_SCORE: Final = np.minimum.outer(_GOALS, _GOALS) > 0


def market_proba(grid: Array) -> Array:
    """Return the probabilities of MARKETS. Shape (n, SIZE, SIZE) to (n, 2).

    >>> grid = np.zeros((1, SIZE, SIZE))
    >>> grid[0, 3, 0], grid[0, 1, 1], grid[0, 2, 1] = 0.5, 0.25, 0.25
    >>> market_proba(grid).tolist()
    [[0.75, 0.5]]
    """
    return np.column_stack([grid[:, _IS_OVER].sum(axis=1), grid[:, _BOTH_SCORE].sum(axis=1)])


def market_results(matches: MatchTable) -> NDArray[np.bool_]:
    """Return whether each of MARKETS came in played matches. Shape (n, 2)."""
    return np.column_stack(
        [matches.home_goals + matches.away_goals > 2.5, np.minimum(matches.home_goals, matches.away_goals) > 0]
    )


def base_rate(past: MatchTable, matches: int) -> Array:
    """Return how often MARKETS came in played matches of the past, for each of so many matches. Shape (matches, 2).

    As if each had come once and not come once as well, so that nothing is ever certain (Laplace).
    """
    came = market_results(past.take(past.played))
    return np.tile((came.sum(axis=0) + 1.0) / (len(came) + 2.0), (matches, 1))


def market_log_loss(proba: Array, came: NDArray[np.bool_]) -> Array:
    """Return minus the natural logarithm of the probability of what happened, in nats. Shapes (n,) to (n,).

    >>> market_log_loss(np.array([0.25, 0.25]), np.array([True, False])).round(4).tolist()
    [1.3863, 0.2877]
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(np.where(came, proba, 1.0 - proba)))


def goal_market_report(
    proba: Mapping[str, Array], matches: MatchTable, drawn: NDArray[np.int64], *, model: str, seed: int
) -> dict[str, Any]:
    """Return the mean log loss of each model in each of MARKETS, and ours minus each other's, as plain data.

    Args:
        proba: Model name to probabilities of MARKETS, shape (n, 2) each.
        matches: Played ones, at least one.
        drawn: What the paired 95 % bootstrap draws whole, such as each match's day. Shape (n,).
        model: Which is ours, a name in ``proba``.
        seed: Same seed, same intervals.
    """
    came = market_results(matches)
    return {
        market: {
            "came": float(came[:, column].mean()),
            **_compared(
                {name: market_log_loss(said[:, column], came[:, column]) for name, said in proba.items()},
                drawn,
                model,
                seed,
            ),
        }
        for column, market in enumerate(MARKETS)
    }


def _compared(loss: Mapping[str, Array], drawn: NDArray[np.int64], model: str, seed: int) -> dict[str, Any]:
    return {
        "log_loss": {name: float(values.mean()) for name, values in loss.items()},
        "difference": {
            name: paired_bootstrap(loss[model], values, drawn, seed=seed)._asdict()
            for name, values in loss.items()
            if name != model
        },
    }
