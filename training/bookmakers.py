"""Our forecasts beside the bookmakers' line, and what bets on the difference would have made.

For looking back only. Nothing here is learned from, and nothing here is served.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.matches import MatchTable
from models.scores import Array
from training.overround import METHODS, overround
from training.report import report
from training.staking import NO_BET, best_bet, expected_value, kelly_stake, settle, yield_of
from training.walk_forward import Forecasts

LINE: Final = "odds"
"""Name of the bookmakers' line among the models of a report."""

CAVEAT: Final = (
    "This looks back; it is no advice to bet.",
    "A past yield is mostly noise, and its interval is too narrow where bets are few.",
    "Bookmakers limit those who win, and odds move: nobody can say that these prices were to be had.",
    "Odds before kick-off are among our features where the store has them: ours has seen that line.",
)
"""What has to stand under every table."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Say how odds are read and how bets would be chosen.

    Attributes:
        overround: How the margin is taken out, a name of ``training.overround.METHODS``.
        edge: Expected profit of a unit bet above which it is looked at; 0.05 is five per cent.
        kelly_fraction: Share of Kelly's stake, above 0, up to 1.
        stake_cap: Largest stake as a share of the bankroll.
    """

    overround: str = "shin"
    edge: float = 0.05
    kelly_fraction: float = 0.25
    stake_cap: float = 0.05


@dataclass(frozen=True, slots=True)
class _Bets:
    """Hold bets in the order of their matches: row, outcome, price taken and our probability of it."""

    row: NDArray[np.int64]
    outcome: NDArray[np.int64]
    price: Array
    probability: Array


def beside_odds(
    forecasts: Forecasts,
    closing: Mapping[str, tuple[float, float, float]],
    terms: Terms,
    *,
    model: str,
    seed: int,
) -> dict[str, Any] | None:
    """Return the comparison with both lines and the result of the bets as plain data, None where no match has odds.

    ``before_kickoff`` and ``closing`` are reports as ``training.report.report`` gives them, over the matches that
    have such odds, with the mean ``overround``; None where none has. ``bets`` are at the odds before kick-off,
    one a match at most; their ``closing_line_value`` is the expected profit of a unit bet at the price taken if the
    closing line without its overround is right. All intervals are bootstrapped over match days.

    Args:
        forecasts: Of played matches, from ``walk_forward``.
        closing: Closing decimal odds, home, draw, away, by match id; matches of other days do no harm.
        terms: How odds are read and bets chosen.
        model: Whose forecasts stand beside the odds, a name in ``forecasts.proba``.
        seed: Same seed, same intervals.

    Raises:
        ValueError: If an odd is 1 or less.
    """
    before, after = _before_kickoff(forecasts.matches), _closing(forecasts.matches, closing)
    lines = {name: _line(forecasts, odds, terms, model, seed) for name, odds in _named(before, after)}
    if not any(lines.values()):
        return None
    bets = None if lines["before_kickoff"] is None else _bets(forecasts, before, after, terms, model, seed)
    return {"overround_method": terms.overround, **lines, "bets": bets, "caveat": list(CAVEAT)}


def _named(before: Array, after: Array) -> tuple[tuple[str, Array], tuple[str, Array]]:
    return ("before_kickoff", before), ("closing", after)


def _before_kickoff(matches: MatchTable) -> Array:
    return np.column_stack([matches.odds_home, matches.odds_draw, matches.odds_away])


def _closing(matches: MatchTable, closing: Mapping[str, tuple[float, float, float]]) -> Array:
    unknown = (np.nan, np.nan, np.nan)
    return np.array([closing.get(match_id, unknown) for match_id in matches.match_id], dtype=np.float64).reshape(-1, 3)


def _line(forecasts: Forecasts, odds: Array, terms: Terms, model: str, seed: int) -> dict[str, Any] | None:
    """Report ours and the line over the matches that have all three odds."""
    fair = METHODS[terms.overround](odds)
    rows = np.flatnonzero(~np.isnan(fair).any(axis=1))
    if not len(rows):
        return None
    proba = {model: forecasts.proba[model][rows], LINE: fair[rows]}
    both = Forecasts(forecasts.matches.take(rows), proba, forecasts.trained_until[rows])
    return {"overround": float(overround(odds[rows]).mean()), **report(both, model=model, seed=seed)}


def _bets(forecasts: Forecasts, odds: Array, closing: Array, terms: Terms, model: str, seed: int) -> dict[str, Any]:
    proba = forecasts.proba[model]
    bets = _chosen(proba, odds, terms.edge)
    days = forecasts.matches.day[bets.row]
    won = forecasts.matches.outcome[bets.row] == bets.outcome
    kelly = kelly_stake(bets.probability, bets.price, fraction=terms.kelly_fraction, cap=terms.stake_cap)
    fair = METHODS[terms.overround](closing)[bets.row, bets.outcome]
    return {
        "edge": terms.edge,
        "count": len(bets.row),
        "match_days": len(np.unique(days)),
        "won": int(won.sum()),
        "unit_stakes": _result(np.ones(len(kelly)), bets, won, days, seed),
        "kelly": {
            "fraction": terms.kelly_fraction,
            "cap": terms.stake_cap,
            "stakes": _result(kelly, bets, won, days, seed),
        },
        "closing_line_value": _closing_line_value(bets, fair, days, seed),
    }


def _chosen(proba: Array, odds: Array, edge: float) -> _Bets:
    complete = np.where(np.isnan(odds).any(axis=1, keepdims=True), np.nan, odds)
    outcome = best_bet(expected_value(proba, complete), edge)
    row = np.flatnonzero(outcome != NO_BET)
    return _Bets(row, outcome[row], odds[row, outcome[row]], proba[row, outcome[row]])


def _result(
    stake: Array, bets: _Bets, won: NDArray[np.bool_], days: NDArray[np.int64], seed: int
) -> dict[str, Any] | None:
    if not len(stake):
        return None
    profit = settle(stake, bets.price, won)
    told = yield_of(stake, profit, days, seed=seed)
    return {"staked": float(stake.sum()), "profit": float(profit.sum()), "yield": told._asdict()}


def _closing_line_value(bets: _Bets, fair: Array, days: NDArray[np.int64], seed: int) -> dict[str, Any] | None:
    known = ~np.isnan(fair)
    if not known.any():
        return None
    value = fair[known] * bets.price[known] - 1.0
    return {"bets": int(known.sum()), **yield_of(np.ones(len(value)), value, days[known], seed=seed)._asdict()}
