"""Forecasts against results: which of them count, and how good they were. Arithmetic only.

Nothing of this is stored. It is worked out from the forecasts and the results as they are, so a corrected score
changes it, an awarded or abandoned match never counts, and no crash can count anything twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Array
from models.scores import (
    Outcomes,
    binned_reliability,
    brier,
    expected_calibration_error,
    log_loss,
    ranked_probability_score,
)
from store.forecasts import Met

HOUR_S: Final = 3_600
LAST: Final = "last"
OUTCOMES: Final = ("home", "draw", "away")
HORIZONS_S: Final[Mapping[str, tuple[float, float]]] = {
    LAST: (0, float("inf")),
    "under 1 day": (0, 24 * HOUR_S),
    "1 to 3 days": (24 * HOUR_S, 72 * HOUR_S),
    "3 to 7 days": (72 * HOUR_S, 168 * HOUR_S),
    "over 7 days": (168 * HOUR_S, float("inf")),
}
"""How long before kick-off; of several forecasts of a match within a horizon only the latest counts."""

_Z_95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Settled:
    """Hold the forecasts that count for one horizon, beside what happened, by kick-off.

    Attributes:
        proba: Home, draw, away. Shape (n, 3).
        outcome: 0 home win, 1 draw, 2 away win. Shape (n,).
        over, both: Probability of more than 2.5 goals, and of both sides scoring. Shape (n,).
        is_over, is_both: Whether it came so. Shape (n,).
        competition, model: Texts. Shape (n,).
    """

    proba: Array
    outcome: Outcomes
    over: Array
    both: Array
    is_over: NDArray[np.bool_]
    is_both: NDArray[np.bool_]
    competition: NDArray[np.str_]
    model: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.outcome)

    def where(self, rows: NDArray[np.bool_] | slice) -> Settled:
        """Return some of them."""
        return Settled(*(getattr(self, name)[rows] for name in self.__slots__))


class Score(NamedTuple):
    """Hold how good forecasts were; lower is better.

    Attributes:
        matches: How many.
        rps, log_loss, brier, ece: Of home, draw and away; NaN without matches.
        rps_error: Half of the 95 % interval of the mean RPS; NaN for fewer than two.
        expected_rps: What the RPS would have been on average, had the forecasts been right.
        over_log_loss, both_log_loss: Of more than 2.5 goals, and of both sides scoring.
        over_ece, both_ece: The calibration errors of these.
    """

    matches: int
    rps: float
    rps_error: float
    expected_rps: float
    log_loss: float
    brier: float
    ece: float
    over_log_loss: float
    over_ece: float
    both_log_loss: float
    both_ece: float


class Open(NamedTuple):
    """Count the matches that were forecast and are not scored: still to come, or never to be."""

    to_come: int
    without_result: int


def settle(met: Iterable[Met], horizon: str = LAST) -> Settled:
    """Return the forecasts that count for a horizon, one for each match, model and version.

    The horizon is counted to the kick-off as it turned out: a forecast of a match that was put off stands,
    as an earlier one. What was computed at or after kick-off does not count.
    """
    nearest, farthest = HORIZONS_S[horizon]
    latest: dict[tuple[str, str, str], Met] = {}
    for one in met:
        if one.home_goals is None or one.kickoff is None:
            continue
        ahead_s = one.kickoff - one.forecast.computed_at
        if ahead_s <= 0 or not nearest <= ahead_s < farthest:
            continue
        key = (one.forecast.match_id, one.forecast.model_name, one.forecast.model_version)
        if key not in latest or latest[key].forecast.computed_at <= one.forecast.computed_at:
            latest[key] = one
    return _settled(sorted(latest.values(), key=lambda one: (one.kickoff or 0, one.forecast.match_id)))


def not_scored(met: Iterable[Met], now_s: float) -> Open:
    """Count the matches that no score is known of."""
    without = {one.forecast.match_id: one for one in met if one.home_goals is None}
    to_come = sum(
        one.status == "scheduled" and (one.kickoff is None or one.kickoff > now_s) for one in without.values()
    )
    return Open(to_come, len(without) - to_come)


def score(settled: Settled) -> Score:
    """Return how good forecasts were."""
    if len(settled) == 0:
        return Score(0, *[float("nan")] * (len(Score._fields) - 1))
    each = ranked_probability_score(settled.proba, settled.outcome)
    error = _Z_95 * float(each.std(ddof=1)) / np.sqrt(len(each)) if len(each) > 1 else float("nan")
    return Score(
        len(each),
        float(each.mean()),
        float(error),
        float(expected_rps(settled.proba).mean()),
        float(log_loss(settled.proba, settled.outcome).mean()),
        float(brier(settled.proba, settled.outcome).mean()),
        expected_calibration_error(settled.proba, settled.outcome),
        _event_log_loss(settled.over, settled.is_over),
        binned_reliability(settled.over, settled.is_over).ece,
        _event_log_loss(settled.both, settled.is_both),
        binned_reliability(settled.both, settled.is_both).ece,
    )


def expected_rps(proba: Array) -> Array:
    """Return the mean RPS of forecasts that are right: the variance of both cumulative events, halved. Shape (n,).

    >>> expected_rps(np.array([[0.5, 0.3, 0.2]])).round(3).tolist()  # (.5 * .5 + .8 * .2) / 2
    [0.205]
    """
    cumulative = np.cumsum(proba[:, :2], axis=1)
    expected: Array = (cumulative * (1.0 - cumulative)).sum(axis=1) / 2.0
    return expected


def by(settled: Settled, names: NDArray[np.str_]) -> dict[str, Score]:
    """Return the scores of parts, the largest part first."""
    parts = {str(name): settled.where(names == name) for name in np.unique(names)}
    return {name: score(part) for name, part in sorted(parts.items(), key=lambda item: -len(item[1]))}


def markets(score: Score) -> dict[str, tuple[float, float]]:
    """Return log loss and calibration error of each market that is settled."""
    return {
        "1x2": (score.log_loss, score.ece),
        "over_2_5": (score.over_log_loss, score.over_ece),
        "both_score": (score.both_log_loss, score.both_ece),
    }


def events(settled: Settled) -> dict[str, tuple[Array, NDArray[np.bool_]]]:
    """Return of each event that is settled its probability and whether it came, shape (n,) each."""
    outcomes = {name: (settled.proba[:, place], settled.outcome == place) for place, name in enumerate(OUTCOMES)}
    return outcomes | {"over_2_5": (settled.over, settled.is_over), "both_score": (settled.both, settled.is_both)}


def _settled(met: Sequence[Met]) -> Settled:
    told = [one.forecast for one in met]
    home = np.array([one.home_goals or 0 for one in met], dtype=np.int64)
    away = np.array([one.away_goals or 0 for one in met], dtype=np.int64)
    return Settled(
        proba=np.array([(one.home, one.draw, one.away) for one in told], dtype=np.float64).reshape(-1, 3),
        outcome=np.where(home > away, 0, np.where(home == away, 1, 2)).astype(np.int64),
        over=np.array([one.over_2_5 for one in told], dtype=np.float64),
        both=np.array([one.both_score for one in told], dtype=np.float64),
        is_over=home + away > 2,
        is_both=(home > 0) & (away > 0),
        competition=np.array([one.competition for one in met], dtype=np.str_),
        model=np.array([f"{one.model_name}:{one.model_version}" for one in told], dtype=np.str_),
    )


def _event_log_loss(probability: Array, happened: NDArray[np.bool_]) -> float:
    return float(-np.log(np.where(happened, probability, 1.0 - probability)).mean())
